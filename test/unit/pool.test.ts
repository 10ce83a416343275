import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DType } from '../../src/backend/contract.ts';
import { createPool } from '../../src/backend/pool.ts';

function counted() {
  const destroyed: number[] = [];
  let made = 0;
  const pool = createPool({
    create: (dtype: DType, length: number) => ({ dtype, length, number: made++ }),
    destroy: (buffer) => destroyed.push(buffer.number),
  });
  return { pool, destroyed, made: () => made };
}

test('a freed buffer comes back for the same dtype and length only', () => {
  const { pool, made } = counted();
  const a = pool.alloc('f32', 8);
  pool.free(a);
  assert.notEqual(pool.alloc('i32', 8), a);
  assert.notEqual(pool.alloc('f32', 9), a);
  assert.equal(pool.alloc('f32', 8), a);
  assert.notEqual(pool.alloc('f32', 8), a);
  assert.equal(made(), 4);
});

test('equal steps allocate nothing after the first', () => {
  const { pool, made } = counted();
  for (let step = 0; step < 5; step++) {
    const buffers = [3, 3, 5].map((n) => pool.alloc('f32', n));
    for (const b of buffers) pool.free(b);
  }
  assert.equal(made(), 3);
});

test('memory counts bytes by dtype and remembers the peak', () => {
  const { pool } = counted();
  const a = pool.alloc('f32', 10);
  const b = pool.alloc('i8', 10);
  assert.deepEqual(pool.memory(), { live: 2, liveBytes: 50, pooled: 0, pooledBytes: 0, peakBytes: 50 });
  pool.free(a);
  assert.deepEqual(pool.memory(), { live: 1, liveBytes: 10, pooled: 1, pooledBytes: 40, peakBytes: 50 });
  pool.alloc('f32', 1); // does not fit beside the pooled one: 10 + 4 + 40
  assert.equal(pool.memory().peakBytes, 54);
  pool.trim();
  pool.free(b);
  assert.deepEqual(pool.memory(), { live: 1, liveBytes: 4, pooled: 1, pooledBytes: 10, peakBytes: 54 });
});

test('trim destroys what waits, dispose everything', () => {
  const { pool, destroyed } = counted();
  const a = pool.alloc('f32', 1);
  const b = pool.alloc('f32', 1);
  pool.free(a);
  pool.trim();
  assert.deepEqual(destroyed, [0]);
  assert.ok(pool.owns(b) && !pool.owns(a));
  pool.dispose();
  assert.deepEqual(destroyed, [0, 1]);
  assert.equal(pool.memory().liveBytes, 0);
});

test('a second free, a foreign buffer and an impossible length are errors', () => {
  const { pool } = counted();
  const a = pool.alloc('i32', 4);
  pool.free(a);
  assert.throws(() => pool.free(a), /a buffer of 4 i32 was freed twice/);
  assert.throws(() => pool.free({ dtype: 'f32', length: 1 }), /belongs to another engine/);
  for (const n of [-1, 0.5, Number.NaN]) assert.throws(() => pool.alloc('f32', n), /length must be a whole/);
});

test('with a rank, the freed buffer of lowest rank comes first, whatever was freed last', () => {
  let made = 0;
  const pool = createPool({
    create: (dtype: DType, length: number) => ({ dtype, length, number: made++ }),
    rank: ({ number }) => number,
  });
  const all = [0, 1, 2].map(() => pool.alloc('f32', 1));
  for (const i of [1, 0, 2]) pool.free(all[i]);
  assert.deepEqual(
    [0, 1, 2].map(() => pool.alloc('f32', 1).number),
    [0, 1, 2],
  );
});

const MB = 2 ** 18; // floats
/** What is said of the pools of engines: twice the most that was in use at once, and 16 MB. */
const bound = (mostLive: number): number => 2 * mostLive + 2 ** 24;

test('sizes that do not come again are destroyed, those first that were not asked for the longest', () => {
  const { pool, destroyed } = counted();
  for (let i = 0; i < 100; i++) {
    const often = pool.alloc('f32', MB);
    const once = pool.alloc('f32', MB + 1 + i);
    pool.free(often);
    pool.free(once);
    const { liveBytes, pooledBytes } = pool.memory();
    assert.ok(liveBytes + pooledBytes <= bound(8 * MB + 4 * 100), `${pooledBytes} after ${i}`);
  }
  assert.deepEqual(
    destroyed,
    Array.from(destroyed, (_, i) => i + 1), // number 0 is the one that is asked for each time
  );
  assert.ok(destroyed.length > 50);
  assert.equal(pool.memory().pooled, 101 - destroyed.length);
});

test('one and the same step and a smaller one keep their buffers, however large', () => {
  const { pool, destroyed, made } = counted();
  for (let step = 0; step < 5; step++)
    for (const size of [10 * MB, 9 * MB]) {
      const buffers = Array.from({ length: 20 }, (_, i) => pool.alloc('f32', size + (i % 4)));
      for (const buffer of buffers) pool.free(buffer);
    }
  assert.deepEqual([destroyed.length, made()], [0, 40]);
});

test('what was in use before a trim does not count, and what a program uses again stays', () => {
  const { pool, destroyed } = counted();
  pool.free(pool.alloc('f32', 100 * MB));
  pool.trim();
  for (let i = 0; i < 20; i++) pool.free(pool.alloc('f32', MB + i));
  assert.ok(pool.memory().pooledBytes <= bound(4 * MB + 80), `${pool.memory().pooledBytes}`);
  assert.ok(destroyed.length > 1);

  const kept = createPool({ create: (dtype: DType, length: number) => ({ dtype, length }), keepsAll: true });
  for (let i = 0; i < 100; i++) kept.free(kept.alloc('f32', MB + i));
  assert.equal(kept.memory().pooled, 100);
});
