// The figures of a text counted in pieces, against the same counted on one string.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LINE_LIMIT, textFacts } from '../../src/text/facts.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .string({ unit: fc.constantFrom('\r', '\n', '\r\n', 'a', 'é', '中', '🖋', '\ufeff'), maxLength: 40 })
    .map((text) => new TextEncoder().encode(text)),
);

test('pieces of any length give the facts of the whole', () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 9 }), fc.nat(5), (bytes, piece, keep) => {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      const lines = text.split(/\r\n|\r|\n/);
      if (lines.at(-1) === '') lines.pop(); // a final line break ends a line and does not begin one
      assert.deepEqual(textFacts(bytes, keep, piece), {
        characters: [...text].length,
        distinctCharacters: new Set(text).size,
        lines: lines.length,
        first: lines.slice(0, keep),
      });
    }),
    { numRuns: 2000 },
  );
});

test('a line that is shown is cut where nobody reads on', () => {
  const { lines, first } = textFacts(new Uint8Array(3_000_000).fill(97), 10);
  assert.equal(lines, 1);
  assert.deepEqual([first.length, first[0].length], [1, LINE_LIMIT]);
});
