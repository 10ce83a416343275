// `node:test` in a page, as far as the suites need it: tests are collected while a file is loaded, and run
// one after the other by `runTests`. An import map puts it in the place of Node's.

/** What became of a test. */
export interface Result {
  /** Its names from outside in. */
  name: string;
  /** Absent: it passed. */
  error?: string;
  skipped?: string;
  /** Milliseconds that it took. */
  took?: number;
}

type Work = (t: TestContext) => unknown;
interface Options {
  skip?: boolean | string;
}
export interface TestContext {
  skip(reason?: string): void;
  diagnostic(line: string): void;
}

interface Group {
  name: string;
  skip: string | null;
  before: (() => unknown)[];
  after: (() => unknown)[];
  parts: (Group | { name: string; skip: string | null; work: Work })[];
}

const group = (name: string, skip: string | null): Group => ({
  name,
  skip,
  before: [],
  after: [],
  parts: [],
});
const root = group('', null);
let current = root;

const reason = ({ skip = false }: Options): string | null => (skip === false ? null : String(skip));

export function describe(name: string, ...rest: [Options, () => void] | [() => void]): void {
  const [options, body] = rest.length === 2 ? rest : [{}, rest[0]];
  const outer = current;
  current = group(name, reason(options));
  outer.parts.push(current);
  try {
    body();
  } finally {
    current = outer;
  }
}

export function test(name: string, ...rest: [Options, Work] | [Work]): void {
  const [options, work] = rest.length === 2 ? rest : [{}, rest[0]];
  current.parts.push({ name, skip: reason(options), work });
}
export const it: typeof test = test;
export const before = (work: () => unknown): void => void current.before.push(work);
export const after = (work: () => unknown): void => void current.after.push(work);

// What Node has besides, and tests use.
Object.assign(globalThis, { setImmediate: (work: () => void) => setTimeout(work, 0) });

/** Runs all tests that were collected. */
export async function runTests(): Promise<Result[]> {
  const results: Result[] = [];
  await runGroup(root, [], null, results);
  return results;
}

async function runGroup(
  { before, after, parts, skip }: Group,
  names: readonly string[],
  outer: string | null,
  results: Result[],
): Promise<void> {
  const skipped = outer ?? skip;
  try {
    if (skipped === null) for (const work of before) await work();
    for (const part of parts) {
      const path = [...names, part.name];
      if ('parts' in part) await runGroup(part, path, skipped, results);
      else results.push(await runTest(path.join(' > '), part.work, skipped ?? part.skip));
    }
  } catch (error) {
    results.push({ name: `${names.join(' > ')}: before`, error: textOf(error) });
  } finally {
    if (skipped === null) for (const work of after) await work();
  }
}

async function runTest(name: string, work: Work, skip: string | null): Promise<Result> {
  if (skip !== null) return { name, skipped: skip };
  const result: Result = { name };
  const context: TestContext = {
    skip(reason = '') {
      result.skipped = reason;
    },
    diagnostic() {},
  };
  const begun = performance.now();
  try {
    await work(context);
  } catch (error) {
    result.error = textOf(error);
  }
  result.took = performance.now() - begun;
  return result;
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
