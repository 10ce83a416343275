// `.model` files of minbpe (github.com/karpathy/minbpe): a version, the split pattern, the special tokens
// with their ids, then one merge per line, of which the first makes token 256.
import { excerpt } from '../base/schema.ts';
import type { Merge } from './bpe.ts';
import type { TokenizerContents, TokenizerParts } from './parts.ts';
import { knownExpressions, publishedExpressions } from './tokenizer-json.ts';

const VERSION = 'minbpe v1';

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
    VERSION,
    pattern === 'none' ? '' : publishedExpressions[pattern],
    String(specialTokens.size),
    ...Array.from(specialTokens, ([name, id]) => `${name} ${id}`),
    ...merges.map(([left, right]) => `${left} ${right}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether a file begins as minbpe's do. */
export function isMinbpe(head: Uint8Array): boolean {
  return new TextDecoder().decode(head.subarray(0, VERSION.length)) === VERSION;
}

/** What a file says of a tokenizer. Throws, naming the line, when it is damaged or has an unknown pattern. */
export function fromMinbpe(file: string): TokenizerParts {
  const lines = file.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const damaged = (at: number, expected: string): Error =>
    new Error(
      `.model line ${at + 1}: ${at < lines.length ? excerpt(lines[at]) : 'missing'}: expected ${expected}`,
    );
  const [version, expression = '', count = ''] = lines.map((line) => line.trim());
  if (version !== VERSION) throw damaged(0, VERSION);
  const pattern = expression === '' ? 'none' : knownExpressions.get(expression);
  if (pattern === undefined)
    throw damaged(1, `nothing, or the pattern of ${[...new Set(knownExpressions.values())].join(', ')}`);
  if (!/^\d+$/.test(count)) throw damaged(2, 'the number of special tokens');
  const first = 3 + Number(count);
  const specialTokens = new Map<string, number>();
  for (let at = 3; at < first; at++) {
    const [, name, id] = /^\s*(\S+) (\d+)\s*$/.exec(lines[at] ?? '') ?? [];
    if (name === undefined || specialTokens.has(name)) throw damaged(at, 'a special token and its id');
    specialTokens.set(name, Number(id));
  }
  const merges = lines.slice(first).map((line, rank): Merge => {
    const [, left, right] = /^\s*(\d+)\s+(\d+)\s*$/.exec(line) ?? [];
    if (left === undefined) throw damaged(first + rank, 'the two tokens of a merge');
    return [Number(left), Number(right)];
  });
  return { merges, pattern, specialTokens };
}
