// The files that other programs read a tokenizer from.
import { checkValue } from '../../base/fields.ts';
import { jsonBytes } from '../../base/json.ts';
import type { Pattern, Tokenizer } from '../../tokenizer/index.ts';
import { toMinbpe } from '../../tokenizer/minbpe.ts';
import { partsFields } from '../../tokenizer/options.ts';
import { publishedExpressions } from '../../tokenizer/tokenizer-json.ts';
import { type TokenizerFormat, tokenizerFormats } from '../options.ts';
import type { TokenizerTarget } from '../target.ts';

/** The ending of each format's file. */
export const formatEndings: Readonly<Record<TokenizerFormat, string>> = {
  json: '.json',
  tiktoken: '.tiktoken',
  minbpe: '.model',
};

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const writers: Readonly<Record<TokenizerFormat, (tokenizer: Tokenizer) => Uint8Array>> = {
  json: (tokenizer) => jsonBytes(tokenizer.toJSON(), 2),
  tiktoken: (tokenizer) => utf8(tokenizer.toTiktoken()),
  minbpe: (tokenizer) => utf8(toMinbpe(tokenizer)),
};

/** `--to tokenizer` */
export const tokenizer: TokenizerTarget = {
  about: 'a tokenizer.json, .tiktoken or .model (minbpe) file, by the ending of --out',
  makes: 'file',
  from: 'tokenizer',
  takes: { format: tokenizerFormats },
  build(given, { format = 'json' }) {
    const name = `tokenizer${formatEndings[format]}`;
    const notes =
      format === 'tiktoken' ? [tiktokenNote(given)] : format === 'minbpe' ? minbpeNotes(given) : [];
    return { files: new Map([[name, writers[format](given)]]), notes };
  },
};

/**
 * The pattern for tiktoken: it drops what no match covers, so that `none` must match everything. Throws when
 * there is no such pattern.
 */
export function tiktokenPattern(pattern: Pattern): string {
  checkValue(partsFields.pattern, pattern, 'pattern');
  return pattern === 'none' ? '(?s:.+)' : publishedExpressions[pattern];
}

function tiktokenNote({ pattern, specialTokens, prefixSpace }: Tokenizer): string {
  if (prefixSpace)
    throw new Error(
      'this tokenizer puts a space before every text, which tiktoken does not do: export it as .json',
    );
  return (
    'a .tiktoken file holds the ranks only; tiktoken.Encoding needs as well ' +
    `pat_str=${JSON.stringify(tiktokenPattern(pattern))}, special_tokens=${JSON.stringify(Object.fromEntries(specialTokens))}`
  );
}

function minbpeNotes({ pattern }: Tokenizer): string[] {
  const reader = pattern === 'none' ? 'BasicTokenizer' : 'RegexTokenizer';
  return [`minbpe reads it with ${reader}().load(file)`];
}
