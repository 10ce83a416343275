// The script of a page in which a suite runs: a file of tests as Node runs it, with an import map (site.ts)
// that puts shims/ in the place of what only Node has.
import { type Result, runTests } from './shims/node-test.ts';

/** Loads a file of tests and runs them. */
async function runSuite(file: string): Promise<Result[]> {
  await import(new URL(file, import.meta.url).href);
  return runTests();
}

const suites = { runSuite };
export type Suites = typeof suites;
Object.assign(globalThis, { tasks: suites });
