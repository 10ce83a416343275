// A training run that lives in a folder: `best/` and `last/` hold checkpoints, `history.json` what happened.
// What lies where: layout.ts.
import { jsonBytes } from '../base/json.ts';
import { ACTIVATIONS } from '../inspect/measure.ts';
import type { Lock, Store } from '../io/store.ts';
import { type ModelFolder, modelFiles } from '../model/folder.ts';
import type { Dataset } from '../train/data.ts';
import { takeOver } from '../train/engines.ts';
import type { CheckpointEvent, TrainEvent } from '../train/events.ts';
import { checkpointDue, type Progress, type TrainOptions } from '../train/run.ts';
import type { TrainSettings } from '../train/settings.ts';
import { train } from '../train/train.ts';
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts';
import type { DataRecord } from './data-record.ts';
import type { History } from './history.ts';
import { BEST, EVALUATION_FILE, HISTORY_FILE, LAST } from './layout.ts';

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

/**
 * `train()` with checkpoints and a history in `store`; yields the new events. Throws when another run writes
 * there: `store` is locked for as long as this one goes on.
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
 * The event of a checkpoint that is about to be written, so that a run that goes on from it has the history
 * of one that never stopped. An interruption's own checkpoint is left out for the same reason.
 */
function ownCheckpoint(
  path: string,
  { step, settled }: Progress,
  settings: TrainSettings,
): CheckpointEvent[] {
  return settled && checkpointDue(step, settings) ? [{ type: 'checkpoint', step, kind: 'last', path }] : [];
}
