// A training run that lives in a folder: `best/` and `last/` hold checkpoints, `history.json` what happened.

import { jsonBytes } from '../base/json.ts';
import { ACTIVATIONS } from '../inspect/measure.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Lock, Store } from '../io/store.ts';
import { type ModelFolder, modelFiles } from '../model/folder.ts';
import { type Checkpoint, type DataRecord, readRecord, saveCheckpoint, TRAINING_FILE } from './checkpoint.ts';
import type { Dataset } from './data.ts';
import { type EngineUse, takeOver } from './engines.ts';
import type { CheckpointEvent, TrainEvent } from './events.ts';
import { checkpointDue, type Progress, type TrainOptions } from './run.ts';
import { evaluationFile, HISTORY_LIMITS, historyFile } from './run-schema.ts';
import type { TrainSettings } from './settings.ts';
import { train } from './train.ts';

/** The checkpoint with the lowest validation loss: what `generate` and the others take from a run. */
export const BEST = 'best';
/** The newest checkpoint: what `--resume` goes on from. */
export const LAST = 'last';
/** What happened, as JSON. */
export const HISTORY_FILE = 'history.json';
/** In `best/`: the step that it is of, and its validation loss. */
const EVALUATION_FILE = 'evaluation.json';

export interface RunFolderOptions extends ModelFolder {
  store: Store;
  dataset: Dataset;
  data: DataRecord;
  settings: TrainSettings;
  /** What the probes look at beside the activations, as patterns of names. */
  probeTaps?: readonly string[];
  /** The checkpoint that the run goes on from; its model is `model`. */
  from?: Checkpoint;
  signal?: AbortSignal;
  /** See `TrainOptions`. */
  onProgress?: TrainOptions['onProgress'];
  /** The lock of `store`, where the caller holds it; else the run takes it, and gives it back at its end. */
  lock?: Lock;
}

/** What `history.json` holds. */
export interface History {
  settings: TrainSettings;
  data: DataRecord;
  probeTaps?: readonly string[];
  /** Who computed it; left out by the first versions. */
  engines?: readonly EngineUse[];
  events: TrainEvent[];
}

/**
 * `train()` with checkpoints and a history in `store`; yields the new events. Throws when another run writes there: `store`
 * is locked for as long as this one goes on.
 */
export async function* trainInFolder(options: RunFolderOptions): AsyncGenerator<TrainEvent, void> {
  const own = options.lock ? undefined : await options.store.lock?.('a training run');
  try {
    yield* trainLocked(options);
  } finally {
    own?.release();
  }
}

async function* trainLocked(options: RunFolderOptions): AsyncGenerator<TrainEvent, void> {
  const { store, model, tokenizer, dataset, data, settings, probeTaps, from, signal, onProgress } = options;
  const history = [...(from?.history ?? [])];
  const { precision, description } = model.backend;
  const engines = takeOver(from?.engines ?? [], description, from?.resume.step ?? 0);
  const record = { settings, data, precision, probeTaps, engines };
  const save = async (kind: 'best' | 'last', progress: Progress): Promise<string> => {
    const folder = store.folder(kind === 'best' ? BEST : LAST);
    if (kind === 'best') await saveBest(folder, { model: progress.average ?? model, tokenizer }, progress);
    else {
      const past = [...history, ...ownCheckpoint(folder.location, progress, settings)];
      await saveCheckpoint(folder, { model, tokenizer }, { ...record, history: past }, progress);
    }
    return folder.location;
  };
  const looks = probeTaps && [...ACTIVATIONS, ...probeTaps];
  const rest = { save, resume: from?.resume, signal, onProgress, probeTaps: looks };
  const events = train({ model, data: dataset, tokenizer, ...settings, ...rest });
  for await (const event of events) {
    history.push(event);
    yield event;
  }
  const past: History = { settings, data, probeTaps, engines, events: history };
  await store.write(HISTORY_FILE, jsonBytes(past));
}

/** The model with the lowest validation loss so far, and of which step it is: all of it or nothing. */
async function saveBest(store: Store, contents: ModelFolder, { best }: Progress): Promise<void> {
  const files = await modelFiles(contents);
  files.set(EVALUATION_FILE, jsonBytes(best));
  await store.writeAll(files);
}

/**
 * The event of a checkpoint that is about to be written, so that a run that goes on from it has the history of one that never stopped.
 * An interruption's own checkpoint is left out for the same reason.
 */
function ownCheckpoint(
  path: string,
  { step, settled }: Progress,
  settings: TrainSettings,
): CheckpointEvent[] {
  return settled && checkpointDue(step, settings) ? [{ type: 'checkpoint', step, kind: 'last', path }] : [];
}

/** The checkpoint of a run that stands for its model. */
export interface RunModel {
  store: Store;
  /** Optimizer steps behind it; null where nothing says so. */
  step: number | null;
  /** Of the best checkpoint, which need not be `store`; null where there is none or nothing says so. */
  bestStep: number | null;
  /** Steps of the newest checkpoint, if it was trained further than this one, or than any evaluation; else null. */
  unevaluated: number | null;
}

/**
 * The best checkpoint of the run in `store`; the last one where there is no other, and where the best is the untrained model of step 0
 * only because nothing was evaluated since. Null where there is no run.
 */
export async function runModel(store: Store): Promise<RunModel | null> {
  const [best, last] = [store.folder(BEST), store.folder(LAST)];
  // A damaged last/ is no reason to refuse best/: `--resume` says what is wrong with it.
  const newest = await readRecord(last).catch(() => null);
  const reached = newest?.progress.step ?? null;
  const only = { store: last, step: reached, bestStep: null, unevaluated: null };
  if (!(await best.exists('config.json'))) return (await last.exists('config.json')) ? only : null;
  const step = (await evaluatedStep(best)) ?? newest?.progress.best?.step ?? null;
  const seen = newest?.history.findLast((event) => event.type === 'eval')?.step;
  const unevaluated = reached !== null && reached > (step ?? 0) && seen !== reached ? reached : null;
  if (unevaluated !== null && step === 0)
    return { store: last, step: unevaluated, bestStep: step, unevaluated };
  return { store: best, step, bestStep: step, unevaluated };
}

/** The step of a best checkpoint, which those of the first versions do not say. */
async function evaluatedStep(best: Store): Promise<number | null> {
  if (!(await best.exists(EVALUATION_FILE))) return null;
  return (await readJsonFile(best, EVALUATION_FILE, evaluationFile)).step;
}

/** Where the model is in `store`: the store itself if it is a model folder, else the checkpoint of a run; see `runModel`. */
export async function modelStore(store: Store): Promise<Store> {
  if (await store.exists('config.json')) return store;
  const chosen = await runModel(store);
  if (chosen) return chosen.store;
  throw new Error(
    `${store.location}: neither a model folder (no config.json) nor a run (no ${BEST}/ or ${LAST}/)`,
  );
}

/**
 * What happened in the run in `store`, up to its last checkpoint while it goes on. Throws when the folder holds no history,
 * saying what would.
 */
export async function readHistory(store: Store): Promise<History> {
  const found: History[] = [];
  if (await store.exists(HISTORY_FILE))
    found.push(await readJsonFile(store, HISTORY_FILE, historyFile, HISTORY_LIMITS));
  const last = store.folder(LAST);
  if (await last.exists(TRAINING_FILE)) {
    const { settings, data, probeTaps, engines, history } = await readRecord(last);
    found.push({ settings, data, probeTaps, engines, events: history });
  }
  if (found.length === 0) {
    throw new Error(
      `${store.location}: no ${HISTORY_FILE}: give the folder of a run, the --out of \`inkhorn train\`; what happened is kept there only`,
    );
  }
  return found.reduce((a, b) => (isFurther(b, a) ? b : a));
}

/** A run that was resumed is further than what it wrote when it ended before: by steps, or by what was due after the last. */
function isFurther({ events: a }: History, { events: b }: History): boolean {
  const [stepA, stepB] = [a, b].map((events) => events.at(-1)?.step ?? 0);
  if (stepA !== stepB) return stepA > stepB;
  const after = (events: readonly TrainEvent[]): number =>
    events.filter(({ type, step }) => step === stepA && type !== 'done' && type !== 'checkpoint').length;
  return after(a) > after(b);
}
