// The worker's side: does what the page asks for, with an engine and models of its own. Read next:
// remote-store.ts.
import type { Backend } from '../backend/contract.ts';
import type { Engines } from '../backend/registry.ts';
import { generate } from '../generate/generate.ts';
import { steadyEdits } from '../inspect/edit.ts';
import { loadModel, type ModelFolder, saveModel } from '../model/folder.ts';
import { GPT } from '../model/gpt.ts';
import { quantisedAs } from '../nn/parameters.ts';
import { type Checkpoint, loadCheckpoint } from '../runs/checkpoint.ts';
import { trainInFolder } from '../runs/train-in-folder.ts';
import { partsOf, Tokenizer } from '../tokenizer/index.ts';
import { datasetAsync } from '../train/data.ts';
import { train } from '../train/train.ts';
import { receivedError, type SentError, sentError } from './errors.ts';
import { type FunctionName, isFunction, rowOf } from './functions.ts';
import * as library from './library.ts';
import type {
  Channel,
  FromWorker,
  FunctionJob,
  Job,
  Results,
  SentFolder,
  SentModel,
  SentStore,
  SentTokenizerEvent,
  StreamEvent,
  ToWorker,
} from './messages.ts';
import { arraysIn, buffersOf, remoteStore } from './remote-store.ts';

const functions: Pick<typeof library, FunctionName> = library;

type Events = AsyncGenerator<StreamEvent, void>;

/** A call that goes on. */
interface Call {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** How many more messages with events may be sent before the page has used up earlier ones. */
  credit: number;
  left: boolean;
  /** Whether the page wants a training saved where it stands. */
  save: boolean;
  /** Wakes the call when one of these has changed. */
  wake(): void;
  progress(...progress: readonly unknown[]): void;
  note(line: string): void;
}

/**
 * How far a stream may be ahead of the page: messages, each with the events of so many milliseconds, or with
 * one. A training waits for the body of the page's loop, as it does without a worker: so the model is what
 * the last event says. Drawing tokens changes nothing; nobody sees a tokenizer before its last merge.
 */
const AHEAD = {
  train: { messages: 1, milliseconds: 0 },
  trainInFolder: { messages: 1, milliseconds: 0 },
  generate: { messages: 32, milliseconds: 0 },
  trainTokenizer: { messages: 2, milliseconds: 16 },
} as const;

/** Answers to `channel` until it ends. `createBackend` makes the engine. */
export function serve(channel: Channel<FromWorker, ToWorker>, createBackend: Engines['createBackend']): void {
  const calls = new Map<number, Call>();
  const asked = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let asks = 0;
  const storeOf = (sent: SentStore) =>
    remoteStore(
      sent,
      (path, wish, transfer) =>
        new Promise((resolve, reject) => {
          const ask = asks++;
          asked.set(ask, { resolve, reject });
          channel.send({ type: 'ask', ask, store: sent.store, path, wish }, transfer);
        }),
    );
  const jobs = jobsOf(createBackend, storeOf);
  const inTurn = createOrder();

  const run = async (number: number, job: Job, aborted?: SentError): Promise<void> => {
    const call = newCall(number, channel);
    if (aborted) call.abort(receivedError(aborted));
    calls.set(number, call);
    try {
      const usesModel = 'model' in job || ('models' in job && job.models.length > 0);
      const turn: InTurn = usesModel ? inTurn : (work) => work();
      const result = await turn(() => jobs(job, call));
      const value = isStream(result) ? undefined : result;
      if (isStream(result)) {
        const { messages, milliseconds } = AHEAD[job.type as keyof typeof AHEAD];
        call.credit = messages;
        const send = (events: StreamEvent[]) => channel.send({ type: 'events', call: number, events });
        await pass(result, call, { turn, milliseconds, send });
      }
      channel.send({ type: 'result', call: number, result: value }, buffersOf(arraysIn(value)));
    } catch (error) {
      const aborted = call.signal.aborted && error === call.signal.reason;
      channel.send({ type: 'failure', call: number, error: sentError(error), aborted });
    } finally {
      calls.delete(number);
    }
  };

  channel.listen(
    (message) => {
      if (message.type === 'call') void run(message.call, message.job, message.aborted);
      else if (message.type === 'answer' || message.type === 'refusal') {
        const { resolve, reject } = asked.get(message.ask) ?? {};
        asked.delete(message.ask);
        if (message.type === 'answer') resolve?.(message.value);
        else reject?.(receivedError(message.error));
      } else {
        const call = calls.get(message.call);
        if (!call) return; // it has just ended
        if (message.type === 'next') {
          call.credit++;
          call.save ||= message.save === true;
        } else if (message.type === 'leave') call.left = true;
        else call.abort(receivedError(message.reason));
        call.wake();
      }
    },
    () => channel.end(),
  );
}

function newCall(number: number, channel: Channel<FromWorker, ToWorker>): Call {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    credit: 0,
    left: false,
    save: false,
    wake: () => {},
    progress: (...progress) => channel.send({ type: 'progress', call: number, progress }),
    note: (line) => channel.send({ type: 'note', call: number, line }),
  };
}

/** Runs `work` when all earlier work is done. */
type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Work with models is done one piece after the other, in the order in which it was asked for. A piece of a
 * stream is one event: between two events of a training, the model is as a page has it in the body of its
 * loop, where calls may look into it, and change it.
 */
function createOrder(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}

/** Sends the events of a stream, as fast as the page takes them, until they end or the page leaves. */
async function pass(
  events: Events,
  call: Call,
  { turn, milliseconds, send }: { turn: InTurn; milliseconds: number; send(events: StreamEvent[]): void },
): Promise<void> {
  for (let ended = false; !ended; ) {
    const made: StreamEvent[] = [];
    const begun = performance.now();
    try {
      do {
        const step = await turn(() => events.next());
        ended = step.done === true;
        if (!step.done) made.push(step.value);
      } while (!ended && performance.now() - begun < milliseconds);
    } finally {
      if (made.length > 0) send(made); // also where the next event is an error
    }
    call.credit--;
    while (call.credit <= 0 && !call.left && !ended)
      await new Promise<void>((resolve) => {
        call.wake = resolve;
      });
    if (!call.left) continue;
    await turn(() => events.return());
    return;
  }
}

type Result = Results[keyof Results] | Events;

function isFunctionJob(job: Job): job is FunctionJob {
  return isFunction(job.type);
}

function isStream(result: Result): result is Events {
  return typeof result === 'object' && Symbol.asyncIterator in result;
}

/** What a worker can do. It has an engine from the job `open` on. */
function jobsOf(
  createBackend: Engines['createBackend'],
  storeOf: (sent: SentStore) => ReturnType<typeof remoteStore>,
): (job: Job, call: Call) => Promise<Result> {
  let backend: Backend | undefined;
  const models = new Map<number, ModelFolder & Partial<Checkpoint>>();
  let made = 0;
  const keep = (folder: ModelFolder): SentModel => {
    const model = made++;
    models.set(model, folder);
    const { config, parameterCount } = folder.model;
    return { model, config, parameterCount, quantised: quantisedAs(folder.model) };
  };
  const keepFolder = (folder: ModelFolder): SentFolder => ({
    ...keep(folder),
    tokenizer: partsOf(folder.tokenizer),
  });
  const find = (number: number): ModelFolder & Partial<Checkpoint> => {
    const found = models.get(number);
    if (found) return found;
    throw new Error('this model was disposed of: create or load it again');
  };

  const runFunction = async (
    { type, models, args, options }: FunctionJob,
    { signal, progress: onProgress }: Call,
  ): Promise<Results[FunctionName]> => {
    const { takes, options: table } = rowOf(type);
    const folders = models.map(find);
    const first = folders.map((folder) => (takes === 'folder' ? folder : folder.model));
    const heard = { ...options, ...(table?.signal && { signal }), ...(table?.onProgress && { onProgress }) };
    const run = functions[type] as (...args: unknown[]) => Promise<unknown>;
    const value = await run(...first, ...args, ...(table ? [heard] : []));
    if (!(value instanceof GPT)) return { value };
    return { made: keep({ model: value, tokenizer: folders[0].tokenizer }) };
  };

  return async (job, call) => {
    if (isFunctionJob(job)) return runFunction(job, call);
    const { signal, progress: onProgress, note: onNote } = call;
    switch (job.type) {
      case 'open': {
        const chosen = await createBackend(job.backend, job.options);
        backend = chosen.backend;
        const { name, description, precision } = backend;
        return { name, description, precision, passedOver: chosen.passedOver };
      }
      case 'tokenize':
        return tokenize(job, call);
      case 'trainTokenizer':
        return trainTokenizer(job, call);
      case 'create': {
        const tokenizer = new Tokenizer(job.tokenizer);
        return keep({ model: new GPT(job.config, { seed: job.seed, backend }), tokenizer });
      }
      case 'load':
        return keepFolder(await loadModel(storeOf(job.store), { backend, onNote }));
      case 'loadCheckpoint': {
        const checkpoint = await loadCheckpoint(storeOf(job.store), { backend, onNote });
        const { model, tokenizer, resume, ...record } = checkpoint;
        return { ...keepFolder(checkpoint), record, step: resume.step };
      }
      case 'save': {
        await saveModel(storeOf(job.store), find(job.model), job.options);
        return undefined;
      }
      case 'dispose': {
        models.get(job.model)?.model.dispose();
        models.delete(job.model);
        return undefined;
      }
      case 'train': {
        const { model, tokenizer } = find(job.model);
        return train({ ...job.options, model, tokenizer, signal, onProgress });
      }
      case 'trainInFolder': {
        const { model, tokenizer, ...rest } = find(job.model);
        const from = job.resumes ? ({ model, tokenizer, ...rest } as Checkpoint) : undefined;
        const store = storeOf(job.store);
        const saveNow = (): boolean => {
          const { save } = call;
          call.save = false;
          return save;
        };
        return trainInFolder({ ...job.options, store, model, tokenizer, from, signal, saveNow, onProgress });
      }
      case 'generate': {
        const { model, tokenizer } = find(job.model);
        const { edits, ...options } = job.options;
        const tap = edits && steadyEdits(edits, model.config);
        return generate(model, tokenizer, { ...options, tap, signal });
      }
    }
  };
}

async function tokenize(
  { text, tokenizer: given, training, split }: Extract<Job, { type: 'tokenize' }>,
  { signal, progress }: Call,
): Promise<Results['tokenize']> {
  const shown = (what: 'training' | 'encoding') => (done: number, total: number) =>
    progress({ what, done, total });
  const tokenizer = given
    ? new Tokenizer(given)
    : await Tokenizer.trainAsync(text, { ...training, signal, onProgress: shown('training') });
  const data = await datasetAsync(text, tokenizer, { ...split, signal, onProgress: shown('encoding') });
  return { tokenizer: partsOf(tokenizer), data };
}

async function* trainTokenizer(
  { text, options }: Extract<Job, { type: 'trainTokenizer' }>,
  { signal, progress: onProgress }: Call,
): AsyncGenerator<SentTokenizerEvent, void> {
  for await (const event of Tokenizer.trainEvents(text, { ...options, signal, onProgress }))
    yield event.type === 'merge' ? event : { type: 'done', tokenizer: partsOf(event.tokenizer) };
}
