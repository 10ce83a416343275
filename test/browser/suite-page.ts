// The script of a page in which a suite runs: a file of tests as Node runs it. The site (site.ts) puts shims/
// in the place of what only Node has.
import { type Result, runTests } from './shims/node-test.ts';

declare const Worker: new (
  url: URL,
  options: { type: 'module' },
) => {
  onmessage: ((event: { data: Result[] }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  postMessage(file: string): void;
};

/** Loads a file of tests and runs them, in the page or in a worker of it. */
async function runSuite(file: string, where: 'page' | 'worker'): Promise<Result[]> {
  if (where === 'worker') return runInWorker(file);
  await import(new URL(file, import.meta.url).href);
  return runTests();
}

function runInWorker(file: string): Promise<Result[]> {
  const worker = new Worker(new URL('./suite-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || 'the worker does not start'));
    worker.postMessage(file);
  });
}

const suites = { runSuite };
export type Suites = typeof suites;
Object.assign(globalThis, { tasks: suites });
