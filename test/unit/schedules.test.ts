import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropoutAt, learningRate } from '../../src/train/schedules.ts';

const base = { lr: 1, minLr: 0.1, warmup: 4, steps: 24, decayFraction: 0.25 } as const;

test('warm-up rises to the peak in equal steps, and no step has rate 0', () => {
  const rates = [1, 2, 3, 4, 5].map((step) => learningRate(step, { ...base, schedule: 'constant' }));
  assert.deepEqual(rates, [0.25, 0.5, 0.75, 1, 1]);
});

test('cosine and linear end at minLr and are halfway down in the middle', () => {
  for (const schedule of ['cosine', 'linear'] as const) {
    assert.ok(Math.abs(learningRate(14, { ...base, schedule }) - 0.55) < 1e-12);
    assert.ok(Math.abs(learningRate(24, { ...base, schedule }) - 0.1) < 1e-12);
  }
  assert.ok(
    learningRate(8, { ...base, schedule: 'cosine' }) > learningRate(8, { ...base, schedule: 'linear' }),
  );
});

test('without warm-up the first step has the full rate', () => {
  assert.equal(learningRate(1, { ...base, warmup: 0, schedule: 'constant' }), 1);
});

test('warm-up, stable, decay: straight down to minLr over the last share of the run', () => {
  const rates = [3, 4, 18, 19, 21, 24].map((step) => learningRate(step, { ...base, schedule: 'wsd' }));
  const want = [0.75, 1, 1, 0.85, 0.55, 0.1];
  for (const [i, rate] of rates.entries()) assert.ok(Math.abs(rate - want[i]) < 1e-12, `${rates}`);
  assert.equal(learningRate(24, { ...base, schedule: 'wsd', decayFraction: 0 }), 1);
});

test('dropout rises in equal parts', () => {
  const rise = { dropoutRise: 0.2, steps: 4 };
  assert.deepEqual(
    [1, 2, 4].map((step) => dropoutAt(step, 0.1, rise)),
    [0.1 + 0.05, 0.1 + 0.1, 0.1 + 0.2],
  );
  assert.equal(dropoutAt(3, 0.1, { dropoutRise: 0, steps: 4 }), 0.1);
});
