// The largest of many numbers are those that sorting all of them finds, ties included.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { largest } from '../../src/base/largest.ts';

test('the largest are the first of all sorted, and equal ones stay in their order', () => {
  const values = fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 60 });
  fc.assert(
    fc.property(values, fc.nat({ max: 70 }), (all, n) => {
      const sorted = all.map((_, i) => i).sort((a, b) => all[b] - all[a] || a - b);
      assert.deepEqual(largest(Float32Array.from(all), n), sorted.slice(0, n));
    }),
  );
});
