// Several ranks: what they say to each other, who computes what, and in which order gradients are added.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createReference } from '../../src/backend/reference/index.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { parameter } from '../../src/tensor/tensor.ts';
import { gather } from '../../src/train/communicator.ts';
import { createLocalSteps } from '../../src/train/local-steps.ts';
import { branchOf, halves, type MicroBatches } from '../../src/train/pairwise.ts';
import { gatherMeasurements } from '../../src/train/rank-probe.ts';
import { rankSum, sumInPlace } from '../../src/train/rank-sum.ts';
import { fakeRanks } from '../support/ranks.ts';

const SIZES = [1, 2, 4, 8];

describe('gather', () => {
  test('gives every rank the bytes of all, in order, of any lengths', async () => {
    for (const size of SIZES) {
      const own = (rank: number): Uint8Array => new Uint8Array((rank * 5) % 3).fill(rank);
      const all = await Promise.all(fakeRanks(size).map((ranks) => gather(ranks, own(ranks.rank))));
      for (const parts of all)
        assert.deepEqual(
          parts,
          Array.from({ length: size }, (_, rank) => own(rank)),
        );
    }
  });

  test('ends with the reason of a signal', async () => {
    const [first] = fakeRanks(2);
    const controller = new AbortController();
    const waiting = gather(first, new Uint8Array(1), controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });
});

/** The sum over `branch` as text, `((0+1)+2)`. */
function tree(branch: MicroBatches): string {
  if (branch.count === 1) return String(branch.first);
  return `(${halves(branch).map(tree).join('+')})`;
}

describe('the tree over the micro-batches', () => {
  test('halves them', () => {
    assert.equal(tree({ first: 0, count: 4 }), '((0+1)+(2+3))');
    assert.equal(tree({ first: 0, count: 5 }), '(((0+1)+2)+(3+4))');
  });

  test('is the same for every power of two of ranks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.constantFrom(...SIZES), (count, size) => {
        fc.pre(size <= count);
        let branches = Array.from({ length: size }, (_, rank) => tree(branchOf(count, { rank, size })));
        while (branches.length > 1)
          branches = branches.flatMap((one, i) => (i % 2 === 0 ? `(${one}+${branches[i + 1]})` : []));
        assert.equal(branches[0], tree({ first: 0, count }));
      }),
    );
  });

  test('is refused for other numbers, and for more ranks than micro-batches', () => {
    assert.throws(() => branchOf(8, { rank: 0, size: 3 }), /^Error: 3 ranks cannot halve .* 1, 2, 4, 8/);
    assert.throws(
      () => branchOf(6, { rank: 0, size: 8 }),
      /8 ranks are more than the 6 micro-batches of a step: start at most 4, or lower microBatch/,
    );
  });
});

describe('the sum over ranks', () => {
  test('adds in pairs, whatever the number of elements', async () => {
    for (const size of SIZES) {
      for (const length of [0, 1, 2, 3, 7, 64, 1001]) {
        const random = createRandom({ seed: size, stream: 1 });
        const values = Array.from({ length: size }, () =>
          Float32Array.from({ length }, () => (random.int(2001) - 1000) * 2 ** (random.int(40) - 20)),
        );
        let sums = values.map((row) => row.slice());
        while (sums.length > 1)
          sums = sums.flatMap((row, i) => (i % 2 === 0 ? [row.map((x, k) => x + sums[i + 1][k])] : []));
        await Promise.all(
          fakeRanks(size).map((ranks) =>
            sumInPlace(ranks, values[ranks.rank], new Float32Array(Math.ceil(length / 2))),
          ),
        );
        for (const row of values) assert.deepEqual(row, sums[0], `${size} ranks, ${length} elements`);
      }
    }
  });
});

test('measurements of a probe reach every rank to the bit, and in order', async () => {
  const stats = Float32Array.of(0.1, -0, Number.NaN, Number.NEGATIVE_INFINITY, 1e-45);
  const of = (rank: number) => [
    { name: `tap ${rank}`, kind: 'value' as const, stats, active: Int32Array.of(rank, 3), rows: 2, cols: 2 },
    { name: 'same', kind: 'gradient' as const, stats, active: null, rows: 2, cols: 2 },
  ];
  const all = await Promise.all(fakeRanks(2).map((ranks) => gatherMeasurements(ranks, of(ranks.rank))));
  for (const measurements of all) assert.deepEqual(measurements, [...of(0), ...of(1)]);
});

test('the outer step of ranks that train apart is that of the paper', async () => {
  const backend = createReference();
  const start = [1, -2];
  const went = [
    [0.5, -2.25],
    [0.75, -1.25],
  ];
  const ends = await Promise.all(
    fakeRanks(2).map(async (ranks) => {
      const weight = parameter(Float32Array.from(start), [2], backend);
      const moment = parameter(Float32Array.of(ranks.rank, 4), [2], backend);
      const local = createLocalSteps(new Map([['w', weight]]), [moment], { ranks, sum: rankSum(ranks) });
      local.begin();
      for (let meeting = 0; meeting < 2; meeting++) {
        const now = await weight.data();
        weight.write(now.map((w, i) => w + went[ranks.rank][i] - start[i]));
        assert.equal(await local.meet(ranks.rank * 3), 3);
      }
      local.dispose();
      return { weight: await weight.data(), moment: await moment.data() };
    }),
  );
  // PyTorch: SGD(lr=0.7, momentum=0.9, nesterov=True), twice with the mean of start - went as the gradient.
  const expected = start.map((w, i) => {
    const g = start[i] - (went[0][i] + went[1][i]) / 2;
    const [v1, v2] = [g, 0.9 * g + g];
    return w - 0.7 * (g + 0.9 * v1) - 0.7 * (g + 0.9 * v2);
  });
  for (const { weight, moment } of ends) {
    assert.ok(
      expected.every((w, i) => Math.abs(w - weight[i]) < 1e-6),
      `${weight} is not ${expected}`,
    );
    assert.deepEqual([...moment], [0.5, 4]);
  }
  assert.deepEqual(ends[1], ends[0]);
  backend.dispose();
});
