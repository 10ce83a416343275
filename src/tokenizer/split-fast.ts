// The chunks of patterns.ts, found in the bytes in one pass from left to right. Makes no string of the text,
// uses no regular expression whose stack a long word could overflow, and needs no more memory for a gigabyte
// than for a word.
//
// Each alternative of a pattern is a run of characters of one kind, with a little before or after it. The
// functions below are the alternatives, in their published order. Each returns where the chunk that begins at
// a given place ends.
import {
  asciiKinds,
  kindAt,
  LETTER,
  LINE_BREAK,
  LOWER,
  NUMBER,
  OTHER,
  SPACE,
  UPPER,
} from './character-kinds.ts';
import type { Pattern } from './patterns.ts';

/**
 * Where the chunk of `bytes` that begins at `at` ends. `at` is below `bytes.length`; the end is above `at`.
 */
export type Splitter = (bytes: Uint8Array, at: number) => number;

/** The splitter of a pattern. */
export function splitterOf(pattern: Pattern): Splitter {
  return splitters[pattern];
}

const splitters: Record<Pattern, Splitter> = {
  none: (bytes) => bytes.length,

  // '(?:[sdmt]|ll|ve|re) | ?\p{L}+ | ?\p{N}+ | ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+
  gpt2(bytes, at) {
    const contracted = contractionEnd(bytes, at, false);
    if (contracted > at) return contracted;
    const start = bytes[at] === blank ? at + 1 : at;
    const kind = kindAt(bytes, start) & (LETTER | NUMBER | OTHER);
    return kind === 0 ? spaceEnd(bytes, at) : runEnd(bytes, start, kind);
  },

  // '(?i:[sdmt]|ll|ve|re) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n] |
  // \s+(?!\S) | \s+
  gpt4(bytes, at) {
    const contracted = contractionEnd(bytes, at, true);
    if (contracted > at) return contracted;
    const start = at + prefixWidth(bytes, at);
    const word = runEnd(bytes, start, LETTER);
    if (word > start) return word;
    const number = numberEnd(bytes, at);
    if (number > at) return number;
    const symbols = symbolsEnd(bytes, at);
    if (symbols > at) return runEnd(bytes, symbols, LINE_BREAK);
    return linesEnd(bytes, at);
  },

  // [^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)? | [^\r\n\p{L}\p{N}]?U+L*(?i:...)? | \p{N}{1,3}
  // | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
  // with U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]
  o200k(bytes, at) {
    const word = casedWordEnd(bytes, at);
    if (word > at) return contractionEnd(bytes, word, true);
    const number = numberEnd(bytes, at);
    if (number > at) return number;
    let symbols = symbolsEnd(bytes, at);
    if (symbols === at) return linesEnd(bytes, at);
    while (bytes[symbols] === slash || isLineBreak(bytes[symbols])) symbols++;
    return symbols;
  },
};

const [blank, apostrophe, slash] = [0x20, 0x27, 0x2f];

const isLineBreak = (byte: number): boolean => byte === 0x0a || byte === 0x0d;

/** Where the run of characters of any of `kinds` that begins at `at` ends: `at` itself if there is none. */
function runEnd(bytes: Uint8Array, at: number, kinds: number): number {
  for (;;) {
    const byte = bytes[at]; // undefined past the end
    if (byte < 0x80) {
      if ((asciiKinds[byte] & kinds) === 0) return at;
      at++;
    } else {
      const kind = kindAt(bytes, at);
      if ((kind & kinds) === 0) return at;
      at += kind >> 8;
    }
  }
}

/**
 * The end of `'s`, `'ll` and so on at `at`; `at` itself if there is none. With `anyCase` in any case, where
 * U+017F (long s) is an s.
 */
function contractionEnd(bytes: Uint8Array, at: number, anyCase: boolean): number {
  if (bytes[at] !== apostrophe) return at;
  if (anyCase && bytes[at + 1] === 0xc5 && bytes[at + 2] === 0xbf) return at + 3;
  const letters = String.fromCharCode(bytes[at + 1], bytes[at + 2]);
  const found = (anyCase ? anyCaseContraction : contraction).exec(letters);
  return found ? at + 1 + found[0].length : at;
}

const contraction = /^(?:[sdmt]|ll|ve|re)/;
const anyCaseContraction = /^(?:[sdmt]|ll|ve|re)/i;

/** Bytes of the character at `at` if it is neither line break nor letter nor number; else 0. */
function prefixWidth(bytes: Uint8Array, at: number): number {
  const kind = kindAt(bytes, at);
  return (kind & (LETTER | NUMBER | LINE_BREAK)) === 0 ? kind >> 8 : 0;
}

/**
 * `[^\r\n\p{L}\p{N}]?U*L+`, else `[^\r\n\p{L}\p{N}]?U+L*`. The optional character is tried first with, then
 * without.
 */
function casedWordEnd(bytes: Uint8Array, at: number): number {
  const starts = [at + prefixWidth(bytes, at), at];
  for (const end of [lowerWordEnd, upperWordEnd])
    for (const start of starts) {
      const found = end(bytes, start);
      if (found > start) return found;
    }
  return at;
}

/** `U*L+`. Where no L follows U*, U* gives back characters until one of them is also an L. */
function lowerWordEnd(bytes: Uint8Array, at: number): number {
  let end = at; // after the last character of U* that is also an L
  let place = at;
  for (let kind = kindAt(bytes, at); kind & UPPER; kind = kindAt(bytes, place)) {
    place += kind >> 8;
    if (kind & LOWER) end = place;
  }
  const lower = runEnd(bytes, place, LOWER);
  return lower > place ? lower : end;
}

/** `U+L*` */
function upperWordEnd(bytes: Uint8Array, at: number): number {
  const upper = runEnd(bytes, at, UPPER);
  return upper > at ? runEnd(bytes, upper, LOWER) : at;
}

/** `\p{N}{1,3}` */
function numberEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (let digits = 0; digits < 3; digits++) {
    const kind = kindAt(bytes, end);
    if ((kind & NUMBER) === 0) break;
    end += kind >> 8;
  }
  return end;
}

/** ` ?[^\s\p{L}\p{N}]+` */
function symbolsEnd(bytes: Uint8Array, at: number): number {
  const start = bytes[at] === blank ? at + 1 : at;
  const end = runEnd(bytes, start, OTHER);
  return end > start ? end : at;
}

/** `\s*[\r\n]`, else as `spaceEnd`. */
function linesEnd(bytes: Uint8Array, at: number): number {
  const end = runEnd(bytes, at, SPACE);
  // Line breaks are single bytes, and no byte of another character looks like one.
  for (let i = end - 1; i >= at; i--) if (isLineBreak(bytes[i])) return i + 1;
  return spaceEnd(bytes, at, end);
}

/**
 * `\s+(?!\S)`, else `\s+`: all the white space at `at`, without its last character where something follows.
 */
function spaceEnd(bytes: Uint8Array, at: number, end = runEnd(bytes, at, SPACE)): number {
  if (end === bytes.length) return end;
  let last = end - 1;
  while ((bytes[last] & 0xc0) === 0x80) last--; // the first byte of the last character
  return last > at ? last : end;
}
