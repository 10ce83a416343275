// The page's script: what the tests call there, by `run`.
import { createBackend, urlStore, useBackend } from '../../src/platform/browser.ts';
import { type Losses, lesson, losses, speech } from './tasks.ts';

declare const PerformanceObserver: new (
  listen: (list: { getEntries(): { duration: number }[] }) => void,
) => { observe(options: { type: string }): void; disconnect(): void };
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

const tasks = { chosen, refusal, say, learn, learnInWorker, pauses };
export type Tasks = typeof tasks;
Object.assign(globalThis, { tasks });
