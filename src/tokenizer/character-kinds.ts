// The kind of the character at a place in UTF-8 bytes, as the split patterns need it. Kinds are the Unicode
// properties of this JavaScript engine's regular expressions, looked up once per character.
import { characterWidth } from './utf8.ts';

/** `\p{L}` */
export const LETTER = 1;
/** `\p{N}` */
export const NUMBER = 2;
/** `\p{White_Space}`, which is what `\s` means outside JavaScript. */
export const SPACE = 4;
/** None of these three: punctuation, symbols, marks, control characters, and a byte that is not UTF-8. */
export const OTHER = 8;
/** `[\r\n]` */
export const LINE_BREAK = 16;
/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`: what a word may begin with in o200k. */
export const UPPER = 32;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: what a word may go on with in o200k. */
export const LOWER = 64;

const properties: readonly (readonly [kind: number, expression: RegExp])[] = [
  [LETTER, /\p{L}/u],
  [NUMBER, /\p{N}/u],
  [SPACE, /\p{White_Space}/u],
  [LINE_BREAK, /[\r\n]/],
  [UPPER, /[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]/u],
  [LOWER, /[\p{Ll}\p{Lm}\p{Lo}\p{M}]/u],
];

/** The kinds of the first 128 characters. */
export const asciiKinds: Uint8Array = kindsOf(0, 128);

/** A byte that is not UTF-8 counts as one unknown character. */
const INVALID = OTHER | (1 << 8);

/**
 * The kinds of the character at `at`, plus 256 times its width in bytes; 0 past the end. A byte that does not
 * begin a valid character counts as one `OTHER`.
 */
export function kindAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return asciiKinds[lead] | (1 << 8);
  if (lead === undefined) return 0;
  const width = characterWidth(bytes, at);
  if (width === 0) return INVALID;
  let code = lead & (0xff >> (width + 1));
  for (let k = 1; k < width; k++) code = (code << 6) | (bytes[at + k] & 0x3f);
  return pageOf(code >> 8)[code & 255] | (width << 8);
}

/** Kinds of 256 characters each, computed when first needed: all 1.1 million would take a second. */
const pages: Uint8Array[] = [];

function pageOf(number: number): Uint8Array {
  pages[number] ??= kindsOf(number << 8, 256);
  return pages[number];
}

function kindsOf(first: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, k) => {
    const character = String.fromCodePoint(first + k);
    let kinds = 0;
    for (const [kind, expression] of properties) if (expression.test(character)) kinds |= kind;
    return (kinds & (LETTER | NUMBER | SPACE)) === 0 ? kinds | OTHER : kinds;
  });
}
