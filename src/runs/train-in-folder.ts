// A training run in a folder: `best/` and `last/` hold checkpoints, `history.json` the events. All files are
// listed in layout.ts.
import { complete, custom, having, type Table } from '../base/fields.ts';
import { jsonBytes } from '../base/json.ts';
import { object, such } from '../base/schema.ts';
import { ACTIVATION_TAPS } from '../inspect/measure.ts';
import type { Lock, Store } from '../io/store.ts';
import { ADAPTER_FILE, adapterBytes } from '../model/adapter.ts';
import type { Tokens } from '../model/batch.ts';
import { type ModelFolder, modelFiles } from '../model/folder.ts';
import type { Dataset } from '../train/data.ts';
import { takeOver } from '../train/engines.ts';
import type { CheckpointEvent, TrainEvent } from '../train/events.ts';
import { checkpointDue, type Progress, type TrainOptions, trainFields } from '../train/run.ts';
import { type TrainSettings, trainSettings } from '../train/settings.ts';
import { train } from '../train/train.ts';
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts';
import { type DataRecord, dataRecord } from './data-record.ts';
import type { History } from './history.ts';
import { BEST, EVALUATION_FILE, HISTORY_FILE, LAST } from './layout.ts';
import { checkSameTeachers, type Teacher } from './teachers.ts';

export interface RunFolderOptions extends ModelFolder {
  store: Store;
  dataset: Dataset<Tokens>;
  data: DataRecord;
  settings: TrainSettings;
  /** The text that the model knew before; see `old` of `train`. */
  old?: { dataset: Dataset<Tokens>; record: DataRecord };
  /** The models whose predictions it learns; see `teachers` of `train`. */
  teachers?: readonly Teacher[];
  /** Values that probes measure besides the activations, as glob patterns of names. */
  probeTaps?: readonly string[];
  /** The checkpoint to resume from; its model is `model`. */
  from?: Checkpoint;
  signal?: AbortSignal;
  /** See `TrainOptions`. */
  saveNow?: TrainOptions['saveNow'];
  /** Other processes that share the run; see `TrainOptions`. Only rank 0 writes to `store`. */
  ranks?: TrainOptions['ranks'];
  /** See `TrainOptions`. */
  onProgress?: TrainOptions['onProgress'];
  /**
   * The lock of `store`, if the caller holds it. Otherwise the run takes the lock and releases it at its end.
   */
  lock?: Lock;
}

/** The options of `trainInFolder`. Those that it passes to `train` are checked there. */
export const runFolderFields: Table<RunFolderOptions> = {
  model: trainFields.model,
  tokenizer: having('decode', 'a Tokenizer', { about: 'the tokenizer of the model', required: true }),
  store: having('writeAll', 'a store', { about: 'the folder of the run', required: true }),
  dataset: trainFields.data,
  data: custom({ about: 'which text it is, for the files of the run', schema: dataRecord, required: true }),
  settings: custom({ about: 'all settings of the run', schema: trainSettings, required: true }),
  old: custom({
    about: 'the text that the model knew before, whose loss evaluations give too',
    schema: object<NonNullable<RunFolderOptions['old']>>({
      dataset: trainFields.data.schema,
      record: dataRecord,
    }),
  }),
  teachers: custom({
    about: 'the models whose predictions it learns',
    schema: such((value): value is readonly Teacher[] => Array.isArray(value), 'a list of teachers'),
    hint: 'loadTeacher reads one',
  }),
  probeTaps: trainFields.probeTaps,
  from: custom({
    about: 'the checkpoint to resume from',
    schema: such((value): value is Checkpoint => 'resume' in Object(value), 'a checkpoint'),
    hint: 'loadCheckpoint reads one',
  }),
  signal: trainFields.signal,
  saveNow: trainFields.saveNow,
  ranks: trainFields.ranks,
  onProgress: trainFields.onProgress,
  lock: having('release', 'a lock', { about: 'the lock of the store, if the caller holds it' }),
};

/**
 * `train()` with checkpoints and a history in `store`. Yields the new events. Throws when another run writes
 * there: `store` is locked while this run goes on.
 */
export async function* trainInFolder(options: RunFolderOptions): AsyncGenerator<TrainEvent, void> {
  complete(runFolderFields, options, 'trainInFolder');
  const own = options.lock || !writes(options) ? undefined : await options.store.lock?.('a training run');
  try {
    yield* trainLocked(options);
  } finally {
    own?.release();
  }
}

function writes({ ranks }: RunFolderOptions): boolean {
  return (ranks?.rank ?? 0) === 0;
}

async function* trainLocked(options: RunFolderOptions): AsyncGenerator<TrainEvent, void> {
  const { store, model, tokenizer, dataset, data, settings, old, teachers, probeTaps, from } = options;
  const { ranks, signal, saveNow, onProgress } = options;
  const taught = teachers?.map((teacher) => teacher.record);
  if (from) checkSameTeachers(store.location, from.teachers, taught);
  const history = [...(from?.history ?? [])];
  const { precision, description } = model.backend;
  const engines = takeOver(from?.engines ?? [], description, from?.resume.step ?? 0);
  const record = { settings, data, old: old?.record, teachers: taught, precision, probeTaps, engines };
  let asked = false;
  const save = async (kind: 'best' | 'last', progress: Progress): Promise<string> => {
    const folder = store.folder(kind === 'best' ? BEST : LAST);
    if (kind === 'best') await saveBest(folder, { model: progress.average ?? model, tokenizer }, progress);
    else {
      const own = ownCheckpoint(folder.location, progress, settings);
      asked = own.length === 0 && signal?.aborted !== true;
      const past = [...history, ...own];
      await saveCheckpoint(folder, { model, tokenizer }, { ...record, history: past }, progress);
    }
    return folder.location;
  };
  const looks = probeTaps && [...ACTIVATION_TAPS, ...probeTaps];
  const rest = {
    old: old?.dataset,
    teachers: teachers?.map(({ model: teacher }) => teacher),
    resume: from?.resume,
    ranks,
    signal,
    saveNow,
    onProgress,
    probeTaps: looks,
  };
  const saving = writes(options) ? { save } : {};
  const events = train({ model, data: dataset, tokenizer, ...settings, ...rest, ...saving });
  for await (const event of events) {
    const repeated = event.type !== 'checkpoint' || event.kind === 'best' || !asked;
    if (repeated) history.push(event);
    yield event;
  }
  if (!writes(options)) return;
  const past: History = { settings, data, teachers: taught, probeTaps, engines, events: history };
  await store.write(HISTORY_FILE, jsonBytes(past));
}

/** Saves the model with the lowest validation loss so far, and its step: all of it or nothing. */
async function saveBest(store: Store, contents: ModelFolder, { best, adapter }: Progress): Promise<void> {
  const files = await modelFiles(contents);
  if (adapter) files.set(ADAPTER_FILE, adapterBytes(await adapter()));
  files.set(EVALUATION_FILE, jsonBytes(best));
  await store.writeAll(files);
}

/**
 * The event of a checkpoint that is about to be written. So a run resumed from it has the history of one that
 * never stopped. The checkpoint of an interruption, or of `saveNow`, is left out for the same reason.
 */
function ownCheckpoint(
  path: string,
  { step, settled }: Progress,
  settings: TrainSettings,
): CheckpointEvent[] {
  return settled && checkpointDue(step, settings) ? [{ type: 'checkpoint', step, kind: 'last', path }] : [];
}
