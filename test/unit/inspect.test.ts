import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STATISTICS_HEADER } from '../../src/backend/contract.ts';
import { createProbe, deadUnits, type Probe, type TapKind } from '../../src/inspect/probe.ts';
import {
  chooseRange,
  type HistogramRange,
  mergeTotals,
  readStatistics,
  summarize,
  type Totals,
} from '../../src/inspect/summary.ts';
import type { EvalEvent, GroupSummary, ProbeEvent, StepEvent, TrainEvent } from '../../src/train/events.ts';
import { createDetector, noWarnings, spikeLimit } from '../../src/train/warnings.ts';

/** The `statistics` kernel, as defined by the contract. */
function statistics(
  x: readonly number[],
  cols: number,
  range: HistogramRange,
): { stats: Float32Array; active: Int32Array } {
  const stats = new Float32Array(STATISTICS_HEADER + range.bins);
  const active = new Int32Array(cols);
  const finite = x.filter(Number.isFinite);
  stats[0] = finite.reduce((sum, v) => sum + v, 0);
  stats[1] = finite.reduce((sum, v) => sum + v * v, 0);
  stats[2] = Math.min(...finite);
  stats[3] = Math.max(...finite);
  stats[4] = finite.filter((v) => v <= 0).length;
  stats[5] = x.length - finite.length;
  for (const v of range.bins > 0 ? finite : []) {
    const bin = Math.floor(((v - range.lo) / (range.hi - range.lo)) * range.bins);
    stats[STATISTICS_HEADER + Math.min(range.bins - 1, Math.max(0, bin))]++;
  }
  for (const [i, v] of x.entries()) if (v > 0) active[i % cols]++;
  return { stats, active };
}

function measure(probe: Probe, name: string, kind: TapKind, x: readonly number[], cols: number): void {
  const { stats, active } = statistics(x, cols, probe.range(name, kind));
  probe.add({ name, kind, stats, active: kind === 'value' ? active : null, rows: x.length / cols, cols });
}

const none: HistogramRange = { lo: 0, hi: 1, bins: 0 };
const totals = (x: readonly number[], range = none): Totals =>
  readStatistics(statistics(x, 1, range).stats, x.length, range);

describe('summary', () => {
  test('adds micro-batches up to what one batch would give', () => {
    const range = { lo: -4, hi: 4, bins: 8 };
    const [a, b] = [
      [1, -2, 0.5],
      [3, 0],
    ];
    const merged = summarize(mergeTotals(totals(a, range), totals(b, range)));
    assert.deepEqual(merged, summarize(totals([...a, ...b], range)));
    assert.equal(merged.count, 5);
    assert.equal(merged.mean, 0.5);
    assert.ok(Math.abs(merged.std - Math.sqrt(14.25 / 5 - 0.25)) < 1e-12);
    assert.deepEqual([merged.min, merged.max], [-2, 3]);
    assert.deepEqual(merged.histogram.counts, [0, 0, 1, 0, 2, 1, 0, 1]);
  });

  test('leaves values that are not finite out of everything but their own count', () => {
    const t = totals([1, Number.NaN, 3, Number.POSITIVE_INFINITY]);
    assert.equal(t.nonFinite, 2);
    assert.equal(summarize(t).count, 2);
    assert.equal(summarize(t).mean, 2);
  });

  test('says count 0 and no NaN when nothing was finite', () => {
    const summary = summarize(totals([Number.NaN]));
    assert.deepEqual([summary.count, summary.mean, summary.std, summary.min, summary.max], [0, 0, 0, 0, 0]);
  });

  test('refuses histograms over different ranges, and statistics of the wrong length', () => {
    const a = totals([1], { lo: 0, hi: 1, bins: 4 });
    assert.throws(() => mergeTotals(a, totals([1], { lo: 0, hi: 2, bins: 4 })), /cannot be added/);
    assert.throws(() => readStatistics(new Float32Array(6), 1, { lo: 0, hi: 1, bins: 4 }), /10 expected/);
  });

  test('chooses ranges that begin at 0 for a ReLU, leave outliers out, and are never empty', () => {
    const relu = chooseRange(totals([0, 0, 0.5, 1]), 10);
    assert.equal(relu.lo, 0);
    assert.equal(relu.hi, 1);
    const sparse = [...new Array(970).fill(0), ...Array.from({ length: 30 }, (_, i) => (i + 1) / 30)];
    assert.equal(chooseRange(totals(sparse), 10).hi, 1, 'zeros must not cut off what is above them');
    const outlier = chooseRange(
      totals([...Array.from({ length: 1000 }, (_, i) => (i % 2 ? 1 : -1)), 1000]),
      10,
    );
    assert.ok(outlier.hi < 200 && outlier.lo === -1, JSON.stringify(outlier));
    const constant = chooseRange(totals([7, 7]), 10);
    assert.ok(constant.hi > constant.lo);
    assert.ok(chooseRange(totals([0]), 10).hi > 0);
  });
});

describe('probe', () => {
  test('gathers micro-batches, finds sparsity and dead units, and has histograms from the second batch on', () => {
    const probe = createProbe({ bins: 4 });
    // Two rows of three units; unit 1 is never active.
    measure(probe, 'blocks.0.mlp.act', 'value', [1, 0, 0, 2, 0, 0], 3);
    measure(probe, 'blocks.0.mlp.act', 'value', [0, 0, 2, 1, 0, 0], 3);
    measure(probe, 'blocks.0.mlp.act', 'gradient', [-1, 0, 1, 0, 0, 0], 3);
    const [tap] = probe.finish(7).taps;
    assert.equal(tap.name, 'blocks.0.mlp.act');
    assert.equal(tap.value.count, 12);
    assert.equal(tap.value.mean, 0.5);
    assert.equal(tap.zeroFraction, 8 / 12);
    assert.deepEqual(tap.deadUnits, [1]);
    assert.equal(tap.units, 3);
    assert.equal(tap.windowTokens, 4);
    assert.equal(
      tap.value.histogram.counts.reduce((a, b) => a + b),
      6,
    );
    assert.deepEqual(tap.gradient?.histogram.counts, []);

    measure(probe, 'blocks.0.mlp.act', 'value', [0, 0, 1, 0, 0, 1], 3);
    const [next] = probe.finish(8).taps;
    assert.equal(next.value.histogram.counts.length, 4);
    assert.equal(next.gradient, null, 'a step without gradients does not repeat old ones');
  });

  test('has histograms from the first batch on when it is calibrated', () => {
    const probe = createProbe({ bins: 4 });
    assert.equal(probe.calibrated, false);
    const { stats } = statistics([0, 4], 1, probe.range('a', 'value'));
    probe.calibrate({ name: 'a', kind: 'value', stats, active: null, rows: 2, cols: 1 });
    assert.equal(probe.calibrated, true);
    assert.deepEqual(probe.range('a', 'value'), { lo: 0, hi: 4, bins: 4 });
    measure(probe, 'a', 'value', [0, 1, 2, 3], 1);
    const [tap] = probe.finish(1).taps;
    assert.deepEqual(tap.value.histogram, { lo: 0, hi: 4, counts: [1, 1, 1, 1] });
    assert.equal(tap.value.count, 4, 'what calibrated it is not counted');
  });

  test('counts a unit as dead only when it was silent in the whole window, and forgets beyond it', () => {
    const probe = createProbe({ windowSteps: 2 });
    const dead = [];
    for (const row of [
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 1],
    ]) {
      measure(probe, 'a', 'value', row, 2);
      dead.push(probe.finish(0).taps[0].deadUnits);
    }
    assert.deepEqual(dead, [[1], [], [0], [0]]);
  });

  test('keeps one range for all micro-batches of a step', () => {
    const probe = createProbe({ bins: 4 });
    measure(probe, 'a', 'value', [1, 2], 1);
    const range = probe.range('a', 'value');
    measure(probe, 'a', 'value', [50, 100], 1);
    assert.deepEqual(probe.range('a', 'value'), range);
    probe.finish(1);
    assert.ok(probe.range('a', 'value').hi > range.hi);
  });

  test('does not hold on to the caller’s arrays', () => {
    const probe = createProbe();
    const active = Int32Array.of(1);
    const { stats } = statistics([1], 1, none);
    probe.add({ name: 'a', kind: 'value', stats, active, rows: 1, cols: 1 });
    active[0] = 0;
    assert.deepEqual(probe.finish(1).taps[0].deadUnits, []);
  });

  test('throws when a step has no measurements', () => {
    assert.throws(() => createProbe().finish(3), /step 3 has no measurements/);
  });

  test('finds no dead units without counts', () => {
    assert.deepEqual(deadUnits([]), []);
  });
});

const step = (n: number, loss: number, gradNorm = 1): StepEvent => ({
  type: 'step',
  step: n,
  loss,
  lr: 1e-3,
  gradNorm,
  tokensPerSecond: 1000,
  eta: 1,
});

const evaluation = (n: number, trainLoss: number, valLoss: number): EvalEvent => ({
  type: 'eval',
  step: n,
  trainLoss,
  valLoss,
  bitsPerByte: valLoss,
  perplexity: Math.exp(valLoss),
  weights: 'trained',
  method: 'whole',
  best: false,
  seconds: 1,
});

function probeEvent(n: number, dead: number, windowTokens: number): ProbeEvent {
  const value = { count: 1, mean: 0, std: 0, min: 0, max: 0, histogram: { lo: 0, hi: 0, counts: [] } };
  const deadList = Array.from({ length: dead }, (_, i) => i);
  return {
    type: 'probe',
    step: n,
    taps: [
      {
        name: 'blocks.2.mlp.act',
        value,
        gradient: null,
        zeroFraction: 0.5,
        deadUnits: deadList,
        units: 100,
        windowTokens,
      },
    ],
  };
}

describe('warnings', () => {
  test('warn of a loss or gradient that is not finite, once', () => {
    const detect = createDetector();
    assert.deepEqual(detect(step(1, 3)), []);
    const [first] = detect(step(2, Number.NaN));
    assert.equal(first.kind, 'non-finite');
    assert.equal(first.step, 2);
    assert.match(first.message, /the loss is NaN/);
    assert.deepEqual(detect(step(3, Number.NaN)), []);
    assert.deepEqual(detect(step(4, 3)), []);
    assert.match(detect(step(5, 3, Number.POSITIVE_INFINITY))[0].message, /gradient norm is Infinity/);
  });

  test('warn of a spike above the noise, once until it is over, and not of noise or of falling losses', () => {
    const detect = createDetector();
    for (let n = 1; n <= 100; n++)
      assert.deepEqual(detect(step(n, 6 - 0.03 * n + 0.05 * Math.sin(n * 7))), []);
    const [spike] = detect(step(101, 5));
    assert.equal(spike.kind, 'loss-spike');
    assert.match(spike.message, /loss 5\.000/);
    assert.deepEqual(detect(step(102, 5.2)), []);
    assert.deepEqual(detect(step(103, 3)), []);
    assert.equal(detect(step(104, 6)).length, 1);
  });

  test('know no spikes before there is a usual loss', () => {
    assert.equal(spikeLimit([1, 1, 1], 6), Number.POSITIVE_INFINITY);
    assert.ok(
      Math.abs(spikeLimit(new Array(20).fill(2), 6) - 2.2) < 1e-12,
      'calm losses still leave 10 % of room',
    );
  });

  test('warn of dead units once the window is long enough, and again only after a recovery', () => {
    const detect = createDetector();
    assert.deepEqual(detect(probeEvent(100, 30, 100)), [], 'too few tokens to call a unit dead');
    const [dead] = detect(probeEvent(200, 30, 20000));
    assert.equal(dead.kind, 'dead-units');
    assert.match(
      dead.message,
      /blocks\.2\.mlp\.act: 30 of 100 units \(30 %\) fired for none of 20000 tokens/,
    );
    assert.deepEqual(detect(probeEvent(300, 31, 20000)), []);
    assert.deepEqual(detect(probeEvent(400, 5, 20000)), []);
    assert.equal(detect(probeEvent(500, 30, 20000)).length, 1);
  });

  const group = (name: string, gradNorm: number, updateRatio: number): GroupSummary => ({
    name,
    parameters: 10,
    weightNorm: 1,
    gradNorm,
    updateRatio,
  });
  const grouped = (n: number, groups: GroupSummary[]): ProbeEvent => ({ ...probeEvent(n, 0, 10000), groups });

  test('warn of updates that are too long, by the name of the group, from the second look on and once', () => {
    const detect = createDetector();
    const long = [
      group('blocks.0.mlp', 1, 0.3),
      group('head', 1, 0.2),
      group('norm', 1, 5),
      group('embedding', 1, 1e-3),
    ];
    assert.deepEqual(detect(grouped(100, long)), []);
    const [warning, ...rest] = detect(grouped(200, long));
    assert.equal(warning.kind, 'large-updates');
    assert.match(
      warning.message,
      /^blocks\.0\.mlp: one step changes its weights by 30 % .* \(so is head\): lower the/,
    );
    assert.deepEqual(rest, []);
    assert.deepEqual(detect(grouped(300, long)), []);
  });

  test('warn of a block that gets no gradient, compared with the others', () => {
    const detect = createDetector();
    const blocks = (first: number): GroupSummary[] => [
      group('blocks.0.attn', first, 0),
      group('blocks.1.attn', 1, 0),
      group('blocks.2.attn', 2, 0),
      group('blocks.0.mlp', 1, 0),
      group('blocks.1.mlp', 1e-9, 0),
    ];
    assert.deepEqual(detect(grouped(100, blocks(1e-5))), []);
    const [warning] = detect(grouped(200, blocks(1e-5)));
    assert.equal(warning.kind, 'vanishing-gradient');
    assert.match(
      warning.message,
      /^blocks\.0\.attn: its gradient norm is 1\.0e-5, 1\.0e\+0 is the median .* hardly learns; use/,
    );
    assert.deepEqual(detect(grouped(300, blocks(1))), []);
  });

  test('warn of overfitting when validation stays worse while training improves', () => {
    const detect = createDetector();
    const losses: [number, number][] = [
      [4, 4],
      [3, 3.5],
      [2.8, 3.6],
      [2.6, 3.55],
      [2.4, 3.7],
      [2.2, 3.8],
    ];
    const found = losses.flatMap(([train, val], n) => detect(evaluation(n, train, val)));
    assert.equal(found.length, 1);
    assert.equal(found[0].step, 4);
    assert.match(found[0].message, /best was 3\.500 at step 1/);
  });

  test('go on from what they remembered, through JSON, wherever they are cut', () => {
    const loss = (step: number): number =>
      step % 23 > 20 ? 9 : step % 31 === 0 ? Number.NaN : 3 + 0.01 * (step % 5);
    const events = Array.from({ length: 120 }, (_, i): TrainEvent[] => {
      const step = i + 1;
      const worse = 3 + 0.1 * (step % 40);
      const evaluation = {
        step,
        trainLoss: 3 - 0.01 * step,
        valLoss: worse,
        bitsPerByte: 1,
        perplexity: 1,
        seconds: 0,
      };
      return [
        { type: 'step', step, loss: loss(step), lr: 1, gradNorm: 1, tokensPerSecond: 1, eta: 0 },
        { type: 'eval', ...evaluation, method: 'whole', weights: 'trained', best: false },
      ];
    }).flat();
    const whole = events.flatMap(createDetector());
    const kinds = new Set(whole.map((warning) => warning.kind));
    assert.deepEqual([...kinds].sort(), ['loss-spike', 'non-finite', 'overfitting']);
    let memory = noWarnings();
    const cut = events.flatMap((event) => {
      memory = JSON.parse(JSON.stringify(memory));
      return createDetector({}, memory)(event);
    });
    assert.deepEqual(cut, whole);
  });

  test('do not call it overfitting when the training loss rises too', () => {
    const detect = createDetector();
    for (const loss of [3, 4, 5, 6, 7]) assert.deepEqual(detect(evaluation(1, loss, loss)), []);
  });
});
