// The page's script: what the tests call there, by `run`.
import {
  type BackendOptions,
  createBackend,
  type LibraryWorker,
  makeConfig,
  makeSettings,
  memoryStore,
  openWorker,
  presets,
  recipes,
  runModel,
  type Store,
  type TrainEvent,
  textRecord,
  train as trainPlain,
  urlStore,
  useBackend,
} from '../../src/platform/browser.ts';
import { archiveOf, download, droppedStore, opfsStore } from '../../src/platform/browser-files.ts';
import { saveLook } from '../../src/report/index.ts';
import {
  type Losses,
  lesson,
  lessonText,
  losses,
  type Reports,
  reports,
  speech,
  type Tour,
  tour,
} from './tasks.ts';

declare const PerformanceObserver: new (
  listen: (list: { getEntries(): { duration: number }[] }) => void,
) => { observe(options: { type: string }): void; disconnect(): void };
declare const DOMParser: new () => {
  parseFromString(text: string, type: string): { querySelector(selector: string): object | null };
};
declare const location: { href: string };
declare const document: {
  createElementNS(namespace: string, name: string): unknown;
  querySelector(selector: string): { files: FilesOfInput };
  ondragover: (event: { preventDefault(): void }) => void;
  ondrop: (event: { preventDefault(): void; dataTransfer: FilesOfInput }) => void;
};
type FilesOfInput = Parameters<typeof droppedStore>[0];
declare const Worker: new (
  url: URL,
  options: { type: 'module' },
) => {
  onmessage: ((event: { data: Losses }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  terminate(): void;
};

/** What `useBackend('auto')` chooses, and one line for each engine before it. */
async function chosen(): Promise<{ description: string; passedOver: string[] }> {
  const { backend, passedOver } = await useBackend('auto');
  backend.dispose();
  return {
    description: backend.description,
    passedOver: passedOver.map(({ name, detail }) => `${name}: ${detail}`),
  };
}

/** The reason why the engine of this name cannot be made with these options. */
async function refusal(name: string, options: BackendOptions = {}): Promise<string> {
  return createBackend(name, options).then(
    ({ backend }) => `it works: ${backend.description}`,
    (error: Error) => error.message,
  );
}

/** The reason why no worker can be opened. */
function workerRefusal(): Promise<string> {
  return openWorker().then(
    ({ description }) => `it works: ${description}`,
    (error: Error) => error.message,
  );
}

/** Why the page's own file system cannot be used: to read, to write, to lock, and to describe a text. */
function storageRefusals(): Promise<string[]> {
  const store = opfsStore('runs/first');
  const attempts = [
    () => store.read('a'),
    () => store.write('a', new Uint8Array(1)),
    async () => store.lock?.('a test'),
    () => textRecord('', { name: 'a' }),
  ];
  return Promise.all(
    attempts.map((attempt) =>
      attempt().then(
        () => 'done',
        (error: Error) => error.message,
      ),
    ),
  );
}

/** A training with more memory than there is: the reason of its end, and the same training in less. */
async function learnTooMuch(): Promise<{ reason: string; after: string }> {
  const { backend } = await createBackend('wasm');
  const { model, data } = lesson(backend);
  const train = async (batchSize: number): Promise<string> => {
    try {
      for await (const _ of trainPlain({
        model,
        data,
        steps: 1,
        batchSize,
        microBatch: batchSize,
        evalEvery: 0,
        sampleEvery: 0,
      }));
      return 'done';
    } catch (error) {
      return (error as Error).message;
    }
  };
  return { reason: await train(1024), after: await train(8) };
}

async function say(name: string): Promise<number[]> {
  const { backend } = await createBackend(name);
  return speech(backend, urlStore('models/shakespeare')).finally(backend.dispose);
}

async function learn(name: string): Promise<Losses> {
  const { backend } = await createBackend(name);
  return losses(lesson(backend)).finally(backend.dispose);
}

/** The same in a worker of the page: there the engine may sleep, and has workers of its own. */
async function learnInWorker(): Promise<Losses> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const answer = new Promise<Losses>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || 'the worker does not start'));
  });
  return answer.finally(() => worker.terminate());
}

/** How long the page's thread was kept from answering, in ms. */
interface Pauses {
  /** The longest of its tasks, as far as they are longer than 50 ms, which is when a browser reports them. */
  longestTask: number;
  /** The longest wait of a timer, in which the whole machine is counted. */
  longestGap: number;
}

/** Does `work`, and measures the page's thread meanwhile. */
async function watched<T>(work: () => Promise<T>): Promise<Pauses & { result: T }> {
  let [longestTask, longestGap, last, working] = [0, 0, performance.now(), true];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestTask = Math.max(longestTask, duration);
  });
  observer.observe({ type: 'longtask' });
  const turn = (): void => {
    longestGap = Math.max(longestGap, performance.now() - last);
    last = performance.now();
    if (working) setTimeout(turn, 4);
  };
  turn();
  const result = await work();
  working = false;
  await new Promise<void>((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  return { longestTask, longestGap, result };
}

/** A training of 60 steps on the page itself. */
async function pauses(): Promise<Pauses & { result: number }> {
  const { backend } = await createBackend('wasm');
  const prepared = lesson(backend);
  await backend.sync();
  const found = await watched(async () => (await losses(prepared, 60)).steps.length);
  backend.dispose();
  return found;
}

/**
 * Everything that a page does for a model, in a worker: tokens, a few steps of the preset `seed` with
 * evaluation, probe and checkpoints in the page's own file system, a download's worth of reading, text.
 */
async function pausesWithWorker(): Promise<Pauses & { result: string[] }> {
  return watched(async () => {
    const worker = await openWorker({ backend: 'wasm' });
    const text = lessonText(60_000);
    const { tokenizer, data } = await worker.tokenize(text, { tokenizer: { vocabSize: 500, atMost: true } });
    const config = makeConfig(presets.seed, tokenizer.vocabSize);
    const model = await worker.create(config, tokenizer);
    const done = [worker.description];
    const evals = { evalMethod: 'sampled', evalEvery: 2, evalBatches: 1 } as const;
    const run = {
      store: opfsStore('runs/seed'),
      dataset: data,
      data: await textRecord(text, { name: 'lesson' }),
      settings: {
        ...recipes.seed,
        steps: 2,
        batchSize: 4,
        ...evals,
        probeEvery: 2,
        sampleEvery: 2,
        sampleTokens: 8,
      },
    };
    for await (const { type, step } of worker.trainInFolder({ model, ...run })) done.push(`${type} ${step}`);
    const loaded = await worker.load(opfsStore('runs/seed').folder('best'));
    for await (const { type } of worker.generate(loaded, { maxTokens: 8 }))
      if (type === 'finish') done.push('text');
    worker.close();
    return done;
  });
}

/** The worker and the steps of `trainHere`, for tests that watch it. */
const here: { worker?: LibraryWorker; steps: number[] } = { steps: [] };
Object.assign(globalThis, { here });

/**
 * Trains a small model in a worker, in the page's own file system, or goes on with the run that is there. To
 * its end; resolves to the checksums of what it wrote, and to the events.
 */
async function trainHere(path: string, steps: number): Promise<{ sums: string[]; events: TrainEvent[] }> {
  const worker = await openWorker({ backend: 'wasm' });
  here.worker = worker;
  const text = lessonText(3000);
  const { tokenizer, data } = await worker.tokenize(text, { tokenizer: { vocabSize: 280 } });
  const store = opfsStore(path);
  const last = store.folder('last');
  const from = (await last.exists('training.json')) ? await worker.loadCheckpoint(last) : undefined;
  const sizes = { blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 64, dropout: 0.1 };
  const config = makeConfig(presets.tiny, tokenizer.vocabSize, sizes);
  const model = from ?? (await worker.create(config, tokenizer, { seed: 1337 }));
  const changes = { steps, batchSize: 8, evalEvery: 10, checkpointEvery: 3, probeEvery: 7, sampleEvery: 0 };
  const settings = from?.record.settings ?? { ...recipes.tiny, ...changes };
  const record = await textRecord(text, { name: 'lesson' });
  const events: TrainEvent[] = [];
  for await (const event of worker.trainInFolder({
    store,
    model,
    from,
    dataset: data,
    data: record,
    settings,
  })) {
    events.push(event);
    if (event.type === 'step') here.steps.push(event.step);
  }
  const files = ['best/model.safetensors', 'last/model.safetensors', 'last/training.safetensors'];
  const sums = files.map(async (file) => {
    const [folder, name] = file.split('/');
    return (await textRecord(await store.folder(folder).read(name), { name })).sha256;
  });
  worker.close();
  return { sums: await Promise.all(sums), events };
}

async function look(backend: string): Promise<Tour> {
  const worker = await openWorker({ backend });
  return tour(worker).finally(worker.close);
}

/**
 * What a page makes of a run that it has trained; the pictures of it that are no XML; and the files of the
 * run as text, by path.
 */
async function report(): Promise<Reports & { files: Record<string, string>; malformed: string[] }> {
  const worker = await openWorker({ backend: 'wasm' });
  const text = lessonText(3000);
  const { tokenizer, data } = await worker.tokenize(text, { tokenizer: { vocabSize: 280 } });
  const sizes = { blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 64 };
  const model = await worker.create(makeConfig(presets.tiny, tokenizer.vocabSize, sizes), tokenizer);
  const store = memoryStore('runs/lesson');
  const settings = makeSettings(recipes.tiny, {
    steps: 8,
    batchSize: 8,
    evalEvery: 4,
    probeEvery: 4,
    sampleEvery: 0,
  });
  const record = await textRecord(text, { name: 'lesson' });
  for await (const _ of worker.trainInFolder({ store, model, dataset: data, data: record, settings }));
  const chosen = await runModel(store);
  if (chosen?.step) {
    const best = await worker.load(chosen.store);
    await saveLook(store, await worker.lookInside(best, data.val, chosen.step));
  }
  worker.close();
  const plot = await import(new URL('plot.js', location.href).href);
  const made = await reports(store, { plot, document });
  const malformed = Object.keys(made.figures).filter((name) =>
    new DOMParser().parseFromString(made.figures[name], 'image/svg+xml').querySelector('parsererror'),
  );
  return { ...made, malformed, files: await textsIn(store) };
}

/** Every file of a store and its folders as text, by path. */
async function textsIn(store: Store, path = ''): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const name of await store.list())
    texts[path + name] = new TextDecoder().decode(await store.read(name));
  for (const name of (await store.folders?.()) ?? [])
    Object.assign(texts, await textsIn(store.folder(name), `${path}${name}/`));
  return texts;
}

/** Offers these files (by path, at most one folder deep) as a download. */
async function offer(texts: Record<string, string>, name: string): Promise<void> {
  const store = memoryStore(`runs/${name}`);
  for (const [path, text] of Object.entries(texts)) {
    const [file, folder] = path.split('/').reverse();
    const place = folder === undefined ? store : store.folder(folder);
    await place.write(file, new TextEncoder().encode(text));
  }
  await download(store);
}

interface FilesHere {
  where: string;
  texts: Record<string, string>;
}

/** What was chosen in one of the page's inputs, and where it says that it is. */
async function chosenFiles(input: string): Promise<FilesHere> {
  const store = await droppedStore(document.querySelector(input).files);
  return { where: store.location, texts: await textsIn(store) };
}

/** What is dropped on the page next. */
function awaitDrop(): void {
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault();
    const opened = droppedStore(event.dataTransfer);
    Object.assign(globalThis, {
      drop: opened.then(async (store) => ({ where: store.location, texts: await textsIn(store) })),
    });
  };
}

/** Why nothing can be written there or read of it, one line each. */
async function refusals(): Promise<string[]> {
  const file = new File([new Uint8Array([80, 75, 3, 4])], 'cut.zip');
  const store = memoryStore('m');
  await store.write('weights.safetensors', new Uint8Array(100).fill(7)); // which are not compressed
  const damaged = new Uint8Array(await (await archiveOf(store)).arrayBuffer());
  damaged[damaged.findIndex((_, i) => damaged.subarray(i, i + 9).every((byte) => byte === 7))] ^= 1;
  const attempts: Promise<unknown>[] = [
    droppedStore([]),
    droppedStore([file]),
    droppedStore([new File([damaged], 'damaged.zip')]),
    droppedStore([new File(['a'], 'a'), new File(['b'], 'a')]),
    droppedStore([new File(['a'], 'a')]).then((store) => store.write('b', new Uint8Array())),
    droppedStore([new File(['abc'], 'a')]).then((store) => store.read('a', 2)),
    droppedStore([new File(['abc'], 'a')]).then((store) => store.read('b')),
  ];
  return Promise.all(
    attempts.map((attempt) =>
      attempt.then(
        () => 'done',
        (error: Error) => error.message,
      ),
    ),
  );
}

/** Writes one version after another of three files of this site together, until the page is gone. */
async function writeVersions(path: string, version: number): Promise<never> {
  const store = opfsStore(path);
  for (let v = version; ; v++) {
    const bytes = new TextEncoder().encode(String(v).padStart(8, '0').repeat(200_000));
    await store.writeAll(new Map(['a', 'b', 'c'].map((name) => [name, bytes])));
  }
}

/** The versions of the files that are there. */
async function versionsAt(path: string): Promise<number[]> {
  const store = opfsStore(path);
  const starts = (await store.list()).map(async (name) => {
    const bytes = await store.read(name);
    return Number(new TextDecoder().decode(bytes.subarray(0, 8)));
  });
  return Promise.all(starts);
}

/** The reason why a place cannot be locked, or null once it is. */
async function lockPlace(path: string): Promise<string | null> {
  return (opfsStore(path).lock?.('the first tab') ?? Promise.reject()).then(
    () => null,
    (error: Error) => error.message,
  );
}

const tasks = {
  offer,
  chosenFiles,
  awaitDrop,
  refusals,
  writeVersions,
  versionsAt,
  lockPlace,
  chosen,
  refusal,
  learnTooMuch,
  workerRefusal,
  storageRefusals,
  say,
  learn,
  learnInWorker,
  pauses,
  pausesWithWorker,
  look,
  report,
  trainHere,
};
export type Tasks = typeof tasks;
Object.assign(globalThis, { tasks });
