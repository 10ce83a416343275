// A checkpoint: a model folder with everything needed to continue training as if uninterrupted:
// training.safetensors (the optimizer's moments; where the model is an average, also the trained weights) and
// training.json (settings, progress, history).
import type { Precision } from '../backend/contract.ts';
import { currentBackend } from '../backend/current.ts';
import { checkOptions, complete } from '../base/fields.ts';
import { jsonBytes } from '../base/json.ts';
import {
  array,
  boolean,
  integer,
  nullable,
  number,
  object,
  oneOf,
  optional,
  otherwise,
  record as recordOf,
  type Schema,
  string,
  where,
} from '../base/schema.ts';
import type { TapMemory } from '../inspect/probe.ts';
import type { HistogramRange } from '../inspect/summary.ts';
import { readJsonFile } from '../io/json-file.ts';
import { collectSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { ADAPTER_FILE, adapterBytes } from '../model/adapter.ts';
import {
  type CheckpointOptions,
  checkpointFields,
  loadConfig,
  loadModel,
  type ModelFolder,
  modelFiles,
  readWeights,
  storeField,
} from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { EngineUse } from '../train/engines.ts';
import { stepNumber, trainEvent } from '../train/event-schema.ts';
import type { TrainEvent } from '../train/events.ts';
import type { Progress, Resume } from '../train/run.ts';
import type { TrainSettings } from '../train/settings.ts';
import { trainSettings } from '../train/settings.ts';
import type { WarningMemory } from '../train/warnings.ts';
import { type DataRecord, dataRecord } from './data-record.ts';
import { disorder, engineUses, HISTORY_LIMITS } from './history.ts';
import { MOMENTS_FILE, TRAINING_FILE } from './layout.ts';
import { type TeacherRecord, teacherRecords } from './teachers.ts';

/** Suffix of the names of the trained weights, in the checkpoint of a run whose model is their average. */
const TRAINED = '.trained';

/** What belongs to a run besides its weights. */
export interface TrainingRecord {
  settings: TrainSettings;
  data: DataRecord;
  /** The text that the model knew before the run, if its loss is evaluated too. */
  old?: DataRecord;
  /** The models whose predictions it learns. Absent: none. */
  teachers?: readonly TeacherRecord[];
  /** Precision of the engine: a run continues in the precision in which it began. */
  precision: Precision;
  /** Values that probes measure besides the activations. Absent: none. */
  probeTaps?: readonly string[];
  /** The engines that computed it. In runs of the first versions the list begins later than the run. */
  engines: readonly EngineUse[];
  /** The events up to the checkpoint. */
  history: TrainEvent[];
}

/** A checkpoint as read. */
export interface Checkpoint extends ModelFolder, TrainingRecord {
  resume: Resume;
}

/** Writes a checkpoint: all of it or nothing. */
export async function saveCheckpoint(
  store: Store,
  { model, tokenizer }: ModelFolder,
  record: TrainingRecord,
  { optimizer, average, adapter, ...progress }: Progress,
): Promise<void> {
  const tensors = new Map(optimizer);
  for (const [name, weight] of average ? namedParameters(model) : []) tensors.set(name + TRAINED, weight);
  const files = await modelFiles({ model: average ?? model, tokenizer });
  files.set(MOMENTS_FILE, await collectSafetensors(tensors, { step: String(progress.step) }));
  files.set(TRAINING_FILE, jsonBytes({ progress, ...record }));
  if (adapter) files.set(ADAPTER_FILE, adapterBytes(await adapter()));
  await store.writeAll(files);
}

/** Whether there is a checkpoint at all. */
export async function hasCheckpoint(store: Store): Promise<boolean> {
  return store.exists(TRAINING_FILE);
}

/** Whole readings of a checkpoint while others write it, before we say what the last of them found. */
const READINGS = 5;

/**
 * Reads a checkpoint; beside a training that writes it, one that is whole. Throws one line that says which
 * file is missing or damaged, or that the engine does not fit.
 */
export async function loadCheckpoint(store: Store, options: CheckpointOptions = {}): Promise<Checkpoint> {
  complete({ store: storeField }, { store }, 'loadCheckpoint');
  checkOptions(checkpointFields, options, 'loadCheckpoint');
  const stepNow = async (): Promise<number> => (await readRecord(store)).progress.step;
  for (let left = READINGS; ; left--) {
    const before = await stepNow();
    const read = await readCheckpoint(store, options).catch((error: Error) => error);
    // A checkpoint is several files: a newer one in the middle of reading gives some of each.
    if (left === 1 || (await stepNow()) === before) {
      if (read instanceof Error) throw read;
      return read;
    }
    if (!(read instanceof Error)) read.model.dispose();
  }
}

async function readCheckpoint(store: Store, options: CheckpointOptions): Promise<Checkpoint> {
  const { progress, ...record } = await readRecord(store);
  const { precision } = options.backend ?? currentBackend();
  if (precision !== record.precision) {
    throw new Error(
      `${store.location}: a run in ${record.precision} cannot go on in ${precision}: make the engine with precision '${record.precision}'`,
    );
  }
  const file = `${store.location}/${MOMENTS_FILE}`;
  const { tensors, metadata } = await readWeights(store, MOMENTS_FILE, await loadConfig(store), MOMENTS);
  if (metadata.step === undefined) {
    options.onNote?.(
      `${file} was written by another program: it does not say that it is of step ${progress.step}, as ${TRAINING_FILE} is`,
    );
  } else if (metadata.step !== String(progress.step)) {
    throw new Error(
      `${file}: is of step ${JSON.stringify(metadata.step)}, ${TRAINING_FILE} of step ${progress.step}: files were mixed`,
    );
  }
  const [optimizer, trained] = [new Map<string, Float32Array>(), new Map<string, Float32Array>()];
  for (const [name, { data, dtype }] of tensors) {
    // Rounded to 16 bits, training could not continue exactly.
    if (dtype !== 'F32' || !(data instanceof Float32Array))
      throw new Error(`${file}: tensor ${name} is ${dtype}: expected F32`);
    if (name.endsWith(TRAINED)) trained.set(name.slice(0, -TRAINED.length), data);
    else optimizer.set(name, data);
  }
  const folder = await loadModel(store, options);
  refuseQuantized(folder.model, store.location);
  const average = trained.size > 0 ? await exchangeWeights(folder.model, trained, file) : null;
  return { ...folder, ...record, resume: { ...progress, optimizer, average, location: store.location } };
}

function refuseQuantized(model: GPT, location: string): void {
  try {
    namedParameters(model);
  } catch (error) {
    throw new Error(`${location}: ${(error as Error).message}`);
  }
}

/** Writes the trained weights into a model that was loaded with their average. Resolves to the averages. */
async function exchangeWeights(
  model: GPT,
  trained: ReadonlyMap<string, Float32Array>,
  file: string,
): Promise<Map<string, Float32Array>> {
  const averages = new Map<string, Float32Array>();
  for (const [name, parameter] of namedParameters(model)) {
    const weights = trained.get(name);
    if (weights?.length !== parameter.size || !weights.every(Number.isFinite))
      throw new Error(`${file}: ${name}${TRAINED} is missing, of another size or not finite: it is damaged`);
    averages.set(name, await parameter.data());
    parameter.write(weights);
  }
  return averages;
}

/**
 * The file of moments holds at most two for each parameter, and one of an outer step or the trained weights.
 */
const MOMENTS = 3;

/** The contents of `training.json`. */
export interface SavedRecord extends TrainingRecord {
  progress: Omit<Resume, 'optimizer' | 'average' | 'location'>;
}

/** The lowest validation loss so far. */
export const bestSoFar: Schema<NonNullable<Resume['best']>> = object<NonNullable<Resume['best']>>({
  valLoss: number(),
  step: stepNumber,
});

const count = integer({ min: 0 });

const histogramRange = object<HistogramRange>({ lo: number(), hi: number(), bins: count });

/** The memory of probes and warnings. */
const memory = object<NonNullable<Resume['memory']>>({
  probe: array(
    object<TapMemory>({
      name: string,
      ranges: object<TapMemory['ranges']>({
        value: nullable(histogramRange),
        gradient: nullable(histogramRange),
      }),
      units: integer({ min: 0 }),
      window: array(object<TapMemory['window'][number]>({ tokens: count, silent: array(count) })),
    }),
  ),
  warnings: object<WarningMemory>({
    nonFinite: boolean,
    spikes: object<WarningMemory['spikes']>({ recent: array(number()), above: boolean }),
    dead: array(string),
    updates: recordOf(count),
    gradients: recordOf(count),
    overfitting: object<WarningMemory['overfitting']>({
      best: nullable(object({ step: stepNumber, trainLoss: number(), valLoss: number() })),
      since: count,
      warned: boolean,
    }),
  }),
});

/** `training.json` */
const trainingFile: Schema<SavedRecord> = where(
  object<SavedRecord>({
    progress: object<SavedRecord['progress']>({
      step: stepNumber,
      evaluated: optional(boolean),
      settled: boolean,
      best: nullable(bestSoFar),
      nonFinite: optional(count),
      memory: optional(memory),
    }),
    settings: trainSettings,
    data: dataRecord,
    old: optional(dataRecord),
    teachers: optional(teacherRecords),
    precision: otherwise(oneOf('f32', 'bf16'), 'f32'), // runs of the first version do not say
    probeTaps: optional(array(string)),
    engines: otherwise(engineUses, []),
    history: array(trainEvent),
  }),
  ({ progress, history, settings }) => {
    const { step, best } = progress;
    if (step > settings.steps) return `progress.step is ${step}, settings.steps ${settings.steps}`;
    if (best && best.step > step) return `progress.best.step is ${best.step}, progress.step ${step}`;
    const last = history.at(-1)?.step ?? 0;
    if (last !== step) return `progress.step is ${step}, but history ends at step ${last}`;
    return disorder('history', history, step);
  },
);

/** Reads `training.json` only. */
export async function readRecord(store: Store): Promise<SavedRecord> {
  if (await hasCheckpoint(store)) return readJsonFile(store, TRAINING_FILE, trainingFile, HISTORY_LIMITS);
  throw new Error(`${store.location}: no checkpoint to resume from (no ${TRAINING_FILE})`);
}
