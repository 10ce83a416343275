// A probe: gathers the statistics of the tapped values over the micro-batches of a step into one ProbeEvent,
// and remembers between steps which units were active. Pure bookkeeping; the training step runs the kernels.
// Read next: summary.ts.
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

/** One tapped value of the model in one probed step. */
export interface TapSummary {
  /** `blocks.3.mlp.act` */
  name: string;
  value: Summary;
  gradient: Summary | null;
  /** Share of values <= 0: the sparsity of a ReLU. */
  zeroFraction: number;
  /** Units (columns) that were > 0 for no token of the window: dead. */
  deadUnits: number[];
  /** Number of units. 0 for values whose columns are not units (the residual stream, logits). */
  units: number;
  /** Number of tokens over which `deadUnits` were counted. */
  windowTokens: number;
  /** Share of the window's tokens for which each unit was > 0, [units]. Absent while training. */
  activity?: number[];
}

/** The result of a probed step. */
export interface ProbeEvent {
  type: 'probe';
  step: number;
  taps: TapSummary[];
  /**
   * Weights, gradients and updates by group. Absent for a model that is not being trained, and in runs of the
   * first version.
   */
  groups?: GroupSummary[];
}

/** The taps of `probe`: the outputs of the activations, and all others. */
export function splitProbe(probe: ProbeEvent): { activations: TapSummary[]; others: TapSummary[] } {
  const isActivation = ({ name }: TapSummary): boolean => isTap(name, 'mlp.act');
  return {
    activations: probe.taps.filter(isActivation),
    others: probe.taps.filter((tap) => !isActivation(tap)),
  };
}

/** What was measured at a tap: the value itself, or the gradient of the loss with respect to it. */
export type TapKind = 'value' | 'gradient';

/** The output of one `statistics` call on x [rows, cols]. */
export interface Measurement {
  /** The name of the tap, `blocks.3.mlp.act`. */
  name: string;
  kind: TapKind;
  /** The kernel's output, [STATISTICS_HEADER + bins]. */
  stats: Float32Array;
  /** Number of rows in which each column was > 0, [cols]. Null where units are not counted (gradients). */
  active: Int32Array | null;
  rows: number;
  cols: number;
}

/** Options of `createProbe`. */
export interface ProbeOptions {
  /** Number of bins of every histogram. */
  bins?: number;
  /** Dead units are counted over this many probed steps, including the present one. */
  windowSteps?: number;
  /** Reports how often each unit was active. */
  activity?: boolean;
  /** Continues from the memory of another probe; cannot be combined with `activity`. */
  memory?: ProbeMemory;
}

/** What a probe remembers of each tap between steps, in the order of the taps. Plain JSON. */
export type ProbeMemory = readonly TapMemory[];

/** What is remembered of one tap. */
export interface TapMemory {
  name: string;
  /** Ranges of the next step's histograms. */
  ranges: Record<TapKind, HistogramRange | null>;
  /** Number of units. 0 for values whose columns are not units. */
  units: number;
  /** The last steps of the window: number of tokens, and the units that were > 0 for none of them. */
  window: { tokens: number; silent: number[] }[];
}

/** Gathers measurements; see `createProbe`. */
export interface Probe {
  /**
   * The histogram range to pass to the kernel, the same for all micro-batches of a step. It follows from
   * earlier values; until the tap is calibrated it has 0 bins.
   */
  range(name: string, kind: TapKind): HistogramRange;
  /** True once the histograms of a tap have a range: taps are calibrated together. */
  readonly calibrated: boolean;
  /** Derives the range of a tap from a measurement, which is otherwise ignored. */
  calibrate(measurement: Measurement): void;
  /** Adds one micro-batch, measured with the range returned by `range`. */
  add(measurement: Measurement): void;
  /**
   * Ends the step and returns its event, taps in the order of their first measurement. Throws if nothing was
   * added.
   */
  finish(step: number, groups?: GroupSummary[]): ProbeEvent;
  /**
   * The state on which the next event depends, besides its measurements. Taken between steps, for
   * checkpoints.
   */
  memory(): ProbeMemory;
}

/** How often units were active in one probed step. */
interface Firing {
  active: Int32Array;
  rows: number;
}

interface TapState {
  ranges: Record<TapKind, HistogramRange | null>;
  totals: Record<TapKind, Totals | null>;
  firing: Firing | null;
  window: Firing[];
}

/**
 * A probe for any number of taps. In each probed step, for each micro-batch and tap, run `statistics` with
 * `range(...)` and `add` its output; then call `finish(step)`.
 */
export function createProbe(options: ProbeOptions = {}): Probe {
  const { bins = 96, windowSteps = 8, activity = false } = options;
  const taps = new Map(options.memory?.map((tap) => [tap.name, recall(tap)]));
  /** Before the first finished step there are only ranges of a step that may yet be dropped half-way. */
  let finished = taps.size > 0;

  function tapOf(name: string): TapState {
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
 * A window is stored as the units that were never active. They are few, and how often the others were active
 * is not needed later.
 */
function remember(name: string, { ranges, window }: TapState): TapMemory {
  return {
    name,
    ranges: { ...ranges },
    units: window[0]?.active.length ?? 0,
    window: window.map(({ active, rows }) => ({ tokens: rows, silent: deadUnits([active]) })),
  };
}

function recall({ ranges, units, window }: TapMemory): TapState {
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

/** Summarises the step, moves its counts into the window, and derives the ranges of the next step. */
function closeTap(name: string, tap: TapState, options: Required<Omit<ProbeOptions, 'memory'>>): TapSummary {
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

/** Share of `tokens` for which each unit was active. */
function shares(window: readonly Int32Array[], tokens: number): number[] {
  return Array.from(window[0], (_, unit) => window.reduce((n, active) => n + active[unit], 0) / tokens);
}

/** Units that were active in none of the steps: indices into `active` [units], the counts of each step. */
export function deadUnits(window: readonly Int32Array[]): number[] {
  const dead: number[] = [];
  for (let unit = 0; unit < (window[0]?.length ?? 0); unit++) {
    if (window.every((active) => active[unit] === 0)) dead.push(unit);
  }
  return dead;
}
