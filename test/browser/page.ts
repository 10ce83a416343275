// The page's script: what the tests call there, by `run`.
import { createBackend, memoryStore, type Store, urlStore, useBackend } from '../../src/platform/browser.ts';
import { download, droppedStore, opfsStore } from '../../src/platform/browser-files.ts';
import { type Losses, lesson, losses, speech } from './tasks.ts';

declare const PerformanceObserver: new (
  listen: (list: { getEntries(): { duration: number }[] }) => void,
) => { observe(options: { type: string }): void; disconnect(): void };
declare const document: {
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

/** The reason why the engine of this name cannot be made. */
async function refusal(name: string): Promise<string> {
  return createBackend(name).then(
    ({ backend }) => `it works: ${backend.description}`,
    (error: Error) => error.message,
  );
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

/** The longest task of the page's thread and the longest wait of a timer in it during a training, in ms. */
async function pauses(): Promise<{ longestTask: number; longestGap: number; steps: number }> {
  const { backend } = await createBackend('wasm');
  const prepared = lesson(backend);
  await backend.sync();
  let [longestTask, longestGap, last, training] = [0, 0, performance.now(), true];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestTask = Math.max(longestTask, duration);
  });
  observer.observe({ type: 'longtask' });
  const turn = (): void => {
    longestGap = Math.max(longestGap, performance.now() - last);
    last = performance.now();
    if (training) setTimeout(turn, 4);
  };
  turn();
  const { length: steps } = (await losses(prepared, 60)).steps;
  training = false;
  await new Promise<void>((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  backend.dispose();
  return { longestTask, longestGap, steps };
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
  const attempts: Promise<unknown>[] = [
    droppedStore([]),
    droppedStore([file]),
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
  say,
  learn,
  learnInWorker,
  pauses,
};
export type Tasks = typeof tasks;
Object.assign(globalThis, { tasks });
