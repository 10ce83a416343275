// The training that goes on, as the page sees it: its events so far, and how to pause, step and stop it.
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import {
  type DataRecord,
  type Dataset,
  type GPTConfig,
  type LibraryWorker,
  type Store,
  type Tokenizer,
  type TokenizerTraining,
  type TrainSettings,
  textRecord,
  type WorkerCheckpoint,
  type WorkerModel,
  writeRunRecord,
} from 'inkhorn';
import { engine, giveTurn, library, replaceWorker, setTraining, wake, workersBefore } from './engine.ts';
import { alone, changed, namesOn, persist } from './kept/files.ts';
import { reading } from './kept/runs.ts';
import { readText, readTextOf } from './kept/texts.ts';
import { dismiss } from './notices.ts';
import { type Watched, watch } from './watched.ts';

/** What the training is doing. */
export type Phase =
  | { phase: 'preparing'; what: string; done: number; total: number }
  | { phase: 'running' }
  | { phase: 'paused' }
  | { phase: 'stopping' }
  | { phase: 'ended'; reason: string };

/** A training of this page. */
export interface Training extends Watched {
  readonly model: WorkerModel;
  /** The worker that has the model: see `workersBefore`. */
  readonly worker: number;
}

/** How a new run begins. */
export interface Start {
  name: string;
  text: string;
  settings: TrainSettings;
  model: NewModel | OldModel;
}

/** A model and a tokenizer that are made for the run. */
interface NewModel {
  tokenizer: TokenizerTraining;
  /** The config, once the text is known in its tokens. */
  configOf(data: Dataset): GPTConfig;
}

/** A trained model with its tokenizer. */
interface OldModel {
  /** Its name in the address, which the run keeps. */
  base: string;
  /** Loads a model for this run alone. */
  load(): Promise<WorkerModel>;
}

const current = signal<Training | null>(null);
const doing = signal<Phase>({ phase: 'ended', reason: '' });
const within = signal<{ what: string; done: number; total: number } | null>(null);

export const training: ReadonlySignal<Training | null> = current;
export const phase: ReadonlySignal<Phase> = doing;
/** How far an evaluation or a sample is. */
export const milestone: ReadonlySignal<{ what: string; done: number; total: number } | null> = within;

/** Whether a training holds the engine. */
export function isBusy(): boolean {
  return doing.value.phase !== 'ended';
}

let stopper = new AbortController();
/** Whether to pause after the next step. */
let holding = false;

/** Pauses after the step that is made, where the run is saved at once: who pauses may go. */
export function pause(): void {
  holding = true;
  keep();
}

export function resume(): void {
  holding = false;
  if (doing.value.phase === 'paused') doing.value = { phase: 'running' };
  wake();
}

/** Does one more step, and pauses again. */
export function stepOnce(): void {
  holding = true;
  if (doing.value.phase === 'paused') doing.value = { phase: 'running' };
  wake();
}

/** Milliseconds of a pause after which single steps are saved: who makes many of them waits for none. */
const REST_MS = 400;
/** The most milliseconds of training between two checkpoints. */
const UNSAVED_MS = 60_000;
/** Whether the run is to be saved where it stands. */
let wanted = false;
let savedAt = 0;

/** Saves the run after the step that is made, or at once in a pause. It goes on as it did. */
export function keep(): void {
  wanted = true;
  wake();
}

/** Ends the training after a checkpoint, from which it can go on. */
export function stop(): void {
  stopper.abort(new DOMException('stopped', 'AbortError'));
  if (isBusy()) doing.value = { phase: 'stopping' };
  wake();
}

/** Trains a new run to its end, or until it is stopped. */
export async function begin({ name, text, settings, model: given }: Start): Promise<void> {
  await guarded(name, async (worker, store) => {
    if ((await namesOn('runs')).includes(name))
      throw new Error(`another tab has made a run called ${name} just now: start again`);
    await reading(text, name, async () => {
      const bytes = await readText(text);
      const { model, dataset } = await modelAndTokens(worker, bytes, given, settings);
      const record = await textRecord(bytes, { name: text });
      const base = 'base' in given ? given.base : undefined;
      await follow(worker, { store, name, config: model.config, settings, model, base, record, dataset });
    });
  });
}

/** The model of a new run, and the text in its tokens. */
async function modelAndTokens(
  worker: LibraryWorker,
  bytes: Uint8Array,
  given: Start['model'],
  { seed }: TrainSettings,
): Promise<Pick<Follow, 'model' | 'dataset'>> {
  const encode = (tokenizer: TokenizerTraining | Tokenizer) =>
    worker.tokenize(bytes, {
      tokenizer,
      signal: stopper.signal,
      onProgress: ({ what, done, total }) => {
        const line = what === 'training' ? 'The tokenizer learns' : 'The text is encoded';
        doing.value = { phase: 'preparing', what: line, done, total };
      },
    });
  if ('load' in given) {
    const model = await given.load();
    return { model, dataset: (await encode(model.tokenizer)).data };
  }
  const { tokenizer, data } = await encode(given.tokenizer);
  const config = given.configOf(data);
  return { model: await worker.create(config, tokenizer, { seed }), dataset: data };
}

/** Goes on with the run `name` from its last checkpoint, to `steps` if that is given. */
export async function goOn(name: string, steps?: number): Promise<void> {
  await guarded(name, async (worker, store) => {
    const from = await worker.loadCheckpoint(store.folder('last'));
    const { data: record } = from.record;
    const settings = { ...from.record.settings, ...(steps === undefined ? {} : { steps }) };
    const bytes = await readTextOf(record);
    const { data } = await worker.tokenize(bytes, {
      tokenizer: from.tokenizer,
      trainFraction: record.trainFraction,
      validate: record.validate,
      signal: stopper.signal,
    });
    const model = from;
    await follow(worker, { store, name, config: from.config, settings, model, from, record, dataset: data });
  });
}

/** Works on the run `name` with the engine, which starts only once nobody else has the run. */
async function guarded(
  name: string,
  work: (worker: LibraryWorker, store: Store) => Promise<void>,
): Promise<void> {
  if (isBusy()) throw new Error('a training goes on: stop it first');
  stopper = new AbortController();
  holding = false;
  dismiss(); // what an earlier run ended with
  doing.value = { phase: 'preparing', what: 'The run is opened', done: 0, total: 1 };
  let reason = '';
  try {
    await namesOn('runs'); // rejects at once where a page may store nothing
    await alone(name, async (store) => {
      doing.value = { phase: 'preparing', what: 'The engine starts', done: 0, total: 1 };
      await work(await library(), store);
    });
    reason = lastReason();
  } catch (error) {
    reason = stopper.signal.aborted ? 'stopped' : 'failed';
    if (reason === 'failed' && engine.value.state === 'ready' && engine.value.name === 'webgpu')
      replaceWorker();
    if (reason === 'failed') throw error;
  } finally {
    batch(() => {
      doing.value = { phase: 'ended', reason };
      within.value = null;
    });
    setTraining(false);
    changed('runs');
  }
}

function lastReason(): string {
  const last = current.value?.events.at(-1);
  return last?.type === 'done' ? last.reason : '';
}

interface Follow {
  store: Store;
  name: string;
  config: GPTConfig;
  settings: TrainSettings;
  model: WorkerModel;
  /** The name of the trained model that a new run begins with. */
  base?: string;
  from?: WorkerCheckpoint;
  record: DataRecord;
  dataset: Parameters<LibraryWorker['trainInFolder']>[0]['dataset'];
}

async function follow(worker: LibraryWorker, given: Follow): Promise<void> {
  const { store, name, config, settings, model, from, record, dataset } = given;
  const { run, add } = watch({ name, config, settings }, from?.record.history ?? []);
  batch(() => {
    current.value = { ...run, model, worker: workersBefore() };
    doing.value = { phase: 'running' };
  });
  void persist();
  setTraining(true);
  const events = worker.trainInFolder({
    ...{ store, model, from, dataset, data: record, settings },
    signal: stopper.signal,
    saveNow: () => wanted || performance.now() - savedAt > UNSAVED_MS,
    onProgress: ({ what, done, total }) => {
      within.value = { what, done, total };
    },
  });
  let recorded = from !== undefined;
  savedAt = performance.now();
  wanted = false;
  for await (const event of events) {
    batch(() => {
      add([event]);
      if (event.type !== 'step') within.value = null;
    });
    if (event.type === 'checkpoint') {
      if (event.kind === 'last') {
        savedAt = performance.now();
        wanted = false;
      }
      if (!recorded) await recordRun(worker, given);
      recorded = true;
      changed('runs');
    }
    if (event.type === 'step' && holding && !stopper.signal.aborted) doing.value = { phase: 'paused' };
    await rest(event.type !== 'checkpoint');
  }
}

/**
 * Waits while the training is paused. One that is not saved goes on to its checkpoint after a while, and
 * waits there.
 */
async function rest(unsaved: boolean): Promise<void> {
  const timer = unsaved && doing.value.phase === 'paused' ? setTimeout(keep, REST_MS) : undefined;
  await giveTurn(() => doing.value.phase !== 'paused' || (unsaved && wanted));
  clearTimeout(timer);
}

/** Keeps, beside the first checkpoint, what is neither in the settings of a run nor in its events. */
function recordRun(
  { precision }: LibraryWorker,
  { store, name, base, record, dataset }: Follow,
): Promise<void> {
  return writeRunRecord(store, {
    title: `${name} on ${record.name}`,
    precision,
    trainTokens: dataset.train.length,
    valTokens: dataset.val.length,
    start: base,
    reported: null,
  });
}
