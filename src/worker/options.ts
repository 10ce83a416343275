// The options of a worker's functions, and their checks before anything is sent: in the words of the
// library's own functions. Read next: functions.ts.
import type { BackendOptions } from '../backend/contract.ts';
import { engineFields } from '../backend/registry.ts';
import {
  callback,
  checkOptions,
  complete,
  custom,
  type Field,
  having,
  optionsIn,
  refuseUnknown,
  type Table,
  text,
} from '../base/fields.ts';
import { such } from '../base/schema.ts';
import { type GenerateOptions, generateFields } from '../generate/options.ts';
import { type Edit, editsField } from '../inspect/edit.ts';
import type { Store } from '../io/store.ts';
import { checkConfig, type GPTConfig } from '../model/config.ts';
import { loadFields as folderFields, type SaveOptions, saveFields, storeField } from '../model/folder.ts';
import { gptFields } from '../model/gpt-options.ts';
import type { IntegerFormat } from '../nn/parameters.ts';
import type { QuantizeOptions } from '../quantize/quantize.ts';
import type { TrainingRecord } from '../runs/checkpoint.ts';
import { type RunFolderOptions, runFolderFields } from '../runs/train-in-folder.ts';
import {
  sliceFields,
  Tokenizer,
  type TokenizerTraining,
  type TrainingEventOptions,
} from '../tokenizer/index.ts';
import { trainingEventFields, trainingFields } from '../tokenizer/options.ts';
import { isBytes } from '../tokenizer/utf8.ts';
import { type Split, splitFields } from '../train/data.ts';
import { type MilestoneProgress, type TrainOptions, trainFields } from '../train/run.ts';
import { settingFields } from '../train/setting-fields.ts';
/** The engine of a worker, as `useBackend` takes it. */
export interface WorkerOptions extends BackendOptions {
  /** Default `auto`. */
  backend?: string;
}

/** A model in a worker, and its tokenizer. What nobody refers to any more is disposed of. */
export interface WorkerModel {
  readonly config: GPTConfig;
  readonly parameterCount: number;
  /** The format of its integer weights; null: all are floats. */
  readonly quantised: IntegerFormat | null;
  readonly tokenizer: Tokenizer;
  /** Frees its memory in the worker. A second call does nothing. */
  dispose(): void;
}

/** A model with everything to continue its training, as read. */
export interface WorkerCheckpoint extends WorkerModel {
  readonly record: TrainingRecord;
  /** Number of optimizer steps done. */
  readonly step: number;
}

/** What can be ended from outside. */
export interface Abortable {
  signal?: AbortSignal;
}

/** Progress through a text: `done` of `total` bytes, while a tokenizer is trained or applied. */
export interface TextProgress {
  what: 'training' | 'encoding';
  done: number;
  total: number;
}

export interface TokenizeOptions extends Partial<Split>, Abortable {
  /** The tokenizer to use, or how to train one. */
  tokenizer: Tokenizer | Omit<TokenizerTraining, 'onMerge'>;
  onProgress?: (progress: TextProgress) => void;
}

/** Options as they can be sent: without what a page keeps for itself. */
export type PlainTrainOptions = Omit<
  TrainOptions,
  'model' | 'teachers' | 'tokenizer' | 'save' | 'saveNow' | 'resume' | 'signal' | 'onProgress'
>;
export type PlainFolderOptions = Pick<RunFolderOptions, 'dataset' | 'data' | 'settings' | 'probeTaps'>;
export interface PlainGenerateOptions extends Omit<GenerateOptions, 'tap' | 'signal'> {
  /** Changes to make at every position: what a `tap` does, which cannot be sent. See `steadyEdits`. */
  edits?: readonly Edit[];
}

export interface WorkerTrainOptions extends PlainTrainOptions, Abortable {
  model: WorkerModel;
  onProgress?: (progress: MilestoneProgress) => void;
}

export interface WorkerFolderOptions extends PlainFolderOptions, Abortable {
  /** The place of the run, which stays with the caller. */
  store: Store;
  model: WorkerModel;
  /** The checkpoint to resume from, which is `model` then. */
  from?: WorkerCheckpoint;
  /** As in `TrainOptions`: asked when the body of the loop has ended, and kept until a step has. */
  saveNow?: () => boolean;
  onProgress?: (progress: MilestoneProgress) => void;
}

export interface WorkerGenerateOptions extends PlainGenerateOptions, Abortable {}

/** Without what cannot be sent: `filter`, and tokens in a file. */
export interface WorkerQuantizeOptions extends Omit<QuantizeOptions, 'filter' | 'calibration'> {
  calibration?: Int32Array;
}

/** Options of `load` and `loadCheckpoint`. */
export interface WorkerLoadOptions {
  /** As in `LoadOptions`. */
  onNote?: (line: string) => void;
}

// ---- tables ----------------------------------------------------------------------------------------------

const workerFields: Table<WorkerOptions> = {
  backend: text({ about: 'the engine', hint: 'openWorker() takes the best one' }),
  ...engineFields,
};

const tokenizeFields: Table<TokenizeOptions> = {
  tokenizer: custom({
    about: 'the tokenizer to use, or how to train one, such as { vocabSize: 500 }',
    schema: such(
      (value): value is TokenizeOptions['tokenizer'] => isObject(value),
      'a Tokenizer, or an object that says how to train one',
    ),
    required: true,
  }),
  ...splitFields,
  onProgress: callback({ about: 'called about every 50 ms with the bytes or merges done so far and in all' }),
  signal: sliceFields.signal,
};

const loadFields: Table<WorkerLoadOptions> = { onNote: folderFields.onNote };

const textField = custom({
  about: 'the text, or its bytes',
  schema: such(
    (value): value is string | Uint8Array => typeof value === 'string' || isBytes(value),
    'a text or its bytes',
  ),
  required: true,
});

export const configField: Field<object> = custom({
  about: 'every choice that shapes the model',
  schema: such(isObject, 'an object'),
  hint: 'makeConfig makes one',
  required: true,
});

const tokenizerField = custom({
  about: 'the tokenizer of the model',
  schema: such(isTokenizer, 'a Tokenizer'),
  required: true,
});

/** Which worker's it is, client.ts finds out. */
export const modelField: Field<WorkerModel> = having<WorkerModel>('dispose', 'a model of a worker', {
  about: 'a model of this worker',
  hint: 'create, load, loadCheckpoint and quantize make one',
  required: true,
});

function isTokenizer(value: unknown): value is Tokenizer {
  return value instanceof Tokenizer;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// ---- checks: each throws one line ------------------------------------------------------------------------

export function checkOpen(options: WorkerOptions): void {
  checkOptions(workerFields, options, 'a worker');
}

export function checkTokenize(text: string | Uint8Array, options: TokenizeOptions): void {
  complete({ text: textField }, { text }, 'tokenize');
  complete(tokenizeFields, options, 'tokenize');
  const { onMerge: _, ...fields } = trainingFields;
  const { tokenizer } = options;
  if (!isTokenizer(tokenizer)) complete(fields, tokenizer, 'training a tokenizer in a worker');
}

export function checkTrainTokenizer(text: string | Uint8Array, options: TrainingEventOptions): void {
  complete({ text: textField }, { text }, 'trainTokenizer');
  complete(trainingEventFields, options, 'trainTokenizer');
}

export function checkCreate(config: GPTConfig, tokenizer: Tokenizer, options: { seed?: number }): void {
  complete({ config: configField, tokenizer: tokenizerField }, { config, tokenizer }, 'create');
  checkConfig(config);
  checkOptions({ seed: gptFields.seed }, options, 'create');
}

export function checkLoad(where: 'load' | 'loadCheckpoint', store: Store, options: WorkerLoadOptions): void {
  complete({ store: storeField }, { store }, where);
  checkOptions(loadFields, options, where);
}

export function checkSave(store: Store, model: WorkerModel, options: SaveOptions): void {
  complete({ store: storeField, model: modelField }, { store, model }, 'save');
  checkOptions(saveFields, options, 'save');
}

export function checkTrain(options: WorkerTrainOptions): void {
  const { tokenizer: _, save: __, resume: ___, saveNow: ____, teachers: _____, ...plain } = trainFields;
  const fields = { ...plain, model: modelField };
  refuseUnknown(optionsIn(options, 'train'), Object.keys(fields), 'setting');
  complete(fields, options, 'train');
}

export function checkTrainInFolder(options: WorkerFolderOptions): void {
  const { tokenizer: _, lock: __, teachers: ___, ...plain } = runFolderFields;
  const from = custom({ ...plain.from, schema: such(isObject, 'a checkpoint') });
  complete({ ...plain, model: modelField, from }, options, 'trainInFolder');
  refuseUnknown(options.settings, Object.keys(settingFields), 'setting');
}

export function checkGenerate(model: WorkerModel, options: WorkerGenerateOptions): void {
  const { tap: _, ...fields } = generateFields;
  complete({ model: modelField }, { model }, 'generate');
  checkOptions({ ...fields, edits: editsField }, options, 'generate');
}
