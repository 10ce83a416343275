// The page's side: the functions of the library, which run in a worker. Read next: options.ts, messages.ts,
// serve.ts.
import type { Precision } from '../backend/contract.ts';
import type { BackendReport } from '../backend/registry.ts';
import { settled, whenDropped } from '../base/dropped.ts';
import type { GenerateEvent } from '../generate/generate.ts';
import type { Lock, Store } from '../io/store.ts';
import type { GPTConfig } from '../model/config.ts';
import type { SaveOptions } from '../model/folder.ts';
import { partsOf, Tokenizer, type TokenizerEvent, type TrainingEventOptions } from '../tokenizer/index.ts';
import type { Dataset } from '../train/data.ts';
import type { TrainEvent } from '../train/events.ts';
import { receivedError, type SentError, sentError } from './errors.ts';
import { type FunctionName, functionNames, type ModelFunctions, plainCall } from './functions.ts';
import type {
  Channel,
  FromWorker,
  Job,
  Results,
  SentModel,
  SentStore,
  SentTokenizerEvent,
  StoreWish,
  StreamEvent,
  ToWorker,
} from './messages.ts';
import {
  type Abortable,
  checkCreate,
  checkGenerate,
  checkLoad,
  checkOpen,
  checkSave,
  checkTokenize,
  checkTrain,
  checkTrainInFolder,
  checkTrainTokenizer,
  type TokenizeOptions,
  type WorkerCheckpoint,
  type WorkerFolderOptions,
  type WorkerGenerateOptions,
  type WorkerLoadOptions,
  type WorkerModel,
  type WorkerOptions,
  type WorkerTrainOptions,
} from './options.ts';
import { buffersOf } from './remote-store.ts';

/**
 * The library in a worker, so that the thread of the page stays free. Each function does what the one of the
 * same name does, with the same events and errors. Stores stay in the page: the worker reads and writes
 * through it. When the worker fails as a whole, every call rejects with the reason.
 *
 * Calls with models are done one after the other. Those that arrive while a training runs are done between
 * two of its events, in the body of its loop as well as outside of it.
 */
export interface LibraryWorker extends ModelFunctions {
  /** The engine: `wasm (relaxed SIMD, 2 threads)`. */
  readonly description: string;
  readonly name: string;
  readonly precision: Precision;
  /** The engines before it that do not work here, each with the reason. */
  readonly passedOver: readonly BackendReport[];
  /** Trains a tokenizer on a text, or takes one, and splits the tokens: `dataset`. */
  tokenize(
    text: string | Uint8Array,
    options: TokenizeOptions,
  ): Promise<{ tokenizer: Tokenizer; data: Dataset }>;
  /**
   * Trains a tokenizer, as `Tokenizer.trainEvents`. Merges come in groups of about 16 ms of work, and at most
   * two groups are made ahead of the loop: while its body waits, the training goes no further than that.
   */
  trainTokenizer(
    text: string | Uint8Array,
    options: TrainingEventOptions,
  ): AsyncGenerator<TokenizerEvent, void>;
  /** `new GPT(config, { seed })` */
  create(config: GPTConfig, tokenizer: Tokenizer, options?: { seed?: number }): Promise<WorkerModel>;
  load(store: Store, options?: WorkerLoadOptions): Promise<WorkerModel>;
  loadCheckpoint(store: Store, options?: WorkerLoadOptions): Promise<WorkerCheckpoint>;
  save(store: Store, model: WorkerModel, options?: SaveOptions): Promise<void>;
  /** The training waits while the body of the loop runs. Leaving the loop ends it. */
  train(options: WorkerTrainOptions): AsyncGenerator<TrainEvent, void>;
  trainInFolder(options: WorkerFolderOptions): AsyncGenerator<TrainEvent, void>;
  /** Draws up to 32 tokens ahead of the loop. */
  generate(model: WorkerModel, options?: WorkerGenerateOptions): AsyncGenerator<GenerateEvent, void>;
  /** Ends the worker with everything in it. Calls that go on reject. */
  close(): void;
}

/** The function that opens a worker, on each platform. */
export type OpenWorker = (options?: WorkerOptions) => Promise<LibraryWorker>;

/**
 * Opens the library at the other end of the channel that `open` makes. Rejects, and ends it, where no engine
 * works there.
 */
export async function connect(
  open: () => Channel<ToWorker, FromWorker>,
  given: WorkerOptions = {},
): Promise<LibraryWorker> {
  checkOpen(given);
  const { backend = 'auto', ...options } = given;
  const calls = createCalls(open());
  const { call, stream, storeOf, refuseClosed } = calls;
  const numbers = new WeakMap<WorkerModel, number>();
  const find = (model: WorkerModel): number => {
    const number = numbers.get(model);
    if (number !== undefined) return number;
    throw new Error('this model is not in this worker: use one that this worker created or loaded');
  };
  /** Frees the model with this number. It must not know the model, which is dropped when nobody else does. */
  const freeing = (model: number) => (): void => void call({ type: 'dispose', model }).catch(() => undefined);
  const own = <Extra extends object>(
    { model: number, config, parameterCount, quantised }: SentModel,
    tokenizer: Tokenizer,
    extra: Extra,
  ): WorkerModel & Extra => {
    const free = freeing(number);
    const dispose = (): void => {
      settled(model);
      free();
    };
    const model = { config, parameterCount, quantised, tokenizer, ...extra, dispose };
    numbers.set(model, number);
    whenDropped(model, freeing(number));
    return model;
  };
  /** Models of streams that go on, which are not dropped even if the caller does not need them any more. */
  const busy = new Map<object, WorkerModel>();
  async function* using<E extends TrainEvent | GenerateEvent>(
    model: WorkerModel,
    events: AsyncGenerator<E, void>,
  ): AsyncGenerator<E, void> {
    busy.set(events, model);
    try {
      yield* events;
    } finally {
      busy.delete(events);
    }
  }

  const runFunction = async (name: FunctionName, given: readonly unknown[]): Promise<unknown> => {
    refuseClosed();
    const { models, args, options: all } = plainCall(name, given);
    const { signal, onProgress, ...options } = all as Listeners;
    const job = { type: name, models: models.map(find), args, options };
    const result = await call(job, { signal, onProgress });
    return 'made' in result ? own(result.made, models[0].tokenizer, {}) : result.value;
  };
  const functions = Object.fromEntries(
    functionNames.map((name) => [name, (...given: unknown[]) => runFunction(name, given)]),
  ) as unknown as ModelFunctions;

  const opened = await call({ type: 'open', backend, options }).catch((error) => {
    calls.close();
    throw error;
  });
  return {
    ...opened,
    ...functions,
    async tokenize(text, options) {
      refuseClosed();
      checkTokenize(text, options);
      const { tokenizer: given, trainFraction, validate, ...rest } = options;
      const known = given instanceof Tokenizer;
      const split = { trainFraction, validate };
      const training = known ? { vocabSize: given.vocabSize } : given;
      const parts = known ? { tokenizer: partsOf(given) } : {};
      const { tokenizer, data } = await call({ type: 'tokenize', text, training, split, ...parts }, rest);
      return { tokenizer: known ? given : new Tokenizer(tokenizer), data };
    },
    async *trainTokenizer(text, given) {
      refuseClosed();
      checkTrainTokenizer(text, given);
      const { signal, onProgress, ...options } = given;
      const job = { type: 'trainTokenizer', text, options } as const;
      for await (const event of stream<SentTokenizerEvent>(job, { signal, onProgress }))
        yield event.type === 'merge' ? event : { ...event, tokenizer: new Tokenizer(event.tokenizer) };
    },
    async create(config, tokenizer, options = {}) {
      refuseClosed();
      checkCreate(config, tokenizer, options);
      const { seed } = options;
      const job = { type: 'create', config, tokenizer: partsOf(tokenizer), seed } as const;
      return own(await call(job), tokenizer, {});
    },
    async load(store, listeners = {}) {
      refuseClosed();
      checkLoad('load', store, listeners);
      const sent = await call({ type: 'load', store: storeOf(store) }, listeners);
      return own(sent, new Tokenizer(sent.tokenizer), {});
    },
    async loadCheckpoint(store, listeners = {}) {
      refuseClosed();
      checkLoad('loadCheckpoint', store, listeners);
      const { record, step, ...sent } = await call(
        { type: 'loadCheckpoint', store: storeOf(store) },
        listeners,
      );
      return own(sent, new Tokenizer(sent.tokenizer), { record, step });
    },
    async save(store, model, options = {}) {
      refuseClosed();
      checkSave(store, model, options);
      await call({ type: 'save', model: find(model), store: storeOf(store), options });
    },
    async *train(given) {
      refuseClosed();
      checkTrain(given);
      const { model, signal, onProgress, ...options } = given;
      yield* using(model, stream({ type: 'train', model: find(model), options }, { signal, onProgress }));
    },
    async *trainInFolder(given) {
      refuseClosed();
      checkTrainInFolder(given);
      const { store, model, from, signal, saveNow, onProgress, ...options } = given;
      if (from && from !== model)
        throw new Error('from is another checkpoint than model: pass the checkpoint as both');
      const job = { model: find(model), store: storeOf(store), options, resumes: from !== undefined };
      yield* using(model, stream({ type: 'trainInFolder', ...job }, { signal, saveNow, onProgress }));
    },
    async *generate(model, given = {}) {
      refuseClosed();
      checkGenerate(model, given);
      const { signal, ...options } = given;
      yield* using(model, stream({ type: 'generate', model: find(model), options }, { signal }));
    },
    close: calls.close,
  };
}

/** Who listens to a call besides its caller. */
interface Listeners extends Abortable {
  saveNow?: () => boolean;
  onProgress?: (...progress: never[]) => void;
  onNote?: (line: string) => void;
}

/** A call that goes on. */
interface Pending {
  listeners: Listeners;
  events(events: StreamEvent[]): void;
  resolve(result: Results[keyof Results]): void;
  reject(error: unknown): void;
}

/** Calls over `channel`, and the stores that they use. */
function createCalls(channel: Channel<ToWorker, FromWorker>): {
  call<J extends Job>(job: J, listeners?: Listeners): Promise<Results[J['type']]>;
  stream<E extends StreamEvent>(job: Job, listeners: Listeners): AsyncGenerator<E, void>;
  storeOf(store: Store): SentStore;
  /** Throws when the worker has ended. */
  refuseClosed(): void;
  close(): void;
} {
  const pending = new Map<number, Pending>();
  const shelf = createShelf();
  let calls = 0;
  let broken: Error | null = null;
  const fail = (error: Error): void => {
    broken ??= error;
    channel.end();
    shelf.close();
    for (const { reject } of pending.values()) reject(broken);
    pending.clear();
  };

  const sendCall = (message: Extract<ToWorker, { type: 'call' }>): void => {
    try {
      channel.send(message);
    } catch (error) {
      // What browsers and Node say: `() => 1 could not be cloned.`
      const reason = (error as Error).message.replace(/\s+/g, ' ').replace(/\.$/, '');
      throw new Error(`${message.job.type} takes only data, which can be sent to a worker: ${reason}`);
    }
  };

  const begin = (job: Job, listeners: Listeners, events: Pending['events']) => {
    const number = calls++;
    const { signal } = listeners;
    const reason = (): SentError => sentError(signal?.reason);
    const abort = (): void => channel.send({ type: 'abort', call: number, reason: reason() });
    const result = new Promise<Results[keyof Results]>((resolve, reject) => {
      if (broken) return reject(broken);
      const aborted = signal?.aborted ? { aborted: reason() } : {};
      sendCall({ type: 'call', call: number, job, ...aborted });
      pending.set(number, { listeners, events, resolve, reject });
      channel.hold?.(true);
      signal?.addEventListener('abort', abort);
    });
    return { number, result: result.finally(() => signal?.removeEventListener('abort', abort)) };
  };

  channel.listen((message) => {
    if (message.type === 'ask') {
      void shelf.grant(message).then(
        ({ value }) => {
          const transfer = value instanceof Uint8Array ? buffersOf([value]) : []; // what was read is ours
          channel.send({ type: 'answer', ask: message.ask, value }, transfer);
        },
        (error) => channel.send({ type: 'refusal', ask: message.ask, error: sentError(error) }),
      );
      return;
    }
    const call = pending.get(message.call);
    if (!call) return;
    if (message.type === 'events') call.events(message.events);
    else if (message.type === 'progress') call.listeners.onProgress?.(...(message.progress as never[]));
    else if (message.type === 'note') call.listeners.onNote?.(message.line);
    else {
      pending.delete(message.call);
      if (pending.size === 0) channel.hold?.(false);
      if (message.type === 'result') call.resolve(message.result);
      else call.reject(message.aborted ? call.listeners.signal?.reason : receivedError(message.error));
    }
  }, fail);

  return {
    storeOf: shelf.add,
    refuseClosed() {
      if (broken) throw broken;
    },
    close: () => fail(new Error('this worker was closed: open a new one')),
    call: async <J extends Job>(job: J, listeners: Listeners = {}) =>
      (await begin(job, listeners, () => {}).result) as Results[J['type']],
    async *stream<E extends StreamEvent>(job: Job, listeners: Listeners) {
      const received: E[][] = [];
      let wake = (): void => {};
      let ended = false;
      const { number, result } = begin(job, listeners, (events) => {
        received.push(events as E[]);
        wake();
      });
      const end = result.finally(() => {
        ended = true;
        wake();
      });
      end.catch(() => undefined); // it is thrown below
      try {
        for (;;) {
          for (let events = received.shift(); events; events = received.shift()) {
            yield* events;
            if (ended) continue;
            const save = listeners.saveNow?.() === true ? { save: true as const } : {};
            channel.send({ type: 'next', call: number, ...save });
          }
          if (ended) break;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        await end;
      } finally {
        if (!ended) {
          channel.send({ type: 'leave', call: number });
          await end.catch(() => undefined);
        }
      }
    },
  };
}

/** The stores that a worker may use, by number, and the locks that it holds there. */
function createShelf(): {
  add(store: Store): SentStore;
  /** Does what the worker asks of a store. */
  grant(ask: Extract<FromWorker, { type: 'ask' }>): Promise<{ value: unknown }>;
  /** Releases all locks. */
  close(): void;
} {
  const stores: Store[] = [];
  const locks = new Map<number, Lock>();
  let held = 0;
  return {
    add(store) {
      const known = stores.indexOf(store);
      const number = known >= 0 ? known : stores.push(store) - 1;
      const { location, folders, lock } = store;
      return { store: number, location, lists: folders !== undefined, locks: lock !== undefined };
    },
    async grant({ store: number, path, wish }) {
      const store = path.reduce((above, name) => above.folder(name), stores[number]);
      if (wish.do === 'lock') {
        const lock = await store.lock?.(wish.what);
        if (lock) locks.set(++held, lock);
        return { value: held };
      }
      if (wish.do === 'release') {
        locks.get(wish.lock)?.release();
        locks.delete(wish.lock);
        return { value: undefined };
      }
      return { value: await fulfil(store, wish) };
    },
    close() {
      for (const lock of locks.values()) lock.release();
      locks.clear();
    },
  };
}

function fulfil(store: Store, wish: Exclude<StoreWish, { do: 'lock' | 'release' }>): Promise<unknown> {
  switch (wish.do) {
    case 'read':
      return store.read(wish.name, wish.atMost);
    case 'write':
      return store.write(wish.name, wish.bytes);
    case 'writeAll':
      return store.writeAll(wish.files);
    case 'list':
      return store.list();
    case 'folders':
      return store.folders?.() ?? Promise.resolve([]);
    default:
      return store[wish.do](wish.name);
  }
}
