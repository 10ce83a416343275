// A training run that lives in a folder: `best/` and `last/` hold checkpoints, `history.json` what happened.

import { jsonBytes } from '../base/json.ts';
import { ACTIVATIONS } from '../inspect/measure.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Lock, Store } from '../io/store.ts';
import { type ModelFolder, saveModel } from '../model/folder.ts';
import { type Checkpoint, type DataRecord, readRecord, saveCheckpoint, TRAINING_FILE } from './checkpoint.ts';
import type { Dataset } from './data.ts';
import type { TrainEvent } from './events.ts';
import type { Progress } from './run.ts';
import { HISTORY_LIMITS, historyFile } from './run-schema.ts';
import type { TrainSettings } from './settings.ts';
import { train } from './train.ts';

/** The checkpoint with the lowest validation loss: what `generate` and the others take from a run. */
export const BEST = 'best';
/** The newest checkpoint: what `--resume` goes on from. */
export const LAST = 'last';
/** What happened, as JSON. */
export const HISTORY_FILE = 'history.json';

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
  /** The lock of `store`, where the caller holds it; else the run takes it, and gives it back at its end. */
  lock?: Lock;
}

/** What `history.json` holds. */
export interface History {
  settings: TrainSettings;
  data: DataRecord;
  probeTaps?: readonly string[];
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
  const { store, model, tokenizer, dataset, data, settings, probeTaps, from, signal } = options;
  const history = [...(from?.history ?? [])];
  const record = { settings, data, precision: model.backend.precision, probeTaps, history };
  const save = async (kind: 'best' | 'last', progress: Progress): Promise<string> => {
    const folder = store.folder(kind === 'best' ? BEST : LAST);
    if (kind === 'best') await saveModel(folder, { model: progress.average ?? model, tokenizer });
    else await saveCheckpoint(folder, { model, tokenizer }, record, progress);
    return folder.location;
  };
  const looks = probeTaps && [...ACTIVATIONS, ...probeTaps];
  const rest = { save, resume: from?.resume, signal, probeTaps: looks };
  const events = train({ model, data: dataset, tokenizer, ...settings, ...rest });
  for await (const event of events) {
    history.push(event);
    yield event;
  }
  const past: History = { settings, data, probeTaps, events: history };
  await store.write(HISTORY_FILE, jsonBytes(past));
}

/** Where the model is in `store`: the store itself if it is a model folder, else the best or last checkpoint of a run. */
export async function modelStore(store: Store): Promise<Store> {
  for (const candidate of [store, store.folder(BEST), store.folder(LAST)]) {
    if (await candidate.exists('config.json')) return candidate;
  }
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
    const { settings, data, probeTaps, history } = await readRecord(last);
    found.push({ settings, data, probeTaps, events: history });
  }
  if (found.length === 0) {
    throw new Error(
      `${store.location}: no ${HISTORY_FILE}: give the folder of a run, the --out of \`inkhorn train\`; what happened is kept there only`,
    );
  }
  // A run that was resumed is further than what it wrote when it ended before.
  const reached = ({ events }: History): number => events.at(-1)?.step ?? 0;
  return found.reduce((a, b) => (reached(b) > reached(a) ? b : a));
}
