// The events of a made-up run, for the tests of their readers. The losses are the seed's, the rest is
// arithmetic.
import type { ProbeEvent, Summary, TrainEvent } from '../../src/train/events.ts';

const train = [6.3745, 3.5464, 3.0977, 2.7643, 2.5888, 2.464, 2.3691, 2.2935, 2.2224, 2.156, 2.0976];
const val = [6.3751, 3.7969, 3.4748, 3.2111, 3.0921, 3.0266, 2.9763, 2.954, 2.945, 2.9428, 2.9551];

/** A bell curve in 64 bins around `mean`, or its positive half. */
export function bell(mean: number, std: number, lo: number): Summary {
  const hi = mean + 5 * std;
  const counts = Array.from({ length: 64 }, (_, i) => {
    const x = lo + ((i + 0.5) / 64) * (hi - lo);
    return Math.round(10000 * Math.exp(-0.5 * ((x - mean) / std) ** 2));
  });
  return { count: 150000, mean, std, min: lo, max: hi + std, histogram: { lo, hi, counts } };
}

export function probeEvent(step: number, blocks = 5): ProbeEvent {
  const taps = Array.from({ length: blocks }, (_, block) => {
    const value = bell(0.1 + 0.01 * block, 0.3, 0);
    value.histogram.counts[0] += 100000;
    return {
      name: `blocks.${block}.mlp.act`,
      value,
      gradient: bell(1e-8 * block, 2e-6, -1e-5),
      zeroFraction: [0.5885, 0.6077, 0.6175, 0.6349, 0.6589][block % 5],
      deadUnits: block === 4 ? [3, 77, 801] : [],
      units: 928,
      windowTokens: 131072,
    };
  });
  return { type: 'probe', step, taps };
}

/** A run of `total` steps (a multiple of 10) with ten evaluations, and a probe and a sample at each. */
export function runEvents(total = 100): TrainEvent[] {
  const evaluation = (i: number): TrainEvent => ({
    type: 'eval',
    step: (i * total) / 10,
    trainLoss: train[i],
    valLoss: val[i],
    bitsPerByte: val[i] * 0.7425,
    perplexity: Math.exp(val[i]),
    weights: 'trained',
    method: 'sampled',
    best: val[i] === Math.min(...val.slice(0, i + 1)),
    seconds: 3,
  });
  const events: TrainEvent[] = [evaluation(0)];
  for (let step = 1; step <= total; step++) {
    const i = Math.ceil((step * 10) / total);
    events.push({
      type: 'step',
      step,
      loss: train[i],
      lr: 3e-4,
      gradNorm: 0.6,
      tokensPerSecond: 12345,
      eta: total - step,
    });
    if (step % (total / 10) !== 0) continue;
    events.push(probeEvent(step), evaluation(i));
    events.push({ type: 'sample', step, prompt: 'ROMEO:', text: `\nSample of step ${step}, as it came.` });
    events.push({ type: 'checkpoint', step, kind: 'last', path: 'runs/seed' });
  }
  events.push({
    type: 'warning',
    step: total,
    kind: 'loss-spike',
    message: 'loss 4.913, 2.512 usual before',
  });
  events.push({ type: 'done', step: total, reason: 'finished', seconds: 1834 });
  return events;
}
