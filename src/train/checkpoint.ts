// A checkpoint: a model folder that also holds what is needed to go on training as if nothing had happened:
// training.safetensors (the optimizer's moments; where the model is an average, also the weights as trained) and
// training.json (settings, progress, history).
import type { Precision } from '../backend/contract.ts';
import { currentBackend } from '../backend/registry.ts';
import { jsonBytes } from '../base/json.ts';
import { readJsonFile } from '../io/json-file.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { type LoadOptions, loadModel, type ModelFolder, modelFiles } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { Split } from './data.ts';
import type { EngineUse } from './engines.ts';
import type { TrainEvent } from './events.ts';
import type { Progress, Resume } from './run.ts';
import { HISTORY_LIMITS, trainingFile } from './run-schema.ts';
import type { TrainSettings } from './settings.ts';

/** Ends the names of the weights as trained, in the checkpoint of a run whose model is their average. */
const TRAINED = '.trained';
const MOMENTS_FILE = 'training.safetensors';
export const TRAINING_FILE = 'training.json';

/** Which text a run learns from: enough to find it again, from anywhere, and to notice when it has changed. */
export interface DataRecord extends Split {
  /** What `--data` was, in order: files, folders, patterns, names, `-` for standard input. */
  inputs: readonly string[];
  /** Where that was typed, and where the run (or the copy of its model) lies, absolute; left out by the first versions. */
  origin?: { cwd: string; run: string };
  /** Whether files were taken byte by byte, whatever they were (`asBytes` of `loadCorpus`). */
  asBytes: boolean;
  /** The special token between documents; null: a line feed. */
  separator: string | null;
  name: string;
  bytes: number;
  /** Of the whole text, hexadecimal. */
  sha256: string;
}

/** What belongs to a run beside its weights. */
export interface TrainingRecord {
  settings: TrainSettings;
  data: DataRecord;
  /** Of the engine: a run goes on in the one that it began in. */
  precision: Precision;
  /** What its probes look at beside the activations; left out: nothing. */
  probeTaps?: readonly string[];
  /** Who computed it; begins later than the run where the first versions did. */
  engines: readonly EngineUse[];
  /** The events up to the checkpoint. */
  history: TrainEvent[];
}

/** A checkpoint as it is read back. */
export interface Checkpoint extends ModelFolder, TrainingRecord {
  resume: Resume;
}

/** Writes a checkpoint, all of it or nothing. */
export async function saveCheckpoint(
  store: Store,
  { model, tokenizer }: ModelFolder,
  record: TrainingRecord,
  { optimizer, average, ...progress }: Progress,
): Promise<void> {
  const tensors = new Map(optimizer);
  for (const [name, weight] of average ? namedParameters(model) : []) tensors.set(name + TRAINED, weight);
  const saved = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of tensors) saved.set(name, { shape: tensor.shape, data: await tensor.data() });
  const files = await modelFiles({ model: average ?? model, tokenizer });
  files.set(MOMENTS_FILE, writeSafetensors(saved, { step: String(progress.step) }));
  files.set(TRAINING_FILE, jsonBytes({ progress, ...record }));
  await store.writeAll(files);
}

/** Whether there is a checkpoint at all. */
export async function hasCheckpoint(store: Store): Promise<boolean> {
  return store.exists(TRAINING_FILE);
}

/** The precision of the run that a checkpoint is of: the engine for `loadCheckpoint` must have it. */
export async function precisionOfRun(store: Store): Promise<Precision> {
  return (await readRecord(store)).precision;
}

/** Reads a checkpoint. Throws one line that says which file is missing or damaged, or that the engine does not fit. */
export async function loadCheckpoint(store: Store, options: LoadOptions = {}): Promise<Checkpoint> {
  const { progress, ...record } = await readRecord(store);
  const { precision } = options.backend ?? currentBackend();
  if (precision !== record.precision) {
    throw new Error(
      `${store.location}: a run in ${record.precision} cannot go on in ${precision}: make the engine with precision '${record.precision}'`,
    );
  }
  const file = `${store.location}/${MOMENTS_FILE}`;
  const { tensors, metadata } = readSafetensors(await store.read(MOMENTS_FILE), file);
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
    // Rounded to 16 bits they would not go on as if nothing had happened.
    if (dtype !== 'F32' || !(data instanceof Float32Array))
      throw new Error(`${file}: tensor ${name} is ${dtype}: expected F32`);
    if (name.endsWith(TRAINED)) trained.set(name.slice(0, -TRAINED.length), data);
    else optimizer.set(name, data);
  }
  const folder = await loadModel(store, options);
  const average = trained.size > 0 ? await exchangeWeights(folder.model, trained, file) : null;
  return { ...folder, ...record, resume: { ...progress, optimizer, average } };
}

/** Writes the weights as trained into a model that was loaded as their average; resolves to the averages. */
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

/** What `training.json` holds. */
export interface SavedRecord extends TrainingRecord {
  progress: Omit<Resume, 'optimizer' | 'average'>;
}

/** `training.json` alone. */
export async function readRecord(store: Store): Promise<SavedRecord> {
  if (await hasCheckpoint(store)) return readJsonFile(store, TRAINING_FILE, trainingFile, HISTORY_LIMITS);
  throw new Error(`${store.location}: no checkpoint to resume from (no ${TRAINING_FILE})`);
}
