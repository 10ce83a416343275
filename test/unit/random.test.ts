import assert from 'node:assert/strict';
import { test } from 'node:test';
import { philox } from '../../src/base/philox.ts';
import { createRandom } from '../../src/tensor/random.ts';

const hex = (words: Uint32Array): string => [...words].map((w) => w.toString(16).padStart(8, '0')).join(' ');

test('philox gives the known answers of its authors', () => {
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('a stream goes on from its state, and from any position', () => {
  const random = createRandom({ seed: 1337, stream: 2 });
  for (let i = 0; i < 5; i++) random.normal();
  const state = JSON.parse(JSON.stringify(random.state()));
  assert.deepEqual(state, { seed: 1337, stream: 2, position: 10 });
  const rest = [random.uniform(), random.normal(), random.int(1000)];
  const resumed = createRandom(state);
  assert.deepEqual([resumed.uniform(), resumed.normal(), resumed.int(1000)], rest);
  random.position = 10;
  assert.deepEqual([random.uniform(), random.normal(), random.int(1000)], rest);
});

test('positions beyond 2^32 words draw numbers of their own', () => {
  const near = createRandom({ seed: 1 });
  const far = createRandom({ seed: 1, position: 4 * 2 ** 32 });
  const draw = (r: typeof near): number[] => Array.from({ length: 8 }, () => r.uniform());
  assert.notDeepEqual(draw(near), draw(far));
});

test('seeds and streams differ in every number', () => {
  const draws = [
    { seed: 1 },
    { seed: 2 },
    { seed: 1 + 2 ** 32 },
    { seed: 1, stream: 1 },
    { seed: 1, stream: 2 ** 32 - 1 },
  ].flatMap((from) => {
    const random = createRandom(from);
    return Array.from({ length: 200 }, () => random.uniform());
  });
  // A thousand 32-bit numbers. A coincidence has odds of one in ten thousand, and the seeds are fixed.
  assert.equal(new Set(draws).size, draws.length);
});

test('uniform, normal and int have the moments that they should', () => {
  const random = createRandom({ seed: 7 });
  const n = 100_000;
  const moments = (draw: () => number): { mean: number; variance: number } => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < n; i++) {
      const x = draw();
      sum += x;
      squares += x * x;
    }
    return { mean: sum / n, variance: squares / n - (sum / n) ** 2 };
  };
  const uniform = moments(() => random.uniform());
  assert.ok(Math.abs(uniform.mean - 0.5) < 0.004 && Math.abs(uniform.variance - 1 / 12) < 0.002);
  const normal = moments(() => random.normal());
  assert.ok(Math.abs(normal.mean) < 0.013 && Math.abs(normal.variance - 1) < 0.02);
  const counts = new Array(6).fill(0);
  for (let i = 0; i < n; i++) counts[random.int(6)]++;
  for (const count of counts) assert.ok(Math.abs(count - n / 6) < 500, `${counts}`);
  assert.equal(random.int(1), 0);
});

test('what cannot be a seed, stream, position or bound is named', () => {
  assert.throws(() => createRandom({ seed: -1 }), /seed -1/);
  assert.throws(() => createRandom({ seed: 2 ** 53 }), /seed 9007199254740992/);
  assert.throws(() => createRandom({ seed: 1, stream: 2 ** 32 }), /stream 4294967296/);
  assert.throws(() => createRandom({ seed: 1, position: 0.5 }), /position 0.5/);
  for (const n of [0, 1.5, 2 ** 32 + 1]) assert.throws(() => createRandom({ seed: 1 }).int(n), /bound/);
});
