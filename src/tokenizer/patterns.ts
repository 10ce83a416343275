// Split patterns, the definition: how text is cut into chunks that no merge may cross. Works on bytes, so
// that any file can be split. The oracle of split-fast.ts, which finds the same chunks in texts of any
// length.
import { characterWidth } from './utf8.ts';

/**
 * `none`: the whole text is one chunk (as in the seed). The others separate words, numbers, punctuation and
 * spaces.
 */
export type Pattern = 'none' | 'gpt2' | 'gpt4' | 'o200k';

/** The names, in the order in which help lists them. */
export const patterns: readonly Pattern[] = ['none', 'gpt2', 'gpt4', 'o200k'];

// As published by OpenAI (GPT-2's encoder.py; cl100k_base and o200k_base of tiktoken), in JavaScript's
// dialect. \s is spelt out as Unicode's White_Space (JavaScript's own differs by U+0085 and U+FEFF). (?i:...)
// is spelt out as both cases (U+017F folds to s). Possessive quantifiers are plain ones: what follows them
// here never gains from backtracking. Every character matches some branch.
const S = '\\p{White_Space}';
const contraction = `'(?:[sS\\u017FdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])`;
const [U, L] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'];
const expressions: Record<Exclude<Pattern, 'none'>, string> = {
  gpt2: `'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^${S}\\p{L}\\p{N}]+|${S}+(?!\\P{White_Space})|${S}+`,
  gpt4:
    `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}` +
    `| ?[^${S}\\p{L}\\p{N}]+[\\r\\n]*|${S}*[\\r\\n]|${S}+(?!\\P{White_Space})|${S}+`,
  o200k:
    `[^\\r\\n\\p{L}\\p{N}]?${U}*${L}+(?:${contraction})?|[^\\r\\n\\p{L}\\p{N}]?${U}+${L}*(?:${contraction})?|\\p{N}{1,3}` +
    `| ?[^${S}\\p{L}\\p{N}]+[\\r\\n/]*|${S}*[\\r\\n]+|${S}+(?!\\P{White_Space})|${S}+`,
};

/**
 * Where the chunks of `bytes` end, ascending. The last end is `bytes.length`; no chunk is empty. A byte that
 * is not UTF-8 counts as one unknown character, neither letter nor number nor space.
 *
 * `chunkEnds(utf8("I'm  25!"), 'gpt2')` -> [1, 3, 4, 7, 8]: `I` `'m` ` ` ` 25` `!`
 */
export function chunkEnds(bytes: Uint8Array, pattern: Pattern): Int32Array {
  if (bytes.length === 0) return new Int32Array(0);
  if (pattern === 'none') return Int32Array.of(bytes.length);
  const text = decodeEscaped(bytes);
  const expression = new RegExp(expressions[pattern], 'uy');
  const ends: number[] = [];
  while (expression.lastIndex < text.length && expression.test(text)) ends.push(expression.lastIndex);
  return text.length === bytes.length ? Int32Array.from(ends) : bytePlaces(text, ends);
}

/**
 * Decodes UTF-8 without loss: each byte b that is not UTF-8 becomes the lone surrogate U+DC00 + b.
 */
function decodeEscaped(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    let from = 0;
    for (let i = 0; i < bytes.length; ) {
      const width = characterWidth(bytes, i);
      i += Math.max(width, 1);
      if (width > 0) continue;
      text += decoder.decode(bytes.subarray(from, i - 1)) + String.fromCharCode(0xdc00 + bytes[i - 1]);
      from = i;
    }
    return text + decoder.decode(bytes.subarray(from));
  }
}

/** Converts places in a string made by `decodeEscaped` (ascending) to places in its bytes. */
function bytePlaces(text: string, places: readonly number[]): Int32Array {
  let i = 0;
  let byte = 0;
  return Int32Array.from(places, (place) => {
    for (; i < place; i++) {
      const code = text.codePointAt(i) as number;
      byte += utf8Width(code);
      if (code > 0xffff) i++;
    }
    return byte;
  });
}

function utf8Width(code: number): number {
  if (code < 0x80 || (code >= 0xdc00 && code < 0xe000)) return 1; // ASCII, or one escaped byte
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
