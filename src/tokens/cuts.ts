// Where a text may be cut so that its parts, encoded by themselves, have the tokens of the whole.
//
// With a split pattern: between two of its chunks, which no merge crosses. After an ASCII letter and before a
// blank there is always such a border, in every pattern and whatever stands before: no chunk goes on with a
// blank after a letter, and none looks further ahead. Where there is no such place nearby, the chunks are
// followed from the start of the part: a border of these is exact, too, since a chunk looks at most one
// character beyond its end.
//
// Without a pattern every cut may fall into a token. Parts then overlap, and are joined where both have the
// same token at the same place: see stitch.ts.
//
// In both cases the name of a special token stays whole, and a part of a tokenizer that puts a space before
// texts (`prefixSpace`) begins with one.
import type { Tokenizer } from '../tokenizer/index.ts';
import { segments } from '../tokenizer/special.ts';
import { type Splitter, splitterOf } from '../tokenizer/split-fast.ts';
import { toBytes } from '../tokenizer/utf8.ts';

/** Bytes looked back for a good place. */
const NEARBY = 2 ** 16;

/** Finds the places; see `cutter`. */
export interface Cutter {
  /**
   * The last place in `text` at which a part may end, above 0 and at most `limit`; 0 where there is none. At
   * least `beyond` bytes of the text lie behind `limit`.
   */
  cut(text: Uint8Array, limit: number): number;
  /** Bytes that must follow the limit. */
  beyond: number;
}

/** For a text in which the names of `specials` become tokens. */
export function cutter(
  { pattern, prefixSpace }: Pick<Tokenizer, 'pattern' | 'prefixSpace'>,
  specials: ReadonlyMap<string, number>,
): Cutter {
  const names = [...specials.keys()].map(toBytes);
  const fits = (text: Uint8Array, at: number): boolean =>
    (!prefixSpace || text[at] === BLANK) && !names.some((name) => isInside(text, at, name));
  return {
    beyond: Math.max(8, ...names.map(({ length }) => length)),
    cut(text, limit) {
      for (let at = limit; at > 0 && at > limit - NEARBY; at--)
        if (text[at] === BLANK && isLetter(text[at - 1]) && fits(text, at)) return at;
      if (pattern !== 'none') {
        const borders = chunkBorders(text, limit, splitterOf(pattern), specials);
        return borders.findLast((at) => fits(text, at)) ?? 0;
      }
      let at = limit;
      while (at > 0 && !(startsCharacter(text[at]) && fits(text, at))) at--;
      return at;
    },
  };
}

/** Where chunks of `text` end, up to `limit`. */
function chunkBorders(
  text: Uint8Array,
  limit: number,
  split: Splitter,
  specials: ReadonlyMap<string, number>,
): number[] {
  const borders: number[] = [];
  for (const { start, end } of segments(text, specials, { allowedSpecial: 'all' })) {
    const part = text.subarray(start, end);
    for (let at = 0; at < part.length; borders.push(start + at)) {
      at = split(part, at);
      if (start + at > limit) return borders;
    }
  }
  return borders;
}

const BLANK = 0x20;

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function startsCharacter(byte: number): boolean {
  return (byte & 0xc0) !== 0x80;
}

/** Whether `name` stands in `text` with `at` between its first and its last byte. */
function isInside(text: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let start = Math.max(0, at - name.length + 1); start < at; start++)
    if (name.every((byte, i) => text[start + i] === byte)) return true;
  return false;
}
