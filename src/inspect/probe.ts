// A probe: gathers the statistics of watched values over the micro-batches of a step into one ProbeEvent, and
// remembers between steps which units fired. Pure bookkeeping: the training step runs the kernels. Read next:
// summary.ts.
import { isTap } from '../model/taps.ts';
import type { GroupSummary } from './groups.ts';
import {
  chooseRange,
  type HistogramRange,
  mergeTotals,
  readStatistics,
  type Summary,
  summarize,
  type Totals,
} from './summary.ts';

/** One watched value of the model in one probed step. */
export interface TapSummary {
  /** `blocks.3.mlp.act` */
  name: string;
  value: Summary;
  gradient: Summary | null;
  /** Share of values <= 0: the sparsity of a ReLU. */
  zeroFraction: number;
  /** Units (columns) that were > 0 for no token of the window. */
  deadUnits: number[];
  /** Number of units; 0 where columns are no units (the residual stream, logits). */
  units: number;
  /** Tokens in the window over which `deadUnits` were counted. */
  windowTokens: number;
  /** Share of the window's tokens for which each unit was > 0, [units]. Left out while training. */
  activity?: number[];
}

/** What a probed step has seen. */
export interface ProbeEvent {
  type: 'probe';
  step: number;
  taps: TapSummary[];
  /**
   * Weights, gradients and updates by group; left out for a model that is not being trained, and in runs of
   * the first version.
   */
  groups?: GroupSummary[];
}

/** What `probe` saw of the outputs of the activations, and of all other values. */
export function splitProbe(probe: ProbeEvent): { activations: TapSummary[]; others: TapSummary[] } {
  const isActivation = ({ name }: TapSummary): boolean => isTap(name, 'mlp.act');
  return {
    activations: probe.taps.filter(isActivation),
    others: probe.taps.filter((tap) => !isActivation(tap)),
  };
}

/** What of a tap was measured: the value itself, or the gradient of the loss with respect to it. */
export type TapKind = 'value' | 'gradient';

/** The output of one `statistics` call on x [rows, cols]. */
export interface Measurement {
  /** Tap, `blocks.3.mlp.act`. */
  name: string;
  kind: TapKind;
  /** What the kernel wrote, [STATISTICS_HEADER + bins]. */
  stats: Float32Array;
  /** Rows in which each column was > 0, [cols]; null where units were not counted (gradients). */
  active: Int32Array | null;
  rows: number;
  cols: number;
}

/** Options of `createProbe`. */
export interface ProbeOptions {
  /** Bins of every histogram. */
  bins?: number;
  /** Dead units are counted over this many probed steps, the present one included. */
  windowSteps?: number;
  /** Reports how often each unit fired. */
  activity?: boolean;
  /** Goes on from what another probe remembered, as if it were that one; without `activity`. */
  memory?: ProbeMemory;
}

/** What a probe remembers between steps of each tap, in their order; plain JSON. */
export type ProbeMemory = readonly TapMemory[];

/** What is remembered of one tap. */
export interface TapMemory {
  name: string;
  /** Of the next step's histograms. */
  ranges: Record<TapKind, HistogramRange | null>;
  /** Number of units; 0 where columns are no units. */
  units: number;
  /** The last steps of the window: their tokens, and the units that were > 0 for none of these. */
  window: { tokens: number; silent: number[] }[];
}

/** Gathers measurements; see `createProbe`. */
export interface Probe {
  /**
   * Histogram range to hand to the kernel. The same for all micro-batches of a step. It follows from the
   * values seen before: until the tap is calibrated it has 0 bins.
   */
  range(name: string, kind: TapKind): HistogramRange;
  /** True once every tap has a range. */
  readonly calibrated: boolean;
  /** Takes the range of a tap from a measurement and forgets the rest of it. */
  calibrate(measurement: Measurement): void;
  /** Adds one micro-batch, measured with the range that `range` gave. */
  add(measurement: Measurement): void;
  /** Closes the step: its event, taps in the order in which they first came. Throws if nothing was added. */
  finish(step: number, groups?: GroupSummary[]): ProbeEvent;
  /** What the next step's event depends on besides its measurements. Taken between steps, for checkpoints. */
  memory(): ProbeMemory;
}

/** Which units fired in one probed step. */
interface Firing {
  active: Int32Array;
  rows: number;
}

interface Tap {
  ranges: Record<TapKind, HistogramRange | null>;
  totals: Record<TapKind, Totals | null>;
  firing: Firing | null;
  window: Firing[];
}

/**
 * A probe for any number of taps. Per probed step: for each micro-batch and tap, run `statistics` with
 * `range(...)` and `add` what it wrote; then `finish(step)`.
 */
export function createProbe(options: ProbeOptions = {}): Probe {
  const { bins = 96, windowSteps = 8, activity = false } = options;
  const taps = new Map(options.memory?.map((tap) => [tap.name, recall(tap)]));
  /** Until then there are ranges of a step only that may be dropped half-way. */
  let finished = taps.size > 0;

  function tapOf(name: string): Tap {
    let tap = taps.get(name);
    if (!tap) {
      tap = { ranges: { value: null, gradient: null }, totals: noTotals(), firing: null, window: [] };
      taps.set(name, tap);
    }
    return tap;
  }

  return {
    get calibrated() {
      return taps.size > 0;
    },
    calibrate({ name, kind, stats, rows, cols }) {
      const totals = readStatistics(stats, rows * cols, { lo: 0, hi: 1, bins: 0 });
      tapOf(name).ranges[kind] = chooseRange(totals, bins);
    },
    range: (name, kind) => tapOf(name).ranges[kind] ?? { lo: 0, hi: 1, bins: 0 },
    add(measurement) {
      const { name, kind, stats, active, rows, cols } = measurement;
      const tap = tapOf(name);
      const range = tap.ranges[kind] ?? { lo: 0, hi: 1, bins: 0 };
      const totals = readStatistics(stats, rows * cols, range);
      const before = tap.totals[kind];
      tap.totals[kind] = before ? mergeTotals(before, totals) : totals;
      tap.ranges[kind] ??= chooseRange(totals, bins);
      if (active) tap.firing = addFiring(tap.firing, active, rows);
    },
    finish(step, groups) {
      const summaries: TapSummary[] = [];
      for (const [name, tap] of taps) {
        if (tap.totals.value) summaries.push(closeTap(name, tap, { bins, windowSteps, activity }));
      }
      if (summaries.length === 0)
        throw new Error(`probe of step ${step} has no measurements: add() comes before finish()`);
      finished = true;
      return { type: 'probe', step, taps: summaries, ...(groups && { groups }) };
    },
    memory: () => (finished ? [...taps].map(([name, tap]) => remember(name, tap)) : []),
  };
}

function noTotals(): Record<TapKind, Totals | null> {
  return { value: null, gradient: null };
}

/**
 * A window is kept as the units that did not fire: they are few, and how often the others fired is nobody's
 * question later.
 */
function remember(name: string, { ranges, window }: Tap): TapMemory {
  return {
    name,
    ranges: { ...ranges },
    units: window[0]?.active.length ?? 0,
    window: window.map(({ active, rows }) => ({ tokens: rows, silent: deadUnits([active]) })),
  };
}

function recall({ ranges, units, window }: TapMemory): Tap {
  const firing = ({ tokens, silent }: TapMemory['window'][number]): Firing => {
    const active = new Int32Array(units).fill(1);
    for (const unit of silent) active[unit] = 0;
    return { active, rows: tokens };
  };
  return { ranges: { ...ranges }, totals: noTotals(), firing: null, window: window.map(firing) };
}

function addFiring(before: Firing | null, active: Int32Array, rows: number): Firing {
  if (!before) return { active: active.slice(), rows };
  return { active: before.active.map((n, unit) => n + active[unit]), rows: before.rows + rows };
}

/** Summarises the step, moves its firing counts into the window, and learns the ranges of the next step. */
function closeTap(name: string, tap: Tap, options: Required<Omit<ProbeOptions, 'memory'>>): TapSummary {
  const { bins, windowSteps, activity } = options;
  const value = tap.totals.value as Totals;
  const gradient = tap.totals.gradient;
  if (tap.firing) tap.window = [...tap.window, tap.firing].slice(-windowSteps);
  tap.ranges.value = chooseRange(value, bins);
  if (gradient) tap.ranges.gradient = chooseRange(gradient, bins);
  tap.totals = noTotals();
  tap.firing = null;
  const windowTokens = tap.window.reduce((tokens, firing) => tokens + firing.rows, 0);
  const fired = tap.window.map(({ active }) => active);
  const units = fired[0]?.length ?? 0;
  return {
    name,
    value: summarize(value),
    gradient: gradient && summarize(gradient),
    zeroFraction: value.count > 0 ? value.nonPositive / value.count : 0,
    deadUnits: deadUnits(fired),
    units,
    windowTokens,
    ...(activity && units > 0 && { activity: shares(fired, windowTokens) }),
  };
}

/** Share of `tokens` for which each unit fired. */
function shares(window: readonly Int32Array[], tokens: number): number[] {
  return Array.from(window[0], (_, unit) => window.reduce((n, active) => n + active[unit], 0) / tokens);
}

/** Units that fired in none of the steps: indices into `active` [units], the counts of each step. */
export function deadUnits(window: readonly Int32Array[]): number[] {
  const dead: number[] = [];
  for (let unit = 0; unit < (window[0]?.length ?? 0); unit++) {
    if (window.every((active) => active[unit] === 0)) dead.push(unit);
  }
  return dead;
}
