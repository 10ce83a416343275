// The training loop: an async generator of events. Nothing else drives training. Read next: step.ts.

import { settled, whenDropped } from '../base/dropped.ts';
import { type GroupSummary, meterGroups } from '../inspect/groups.ts';
import type { Measurement } from '../inspect/probe.ts';
import { probeTap } from '../inspect/probe-tap.ts';
import { type Batch, sliceBatch } from '../model/batch.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { evaluateRun } from './evaluate-run.ts';
import type { StepEvent, TrainEvent } from './events.ts';
import { hold, letGo } from './exclusive.ts';
import { areTogether } from './local-steps.ts';
import { branchOf } from './pairwise.ts';
import { gatherMeasurements } from './rank-probe.ts';
import type { RankSum } from './rank-sum.ts';
import {
  checkHanded,
  checkpointDue,
  evaluated,
  progressOf,
  type Run,
  settle,
  startRun,
  type TrainOptions,
} from './run.ts';
import { drawSample } from './sample.ts';
import { dropoutAt, rateAt, rateShare } from './schedules.ts';
import {
  accumulateGradients,
  clipFactor,
  type GradientOptions,
  gradientNorm,
  type Pairwise,
} from './step.ts';
import { noteTime, timeLeft } from './time-left.ts';
import { createDetector } from './warnings.ts';

/** A run is given up after this many steps in a row whose loss or gradient is not finite. */
const NON_FINITE_LIMIT = 5;

/**
 * Trains `model` and yields what happens, in order. The settings default to the seed's recipe, with
 * `evalMethod` `auto`: evaluations take at most about a fifth of the training time. Equal arguments on the
 * same engine give equal bits, also when the run is interrupted and resumed from what `save` received. Throws
 * before the first step when settings, data and model do not fit together, or when another training uses the
 * model.
 *
 * @example
 * for await (const e of train({ model, data, steps: 5000, evalEvery: 500 })) {
 *   if (e.type === 'eval') console.log(e.step, e.trainLoss, e.valLoss, e.bitsPerByte);
 * }
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void> {
  checkHanded(options);
  const holder = {};
  hold(options.model, holder);
  let run: Run | undefined;
  try {
    run = startRun(options);
    const { optimizer, average, trained, local } = run;
    whenDropped(holder, () => {
      optimizer.dispose();
      local?.dispose();
      trained.adapters?.dispose();
      average?.model.dispose();
    });
    const detect = createDetector({}, run.warnings);
    for await (const event of loop(run)) {
      yield event;
      yield* detect(event);
    }
  } finally {
    settled(holder);
    letGo(options.model);
    run?.average?.apply();
    run?.average?.model.dispose();
    run?.optimizer.dispose();
    run?.local?.dispose();
    run?.trained.release();
  }
}

async function* loop(run: Run): AsyncGenerator<TrainEvent, void> {
  const { settings, progress } = run;
  const begun = performance.now();
  const last = (): boolean => progress.step >= settings.steps;
  const diverged = (): boolean =>
    progress.nonFinite >= NON_FINITE_LIMIT && areTogether(progress.step, settings);
  for (;;) {
    yield* milestones(run);
    if (last() || aborted(run) || diverged()) break;
    const done = await stepUnlessAborted(run);
    if (!done) continue;
    const { event, groups } = done;
    yield event;
    if (groups) yield run.probe.finish(progress.step, groups);
  }
  const stopped = diverged() ? 'non-finite' : 'aborted';
  // The last step does not finish a run: the work due after it belongs to the run.
  const reason = last() && progress.settled ? 'finished' : stopped;
  yield { type: 'done', step: progress.step, reason, seconds: (performance.now() - begun) / 1000 };
}

/**
 * The work due between two steps: evaluation, sample, checkpoints. When the run is aborted, only the
 * checkpoint.
 */
async function* milestones(run: Run): AsyncGenerator<TrainEvent, void> {
  const { settings, progress } = run;
  if (saveIsAsked(run)) {
    yield* checkpoint(run, 'last');
    run.unsaved = false;
  }
  if (endIsUnsaved(run)) await run.options.save?.('last', progressOf(run));
  if (!progress.evaluated && !aborted(run)) yield* evaluation(run);
  if (progress.evaluated && !progress.settled && !aborted(run)) yield* sample(run);
  const due = aborted(run) || checkpointDue(progress.step, settings);
  if (run.unsaved && due && areTogether(progress.step, settings)) {
    yield* checkpoint(run, 'last');
    run.unsaved = false;
  }
}

/** Whether the caller wants a checkpoint at this step, where none is made at once in any case. */
function saveIsAsked(run: Run): boolean {
  const { options, settings, progress, unsaved } = run;
  if (!unsaved || progress.step === 0 || aborted(run) || !areTogether(progress.step, settings)) return false;
  const asked = options.saveNow?.() === true;
  return asked && !(progress.settled && checkpointDue(progress.step, settings));
}

/**
 * Whether all steps are done, but an evaluation or a sample comes before the last checkpoint. A kill during
 * these minutes must not lose the steps, so they are saved first. This has no event: a resumed run has the
 * events of one that never stopped.
 */
function endIsUnsaved(run: Run): boolean {
  const { settings, progress, unsaved } = run;
  return unsaved && progress.step === settings.steps && !progress.settled && !aborted(run);
}

/** Makes the evaluation that is due. If aborted, it stays due. */
async function* evaluation(run: Run): AsyncGenerator<TrainEvent, void> {
  const event = await evaluateRun(run);
  if (!event) return;
  noteTime(run, 'evaluations', event.seconds);
  run.unsaved = true;
  run.progress.evaluated = true;
  settle(run);
  yield event;
  if (event.best) yield* checkpoint(run, 'best');
}

/** Draws the sample that is due. If aborted, it stays due. Of several ranks, the first one draws. */
async function* sample(run: Run): AsyncGenerator<TrainEvent, void> {
  const { options, settings, progress } = run;
  if (options.ranks && options.ranks.rank > 0) {
    progress.settled = true;
    return;
  }
  const { step } = progress;
  const { signal, onProgress } = options;
  const begun = performance.now();
  const event = await drawSample(evaluated(run), options.tokenizer as Tokenizer, settings, step, {
    signal,
    onProgress: (done, total) => onProgress?.({ what: 'sample', step, done, total }),
  });
  if (!event) return;
  noteTime(run, 'samples', (performance.now() - begun) / 1000);
  progress.settled = true;
  run.unsaved = true;
  yield event;
}

function aborted({ options }: Run): boolean {
  return options.signal?.aborted === true;
}

async function* checkpoint(run: Run, kind: 'best' | 'last'): AsyncGenerator<TrainEvent, void> {
  const { save } = run.options;
  if (!save) return;
  yield { type: 'checkpoint', step: run.progress.step, kind, path: await save(kind, progressOf(run)) };
}

/**
 * Makes one step. Null when the run was aborted half-way: the weights are unchanged, and a resumed run makes
 * the step again.
 */
async function stepUnlessAborted(run: Run): Promise<{ event: StepEvent; groups?: GroupSummary[] } | null> {
  try {
    return await optimizerStep(run);
  } catch (error) {
    if (run.options.signal?.aborted && error === run.options.signal.reason) return null;
    throw error;
  }
}

/** Forward, backward, update. A gradient that is not finite is not applied. */
async function optimizerStep(run: Run): Promise<{ event: StepEvent; groups?: GroupSummary[] }> {
  const { options, settings, progress, trained, optimizer, average, probe, taps } = run;
  const { model } = options;
  const { clip } = settings;
  const begun = performance.now();
  const step = progress.step + 1;
  const batch = await run.batchOf(step, options.signal);
  const probed = settings.probeEvery > 0 && (step % settings.probeEvery === 0 || step === settings.steps);
  if (probed && !probe.calibrated) await calibrate(run, batch, step);
  const measured: Measurement[] = [];
  const tap = probed ? probeTap(probe, taps, (measurement) => measured.push(measurement)) : undefined;
  zeroGradients(run);
  const { ranks } = options;
  // The memory of a probe cannot be undone, so a probed step is always finished; but with a lost rank it
  // cannot.
  const signal = probed && !ranks ? undefined : options.signal;
  const pairwise = pairwiseOf(run);
  const part = ownPart(run, batch);
  const how = { ...gradientOptions(run, step), firstSequence: part.first, pairwise, tap, signal };
  const loss = await accumulateGradients(model, part.batch, how);
  const all = probed && ranks && !run.local ? await gatherMeasurements(ranks, measured, signal) : measured;
  for (const measurement of all) probe.add(measurement);
  trained.adapters?.pullBack();
  const gradNorm = await gradientNorm(trained.parameters);
  const meter = probed ? meterGroups(trained.weights) : null;
  const share = rateShare(step, settings);
  if (Number.isFinite(gradNorm)) {
    optimizer.step(step, share, clipFactor(gradNorm, clip));
    trained.adapters?.merge();
    average?.update(step);
  }
  const ownNonFinite = Number.isFinite(loss + gradNorm) ? 0 : progress.nonFinite + 1;
  const nonFinite = await meetIfDue(run, step, ownNonFinite);
  const groups = await meter?.finish();
  await model.backend.sync();
  Object.assign(progress, { step, nonFinite, evaluated: false, settled: false });
  settle(run);
  run.unsaved = true;
  const seconds = (performance.now() - begun) / 1000;
  const tokensPerSecond = (batch.B * batch.T) / seconds;
  noteTime(run, 'steps', seconds);
  const lr = rateAt(settings.lr, step, settings);
  return { event: { type: 'step', step, loss, lr, gradNorm, tokensPerSecond, eta: timeLeft(run) }, groups };
}

/**
 * The first probe does not know the ranges of its histograms. One micro-batch is run to find out, and
 * dropped.
 */
async function calibrate(run: Run, batch: Batch, step: number): Promise<void> {
  const { options, settings, probe, taps } = run;
  const tap = probeTap(probe, taps, probe.calibrate);
  const first = sliceBatch(batch, 0, settings.microBatch);
  await accumulateGradients(options.model, first, { ...gradientOptions(run, step), tap });
  zeroGradients(run);
}

/** Sets to zero what backward passes add to: the gradients of the weights, and those of adapters. */
function zeroGradients({ optimizer, trained: { adapters, weights } }: Run): void {
  optimizer.zeroGrad();
  if (!adapters) return;
  for (const { grad } of weights.values()) if (grad) grad.backend.kernels.fill(grad.buffer, 0);
}

/** The part of a step's batch by which this process computes its gradient: all, unless ranks train apart. */
function ownPart(
  { local, options: { ranks }, settings: { microBatch } }: Run,
  batch: Batch,
): { batch: Batch; first: number } {
  if (!local || !ranks) return { batch, first: 0 };
  const { first, count } = branchOf(Math.ceil(batch.B / microBatch), ranks);
  return { batch: sliceBatch(batch, first * microBatch, count * microBatch), first: first * microBatch };
}

/** The outer step of ranks that train apart, where it is due. Resolves to the steps that were not finite. */
async function meetIfDue(run: Run, step: number, nonFinite: number): Promise<number> {
  const { local, settings, trained, options } = run;
  if (!local || !areTogether(step, settings)) return nonFinite;
  const largest = await local.meet(nonFinite, options.signal);
  trained.adapters?.merge();
  return largest;
}

/** The sum in pairs, if the settings ask for one. It is shared by all ranks. */
function pairwiseOf({ options, settings, trained, sum, local }: Run): Pairwise | undefined {
  if (settings.summation === 'sequential') return undefined;
  const ranks = local ? undefined : options.ranks;
  return { parameters: [...trained.weights.values()], shared: ranks && { ranks, sum: sum as RankSum } };
}

/** How the gradients of a step are computed, by the settings. */
function gradientOptions({ options, settings }: Run, step: number): GradientOptions {
  const { microBatch, checkpointActivations, seed, labelSmoothing } = settings;
  const dropout = dropoutAt(step, options.model.config.dropout, settings);
  const { teachers } = options;
  const teaching = teachers ? { teachers, weight: settings.distillWeight } : null;
  return { microBatch, checkpointActivations, seed, step, dropout, labelSmoothing, teaching };
}
