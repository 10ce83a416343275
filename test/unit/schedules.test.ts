import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropoutAt, rateShare } from '../../src/train/schedules.ts';

const base = { lr: 1, minLr: 0.1, warmup: 4, steps: 24, decayFraction: 0.25 } as const;

test('warm-up rises to the peak in equal steps, and no step has rate 0', () => {
  const rates = [1, 2, 3, 4, 5].map((step) => rateShare(step, { ...base, schedule: 'constant' }));
  assert.deepEqual(rates, [0.25, 0.5, 0.75, 1, 1]);
});

test('cosine and linear end at minLr and are halfway down in the middle', () => {
  for (const schedule of ['cosine', 'linear'] as const) {
    assert.ok(Math.abs(rateShare(14, { ...base, schedule }) - 0.55) < 1e-12);
    assert.ok(Math.abs(rateShare(24, { ...base, schedule }) - 0.1) < 1e-12);
  }
  assert.ok(rateShare(8, { ...base, schedule: 'cosine' }) > rateShare(8, { ...base, schedule: 'linear' }));
});

test('without warm-up the first step has the full rate', () => {
  assert.equal(rateShare(1, { ...base, warmup: 0, schedule: 'constant' }), 1);
});

test('warm-up, stable, decay: straight down to minLr over the last share of the run', () => {
  const rates = [3, 4, 18, 19, 21, 24].map((step) => rateShare(step, { ...base, schedule: 'wsd' }));
  const want = [0.75, 1, 1, 0.85, 0.55, 0.1];
  for (const [i, rate] of rates.entries()) assert.ok(Math.abs(rate - want[i]) < 1e-12, `${rates}`);
  assert.equal(rateShare(24, { ...base, schedule: 'wsd', decayFraction: 0 }), 1);
});

test('shares are those of any peak, and of none', () => {
  for (const schedule of ['constant', 'cosine', 'linear', 'wsd'] as const) {
    for (let step = 1; step <= base.steps; step++) {
      const share = rateShare(step, { ...base, schedule });
      assert.ok(share > 0 && share <= 1, `${schedule} ${step}: ${share}`);
      assert.equal(rateShare(step, { ...base, schedule, lr: 0.5, minLr: 0.05 }), share);
      const none = rateShare(step, { ...base, schedule, lr: 0, minLr: 0 });
      assert.equal(none, rateShare(step, { ...base, schedule, minLr: 0 }));
    }
  }
});

test('dropout rises in equal parts', () => {
  const rise = { dropoutRise: 0.2, steps: 4 };
  assert.deepEqual(
    [1, 2, 4].map((step) => dropoutAt(step, 0.1, rise)),
    [0.1 + 0.05, 0.1 + 0.1, 0.1 + 0.2],
  );
  assert.equal(dropoutAt(3, 0.1, { dropoutRise: 0, steps: 4 }), 0.1);
});
