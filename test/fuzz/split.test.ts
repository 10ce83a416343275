// Splitting bytes gives the same chunks as the regular expressions of the patterns, on texts made of the
// characters that the patterns distinguish.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Pattern, patterns } from '../../src/tokenizer/index.ts';
import { chunkEnds } from '../../src/tokenizer/patterns.ts';
import { splitterOf } from '../../src/tokenizer/split-fast.ts';

function ends(bytes: Uint8Array, pattern: Pattern): number[] {
  const split = splitterOf(pattern);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at = found[found.length - 1]) found.push(split(bytes, at));
  return found;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Characters of every kind and width, contractions, and strings that resemble them. */
const pieces = [
  'a',
  's',
  't',
  'l',
  'r',
  'e',
  'A',
  'S',
  'LL',
  'é',
  'É',
  'ß',
  'ſ',
  'ǅ',
  'ʰ',
  'א',
  '中',
  '𝐀',
  '𝒃',
  '𐐀',
  '1',
  '²',
  '٣',
  'Ⅷ',
  '𝟙',
  '\u0301',
  '\u0903',
  '\u20dd',
  "'",
  "'s",
  "'LL",
  "'ſ",
  "'Re",
  "'v",
  '’',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\v',
  '\u0085',
  '\u00a0',
  '\u2003',
  '\u3000',
  '\u2028',
  '.',
  '/',
  '-',
  '!',
  '€',
  '🖋',
  '👩‍🚀',
  '\ufeff',
  '\u200b',
  '\0',
  '\u007f',
  '\ufffd',
  '\u{10ffff}',
].map(utf8);
const broken = [[0x80], [0xc3], [0xe4, 0xb8], [0xf0, 0x9f], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf]].map(
  (b) => Uint8Array.from(b),
);
const text = (parts: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.constantFrom(...parts), { maxLength: 14 }).map((list) => Uint8Array.from(Buffer.concat(list)));

describe('the chunks of the definition', () => {
  for (const pattern of patterns) {
    test(`${pattern}: texts of every kind of character`, () => {
      fc.assert(
        fc.property(text(pieces), (bytes) =>
          assert.deepEqual(ends(bytes, pattern), [...chunkEnds(bytes, pattern)]),
        ),
        { numRuns: 2500 },
      );
    });

    test(`${pattern}: with bytes that are not UTF-8, and bytes alone`, () => {
      fc.assert(
        fc.property(fc.oneof(text([...pieces, ...broken]), fc.uint8Array({ maxLength: 40 })), (bytes) =>
          assert.deepEqual(ends(bytes, pattern), [...chunkEnds(bytes, pattern)]),
        ),
        { numRuns: 1500 },
      );
    });
  }

  test('every character that there is, alone, in a word and between spaces', () => {
    for (const pattern of patterns.slice(1)) {
      const parts: string[] = [];
      for (let code = 0; code < 0xe0200; code++) {
        if (code === 0xd800) code = 0xe000; // no surrogates
        if (code === 0x32000) code = 0xe0000; // nothing is assigned between
        const character = String.fromCodePoint(code);
        parts.push(character, 'a', character, 'B ', character, '\n');
      }
      const bytes = utf8(parts.join(''));
      assert.deepEqual(Int32Array.from(ends(bytes, pattern)), chunkEnds(bytes, pattern));
    }
  });
});

describe('runs of millions, in a text with characters of every width', () => {
  const runs: Record<string, string> = {
    letters: 'a',
    capitals: 'A',
    spaces: ' ',
    'line feeds': '\n',
    digits: '7',
    dots: '.',
    emoji: '🖋',
    'Chinese letters': '中',
    apostrophes: "'",
    marks: '\u0301',
  };
  for (const [what, character] of Object.entries(runs))
    test(what, () => {
      const n = character.length < 2 && character < '\u0080' ? 6_000_000 : 1_000_000;
      const run = utf8(character);
      const bytes = Buffer.concat([utf8('é x'), Buffer.alloc(n * run.length, run), utf8('y 中')]);
      for (const pattern of patterns) {
        const found = ends(bytes, pattern);
        assert.equal(found.at(-1), bytes.length);
        const longest = found.reduce((most, end, k) => Math.max(most, end - (found[k - 1] ?? 0)), 0);
        const cut = character === '7' && (pattern === 'gpt4' || pattern === 'o200k');
        if (cut)
          assert.ok(longest <= 4, `${pattern}: ${longest}`); // ` 中`
        else assert.ok(longest >= n * run.length - run.length, `${pattern}: ${longest}`);
      }
    });
});
