// `node:assert/strict` in a page, as far as the suites need it. An import map puts it in the place of Node's.

type Expected = RegExp | (new (...args: never[]) => unknown) | Record<string, unknown> | undefined;

function fail(message?: string): never {
  throw new Error(message ?? 'failed');
}

function ok(value: unknown, message?: string): void {
  if (!value) fail(message ?? `${shown(value)} is not true`);
}

function equal(actual: unknown, expected: unknown, message?: string): void {
  if (!Object.is(actual, expected)) fail(message ?? `${shown(actual)} is not ${shown(expected)}`);
}

function notEqual(actual: unknown, expected: unknown, message?: string): void {
  if (Object.is(actual, expected)) fail(message ?? `${shown(actual)} twice`);
}

function deepEqual(actual: unknown, expected: unknown, message?: string): void {
  if (!same(actual, expected)) fail(message ?? `${shown(actual)} is not ${shown(expected)}`);
}

function match(text: string, pattern: RegExp, message?: string): void {
  if (!pattern.test(text)) fail(message ?? `${shown(text)} does not match ${pattern}`);
}

function throws(act: () => unknown, expected?: Expected): void {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error ?? new Error('nothing');
  }
  check(thrown, expected);
}

async function rejects(
  promise: Promise<unknown> | (() => Promise<unknown>),
  expected?: Expected,
): Promise<void> {
  const thrown = await (typeof promise === 'function' ? promise() : promise).then(
    () => undefined,
    (error) => error ?? new Error('nothing'),
  );
  check(thrown, expected);
}

function check(thrown: unknown, expected: Expected): void {
  if (thrown === undefined) fail('nothing was thrown');
  if (expected instanceof RegExp) match(String(thrown), expected);
  else if (typeof expected === 'function') ok(thrown instanceof expected, `${thrown} is no ${expected.name}`);
  else
    for (const [name, value] of Object.entries(expected ?? {}))
      deepEqual((thrown as Record<string, unknown>)[name], value);
}

/** Whether two values have the same structure: arrays of any kind, maps, sets, plain objects. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Map || a instanceof Set) return same([...a], [...(b as typeof a)]);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && same(a[key as never], b[key as never]));
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : (JSON.stringify(value)?.slice(0, 400) ?? String(value));
}

export default Object.assign(ok, { fail, ok, equal, notEqual, deepEqual, match, throws, rejects });
