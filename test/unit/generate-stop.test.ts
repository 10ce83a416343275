import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stopFilter } from '../../src/generate/stop.ts';

/** The text that passes when `pieces` are pushed one by one. */
function through(
  pieces: readonly string[],
  stops: readonly string[],
): { text: string; found: string | null } {
  const filter = stopFilter(stops);
  const text = pieces.map((piece) => filter.push(piece)).join('') + filter.flush();
  return { text, found: filter.found };
}

describe('stopFilter', () => {
  test('passes everything when there is nothing to stop at', () => {
    assert.deepEqual(through(['to be', ' or'], []), { text: 'to be or', found: null });
  });

  test('cuts before a stop string that spans pieces', () => {
    assert.deepEqual(through(['one\n', '\n', 'two'], ['\n\n']), { text: 'one', found: '\n\n' });
  });

  test('shows at once what cannot become a stop string, and later what did not', () => {
    const filter = stopFilter(['END']);
    assert.equal(filter.push('the E'), 'the ');
    assert.equal(filter.push('N'), '');
    assert.equal(filter.push('T'), 'ENT');
    assert.equal(filter.push(' EN'), ' ');
    assert.equal(filter.flush(), 'EN');
  });

  test('takes the stop string that is complete first, the longest of those', () => {
    assert.deepEqual(through(['abcd'], ['abcd', 'c']), { text: 'ab', found: 'c' });
    assert.deepEqual(through(['xabc'], ['c', 'abc', 'bc']), { text: 'x', found: 'abc' });
  });

  test('does the same however the text is divided', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), stops, (pieces, list) => {
        const whole = pieces.join('');
        const { text, found } = through(pieces, list);
        assert.deepEqual(through([...whole], list), { text, found });
        assert.ok(whole.startsWith(text + (found ?? '')));
        for (const stop of list) assert.ok(!text.includes(stop));
        if (found === null) assert.equal(text, whole);
      }),
    );
  });
});
