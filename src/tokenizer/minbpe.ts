// `.model` files of minbpe (github.com/karpathy/minbpe): a version, the split pattern, the special tokens
// with their ids, then one merge per line, of which the first makes token 256.
import type { TokenizerContents } from './parts.ts';
import { publishedExpressions } from './tokenizer-json.ts';

/**
 * The file of a tokenizer. Throws when its ids are not those that minbpe gives (bytes, then merges in order),
 * and for a special token with a space in its name, which its lines cannot hold.
 */
export function toMinbpe(tokenizer: TokenizerContents & { readonly byteIds: Int32Array }): string {
  const { merges, pattern, specialTokens, ids, byteIds, prefixSpace } = tokenizer;
  if (ids || byteIds.some((id, byte) => id !== byte))
    throw new Error(
      'minbpe numbers bytes by their values and merges from 256 on: this tokenizer has other ids, export it as .json',
    );
  if (prefixSpace)
    throw new Error(
      'this tokenizer puts a space before every text, which minbpe does not do: export it as .json',
    );
  const spaced = [...specialTokens.keys()].find((name) => /\s/u.test(name));
  if (spaced !== undefined)
    throw new Error(
      `special token '${spaced}' holds a space, which a .model file cannot: export it as .json`,
    );
  const lines = [
    'minbpe v1',
    pattern === 'none' ? '' : publishedExpressions[pattern],
    String(specialTokens.size),
    ...Array.from(specialTokens, ([name, id]) => `${name} ${id}`),
    ...merges.map(([left, right]) => `${left} ${right}`),
  ];
  return `${lines.join('\n')}\n`;
}
