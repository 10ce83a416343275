// Warnings: six rules over the stream of events, each with a small memory. A warning says in one line what
// was observed and what usually helps. Read next: events.ts.
import { median } from '../base/statistics.ts';
import { splitProbe } from '../inspect/probe.ts';
import { isMatrixGroup, placeOf } from '../model/names.ts';
import type { EvalEvent, GroupSummary, ProbeEvent, StepEvent, TrainEvent, WarningEvent } from './events.ts';

/** The thresholds of the rules. */
export interface WarningOptions {
  /** A spike is a loss that is this many standard deviations of the noise above the recent ones. */
  spikeFactor?: number;
  /** Number of steps from which the noise is estimated. */
  spikeWindow?: number;
  /** Largest share of dead units of a tap without a warning. */
  deadShare?: number;
  /** Tokens that must have been seen before a silent unit is called dead. */
  deadTokens?: number;
  /** Largest |update| / |weights| of a group without a warning. */
  updateRatio?: number;
  /** Smallest gradient of a block, as a share of the median of all blocks, without a warning. */
  gradientShare?: number;
  /** Evaluations in a row without a better validation loss while the training loss still falls. */
  overfittingEvals?: number;
}

/** Takes one event and returns the warnings that it causes. */
export type Detector = (event: TrainEvent) => WarningEvent[];

/** The memory of the rules between events; plain JSON, for checkpoints. */
export interface WarningMemory {
  /** Whether the last step was not finite. */
  nonFinite: boolean;
  /** The last finite losses, and whether the newest was a spike. */
  spikes: { recent: number[]; above: boolean };
  /** Taps with too many dead units at the last probe. */
  dead: string[];
  /** Groups that were bad at the last probe, and for how many probes in a row. */
  updates: GroupCounts;
  gradients: GroupCounts;
  overfitting: { best: Evaluated | null; since: number; warned: boolean };
}

export type GroupCounts = Record<string, number>;
export type Evaluated = Pick<EvalEvent, 'step' | 'trainLoss' | 'valLoss'>;

/** The memory before the first event. */
export function noWarnings(): WarningMemory {
  return {
    nonFinite: false,
    spikes: { recent: [], above: false },
    dead: [],
    updates: {},
    gradients: {},
    overfitting: { best: null, since: 0, warned: false },
  };
}

/**
 * All rules together, for one run. A rule warns when its condition begins, and again only after the condition
 * has ended: a bad state is reported once and not at every step. `memory` is updated; a later detector can
 * continue from it.
 */
export function createDetector(options: WarningOptions = {}, memory: WarningMemory = noWarnings()): Detector {
  const nonFinite = watchNonFinite(memory);
  const spikes = watchSpikes(memory.spikes, options.spikeFactor ?? 6, options.spikeWindow ?? 64);
  const dead = watchDeadUnits(memory, options.deadShare ?? 0.1, options.deadTokens ?? 16_384);
  const updates = watchUpdates(memory, options.updateRatio ?? 0.1);
  const gradients = watchGradients(memory, options.gradientShare ?? 1e-3);
  const overfitting = watchOverfitting(memory.overfitting, options.overfittingEvals ?? 3);
  return (event) => {
    let found: (WarningEvent | null)[] = [];
    if (event.type === 'step') found = [nonFinite(event), spikes(event)];
    if (event.type === 'probe') found = [dead(event), updates(event), gradients(event)];
    if (event.type === 'eval') found = [overfitting(event)];
    return found.filter((warning) => warning !== null);
  };
}

function watchNonFinite(memory: WarningMemory): (event: StepEvent) => WarningEvent | null {
  return ({ step, loss, gradNorm }) => {
    const bad = !Number.isFinite(loss) || !Number.isFinite(gradNorm);
    const begins = bad && !memory.nonFinite;
    memory.nonFinite = bad;
    if (!begins) return null;
    const what = Number.isFinite(loss) ? `the gradient norm is ${gradNorm}` : `the loss is ${loss}`;
    return warning('non-finite', step, `${what}: lower the learning rate, add warm-up or clip gradients`);
  };
}

/** Number of losses needed before a loss can be called unusual. */
const SPIKE_MIN_STEPS = 16;
/** The usual loss is the median of this many losses. */
const SPIKE_RECENT = 9;
/** A rise by less than this share of the usual loss is never a spike, even after very calm steps. */
const SPIKE_MIN_RISE = 0.1;

function watchSpikes(
  memory: WarningMemory['spikes'],
  factor: number,
  window: number,
): (event: StepEvent) => WarningEvent | null {
  const { recent } = memory;
  return ({ step, loss }) => {
    if (!Number.isFinite(loss)) return null;
    const limit = spikeLimit(recent, factor);
    const begins = loss > limit && !memory.above;
    memory.above = loss > limit;
    const usual = usualLoss(recent);
    recent.push(loss);
    if (recent.length > window) recent.shift();
    if (!begins) return null;
    return warning(
      'loss-spike',
      step,
      `loss ${loss.toFixed(3)}, ${usual.toFixed(3)} usual before: if it stays up, lower the learning rate or clip gradients`,
    );
  };
}

/**
 * The loss above which the next one is a spike: usual + factor * noise; infinite while there are too few
 * `losses`. Noise is the median distance between neighbours, as a standard deviation (1.4826 / sqrt 2 of it
 * for normal noise). One spike, or the steep fall at the start of training, does not raise it.
 */
export function spikeLimit(losses: readonly number[], factor: number): number {
  if (losses.length < SPIKE_MIN_STEPS) return Number.POSITIVE_INFINITY;
  const steps = losses.slice(1).map((loss, i) => Math.abs(loss - losses[i]));
  const noise = (1.4826 / Math.SQRT2) * median(steps);
  const usual = usualLoss(losses);
  return usual + Math.max(factor * noise, SPIKE_MIN_RISE * Math.abs(usual));
}

function usualLoss(losses: readonly number[]): number {
  return median(losses.slice(-SPIKE_RECENT));
}

function watchDeadUnits(
  memory: WarningMemory,
  share: number,
  tokens: number,
): (event: ProbeEvent) => WarningEvent | null {
  return (event) => {
    const { step } = event;
    const bad = splitProbe(event).activations.filter(
      (tap) => tap.units > 0 && tap.windowTokens >= tokens && tap.deadUnits.length > share * tap.units,
    );
    const fresh = bad.filter((tap) => !memory.dead.includes(tap.name));
    memory.dead = bad.map((tap) => tap.name);
    if (fresh.length === 0) return null;
    const worst = fresh.reduce((a, b) =>
      b.deadUnits.length / b.units > a.deadUnits.length / a.units ? b : a,
    );
    const percent = Math.round((100 * worst.deadUnits.length) / worst.units);
    const others = alike(worst, bad);
    return warning(
      'dead-units',
      step,
      `${worst.name}: ${worst.deadUnits.length} of ${worst.units} units (${percent} %) fired for none of ` +
        `${worst.windowTokens} tokens${others}: lower the learning rate, or use gelu or silu`,
    );
  };
}

/** Probes in a row at which a group must be bad: the first steps of a run are often large. */
const BAD_PROBES = 2;

function watchUpdates(memory: WarningMemory, limit: number): (event: ProbeEvent) => WarningEvent | null {
  return ({ step, groups = [] }) => {
    const ratio = (group: GroupSummary): number => group.updateRatio ?? 0;
    const bad = groups.filter((group) => isMatrixGroup(group.name) && ratio(group) > limit);
    memory.updates = countLooks(memory.updates, bad);
    const [worst] = lasting(memory.updates, bad).sort((a, b) => ratio(b) - ratio(a));
    if (!worst) return null;
    return warning(
      'large-updates',
      step,
      `${worst.name}: one step changes its weights by ${Math.round(100 * ratio(worst))} % of their norm, about 0.1 % is ` +
        `usual${alike(worst, bad)}: lower the learning rate, or warm up longer`,
    );
  };
}

function watchGradients(memory: WarningMemory, share: number): (event: ProbeEvent) => WarningEvent | null {
  return ({ step, groups = [] }) => {
    const inBlocks = groups.filter(({ name }) => placeOf(name).block !== null && isMatrixGroup(name));
    const kinds = new Set(inBlocks.map(({ name }) => placeOf(name).path));
    const bad = [...kinds].flatMap((kind) => {
      const same = inBlocks.filter(({ name }) => placeOf(name).path === kind);
      const usual = same.length > 2 ? median(same.map(({ gradNorm }) => gradNorm)) : 0;
      return same.filter(({ gradNorm }) => gradNorm < share * usual).map((group) => ({ ...group, usual }));
    });
    memory.gradients = countLooks(memory.gradients, bad);
    const [worst] = lasting(memory.gradients, bad).sort(
      (a, b) => a.gradNorm / a.usual - b.gradNorm / b.usual,
    );
    if (!worst) return null;
    return warning(
      'vanishing-gradient',
      step,
      `${worst.name}: its gradient norm is ${worst.gradNorm.toExponential(1)}, ${worst.usual.toExponential(1)} is the median of the ` +
        `blocks${alike(worst, bad)}: it hardly learns; use init gpt2, gelu or silu, or fewer blocks`,
    );
  };
}

/** For how many probes in a row each group has been bad, including the present one. */
function countLooks(before: GroupCounts, bad: readonly { name: string }[]): GroupCounts {
  return Object.fromEntries(bad.map(({ name }) => [name, (before[name] ?? 0) + 1]));
}

/** Groups that have now been bad for BAD_PROBES probes in a row. */
function lasting<G extends { name: string }>(counts: GroupCounts, bad: readonly G[]): G[] {
  return bad.filter(({ name }) => counts[name] === BAD_PROBES);
}

/** Most names in one line. */
const NAMED = 3;

/** ` (so are blocks.1.mlp, blocks.2.mlp and 4 more)` */
function alike(worst: { name: string }, bad: readonly { name: string }[]): string {
  const others = bad.filter(({ name }) => name !== worst.name).map(({ name }) => name);
  if (others.length === 0) return '';
  const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : '';
  return ` (so ${others.length === 1 ? 'is' : 'are'} ${others.slice(0, NAMED).join(', ')}${more})`;
}

function watchOverfitting(
  memory: WarningMemory['overfitting'],
  patience: number,
): (event: EvalEvent) => WarningEvent | null {
  return ({ step, trainLoss, valLoss }) => {
    if (!Number.isFinite(trainLoss + valLoss)) return null;
    const { best, warned } = memory;
    if (!best || valLoss < best.valLoss) {
      Object.assign(memory, { best: { step, trainLoss, valLoss }, since: 0, warned: false });
      return null;
    }
    memory.since++;
    if (warned || memory.since < patience || trainLoss >= best.trainLoss) return null;
    memory.warned = true;
    return warning(
      'overfitting',
      step,
      `validation loss ${valLoss.toFixed(3)}, best was ${best.valLoss.toFixed(3)} at step ${best.step}, while training ` +
        `loss falls: stop and keep the best checkpoint, or use more text, more dropout or a smaller model`,
    );
  };
}

function warning(kind: WarningEvent['kind'], step: number, message: string): WarningEvent {
  return { type: 'warning', step, kind, message };
}
