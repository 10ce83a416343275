// What a page and its worker say to each other: every message is of one of two unions. A call of the page has
// a number, and ends with a result or a failure. Meanwhile the worker may ask for the page's stores.
import type { BackendOptions, Precision } from '../backend/contract.ts';
import type { BackendReport } from '../backend/registry.ts';
import type { GenerateEvent } from '../generate/generate.ts';
import type { GPTConfig } from '../model/config.ts';
import type { SaveOptions } from '../model/folder.ts';
import type { IntegerFormat } from '../nn/parameters.ts';
import type { TrainingRecord } from '../runs/checkpoint.ts';
import type { MergeEvent, TokenizerParts, TokenizerTraining } from '../tokenizer/index.ts';
import type { Dataset, Split } from '../train/data.ts';
import type { TrainEvent } from '../train/events.ts';
import type { SentError } from './errors.ts';
import type { FunctionName } from './functions.ts';
import type { PlainFolderOptions, PlainGenerateOptions, PlainTrainOptions } from './options.ts';

/** A message to the worker. */
export type ToWorker =
  /** `aborted`: the reason, if the page's signal is aborted already. */
  | { type: 'call'; call: number; job: Job; aborted?: SentError }
  /** The page has used up the events of a message: the worker may go on, and saves first if asked to. */
  | { type: 'next'; call: number; save?: true }
  /** The page has left the loop. */
  | { type: 'leave'; call: number }
  | { type: 'abort'; call: number; reason: SentError }
  | { type: 'answer'; ask: number; value: unknown }
  | { type: 'refusal'; ask: number; error: SentError };

/** A message from the worker. */
export type FromWorker =
  | { type: 'events'; call: number; events: StreamEvent[] }
  /** `progress`: the arguments of the listener. */
  | { type: 'progress'; call: number; progress: readonly unknown[] }
  | { type: 'note'; call: number; line: string }
  | { type: 'result'; call: number; result: Results[keyof Results] }
  /** `aborted`: with the reason that the page's signal has. */
  | { type: 'failure'; call: number; error: SentError; aborted: boolean }
  | { type: 'ask'; ask: number; store: number; path: readonly string[]; wish: StoreWish };

/** An event of a stream. */
export type StreamEvent = TrainEvent | GenerateEvent | SentTokenizerEvent;

export type SentTokenizerEvent = MergeEvent | { type: 'done'; tokenizer: TokenizerParts };

/** What a worker is asked to do. */
export type Job =
  | { type: 'open'; backend: string; options: BackendOptions }
  | {
      type: 'tokenize';
      text: string | Uint8Array;
      /** Absent: one is trained. */
      tokenizer?: TokenizerParts;
      training: TokenizerTraining;
      split: Partial<Split>;
    }
  | { type: 'trainTokenizer'; text: string | Uint8Array; options: Omit<TokenizerTraining, 'onMerge'> }
  | { type: 'create'; config: GPTConfig; tokenizer: TokenizerParts; seed?: number }
  | { type: 'load'; store: SentStore }
  | { type: 'loadCheckpoint'; store: SentStore }
  | { type: 'save'; model: number; store: SentStore; options: SaveOptions }
  | { type: 'dispose'; model: number }
  | { type: 'train'; model: number; options: PlainTrainOptions }
  | {
      type: 'trainInFolder';
      model: number;
      store: SentStore;
      options: PlainFolderOptions;
      /** Whether it goes on from the checkpoint that `model` was loaded with. */
      resumes: boolean;
    }
  | { type: 'generate'; model: number; options: PlainGenerateOptions }
  | FunctionJob;

/** A function of functions.ts to run: with these models, then `args`, then `options`. */
export interface FunctionJob {
  type: FunctionName;
  models: number[];
  args: unknown[];
  options: object;
}

/** What each job results in. */
export interface Results extends Record<FunctionName, { value: unknown } | { made: SentModel }> {
  open: { name: string; description: string; precision: Precision; passedOver: BackendReport[] };
  tokenize: { tokenizer: TokenizerParts; data: Dataset };
  trainTokenizer: undefined;
  create: SentModel;
  load: SentFolder;
  loadCheckpoint: SentFolder & { record: TrainingRecord; step: number };
  save: undefined;
  dispose: undefined;
  train: undefined;
  trainInFolder: undefined;
  generate: undefined;
}

/** A model, which stays in the worker. */
export interface SentModel {
  model: number;
  config: GPTConfig;
  parameterCount: number;
  quantised: IntegerFormat | null;
}

export interface SentFolder extends SentModel {
  tokenizer: TokenizerParts;
}

/** A store, which stays in the page. */
export interface SentStore {
  store: number;
  location: string;
  /** Whether it has the functions that a store need not have. */
  lists: boolean;
  locks: boolean;
}

/** A call of a store's function. */
export type StoreWish =
  | { do: 'read'; name: string; atMost?: number }
  | { do: 'exists' | 'remove'; name: string }
  | { do: 'list' | 'folders' }
  | { do: 'write'; name: string; bytes: Uint8Array }
  | { do: 'writeAll'; files: ReadonlyMap<string, Uint8Array | null> }
  | { do: 'lock'; what: string }
  | { do: 'release'; lock: number };

/** One end of the connection, which sends `Out` and receives `In`. */
export interface Channel<Out, In> {
  /** The buffers in `transfer` are handed over and not copied. */
  send(message: Out, transfer?: readonly ArrayBuffer[]): void;
  /** `failed` is called when the other end is gone. */
  listen(receive: (message: In) => void, failed: (error: Error) => void): void;
  /** Whether the other end keeps the process alive. At first it does not. Pages need not know. */
  hold?(on: boolean): void;
  end(): void;
}
