// Schemas for values from files, as plain combinators. A schema is a function that takes anything and returns
// it as a T, or throws a Mismatch that says where it is, what it is and what was expected. The compiler
// checks a schema against its interface: `object` wants a schema for every field of T, with its type, and
// `optional` for optional fields.

import { revealLine } from './controls.ts';

/** Returns `value` as a T, or throws a Mismatch. Never changes its argument. */
export type Schema<T> = (value: unknown) => T;

/** A field that may be absent. */
export interface Optional<T> {
  readonly optional: Schema<T>;
}

/** The schemas of all fields of an object; `optional` for optional fields. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Optional<Exclude<T[K], undefined>> : Schema<T[K]>;
};

/** What was found and what was expected, for callers with other wordings. */
export interface Found {
  value: unknown;
  /** `a whole number >= 1`. */
  expected: string;
}

/**
 * A value that does not fit. Its message begins with the path to it: `events[3].loss is "x": expected a
 * number`.
 */
export class Mismatch extends Error {
  readonly path: string;
  /** Null if a further condition does not hold (`where`). */
  readonly found: Found | null;
  private readonly problem: string;

  constructor(problem: string, path = '', found: Found | null = null) {
    super(path === '' ? `the content ${problem}` : `${path} ${problem}`);
    this.path = path;
    this.problem = problem;
    this.found = found;
  }

  /** The same mismatch, with one more step in front of its path. */
  within(key: string | number): Mismatch {
    const rest = this.path === '' || this.path.startsWith('[') ? this.path : `.${this.path}`;
    const plain = typeof key === 'string' && /^[A-Za-z_$][\w$]{0,60}$/.test(key);
    return new Mismatch(this.problem, plain ? `${key}${rest}` : `[${shown(key)}]${rest}`, this.found);
  }
}

/** An object with the fields of `T`. Unknown fields are allowed: a newer version may have written them. */
export function object<T extends object>(fields: Fields<T>): Schema<T> {
  const all = Object.entries(fields) as [string, Schema<unknown> | Optional<unknown>][];
  return (value) => {
    if (!isObject(value)) throw mismatch(value, 'an object');
    return each(value, all, (field, found) => {
      if (typeof field === 'function') return field(found);
      return found === undefined ? undefined : field.optional(found);
    }) as T;
  };
}

/** An object with arbitrary field names. */
export function record<T>(schema: Schema<T>): Schema<Record<string, T>> {
  return (value) => {
    if (!isObject(value)) throw mismatch(value, 'an object');
    const fields = Object.keys(value).map((name) => [name, schema] as const);
    return each(value, fields, (field, found) => field(found)) as Record<string, T>;
  };
}

/** Checks the fields of `value` one by one. Copies only if one of them was converted. */
function each<S>(
  value: Record<string, unknown>,
  fields: readonly (readonly [string, S])[],
  check: (field: S, found: unknown) => unknown,
): Record<string, unknown> {
  let result = value;
  for (const [name, field] of fields) {
    const found = Object.hasOwn(value, name) ? value[name] : undefined;
    const checked = inside(name, () => check(field, found));
    if (Object.is(checked, found)) continue;
    if (result === value) result = { ...value };
    result[name] = checked;
  }
  return result;
}

/** A list with `length` elements. */
export function array<T>(schema: Schema<T>, length: Range = {}): Schema<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw mismatch(value, 'a list');
    if (!fits(value.length, length)) throw mismatch(value, `a list of ${range(length)}`);
    const checked = value.map((element, i) => inside(i, () => schema(element)));
    return checked.every((element, i) => Object.is(element, value[i])) ? value : checked;
  };
}

/** One of several objects, distinguished by the field `tag`. */
export function union<T extends object, K extends keyof T & string>(
  tag: K,
  variants: { readonly [V in T[K] & string]: Schema<Extract<T, Record<K, V>>> },
): Schema<T> {
  const known: Readonly<Record<string, Schema<T>>> = variants;
  const kind = oneOf(...Object.keys(variants));
  return (value) => {
    if (!isObject(value)) throw mismatch(value, 'an object');
    const found = Object.hasOwn(value, tag) ? value[tag] : undefined;
    return known[inside(tag, () => kind(found))](value);
  };
}

/** Smallest and largest value, inclusive; or what the value must be above or below. */
export interface Range {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
}

export function number(limits: Range = {}): Schema<number> {
  return (value) => {
    if (typeof value === 'number' && Number.isFinite(value) && fits(value, limits)) return value;
    throw mismatch(
      value,
      `a number ${range(value === Infinity ? below(limits, Number.MAX_VALUE) : limits)}`.trim(),
    );
  };
}

/** Also accepts Infinity, for "no limit". */
export function orNoLimit(schema: Schema<number>): Schema<number> {
  return (value) => (value === Number.POSITIVE_INFINITY ? value : schema(value));
}

/** A whole number that a double holds exactly. */
export function integer(limits: Range = {}): Schema<number> {
  return (value) => {
    if (Number.isSafeInteger(value) && fits(value as number, limits)) return value as number;
    const isHuge = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER;
    throw mismatch(
      value,
      `a whole number ${range(isHuge ? below(limits, Number.MAX_SAFE_INTEGER) : limits)}`.trim(),
    );
  };
}

/** A measurement. JSON has no NaN or infinity and stores null, which becomes NaN again. */
export const measured: Schema<number> = (value) => {
  if (value === null) return Number.NaN;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw mismatch(value, 'a number, or null for one that was not finite');
};

export const string: Schema<string> = (value) => {
  if (typeof value === 'string') return value;
  throw mismatch(value, 'a text');
};

/** A text of a certain form, which `expected` describes for people. */
export function matching(pattern: RegExp, expected: string): Schema<string> {
  return (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw mismatch(value, expected);
  };
}

export const boolean: Schema<boolean> = (value) => {
  if (typeof value === 'boolean') return value;
  throw mismatch(value, 'true or false');
};

export function oneOf<const T extends readonly (string | number)[]>(...known: T): Schema<T[number]> {
  const expected = known.length === 1 ? JSON.stringify(known[0]) : `one of ${known.join(', ')}`;
  return (value) => {
    if ((known as readonly unknown[]).includes(value)) return value as T[number];
    throw mismatch(value, expected);
  };
}

/** A value for which `fits` is true; `expected` describes it. */
export function such<T>(fits: (value: unknown) => value is T, expected: string): Schema<T> {
  return (value) => {
    if (fits(value)) return value;
    throw mismatch(value, expected);
  };
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return (value) => (value === null ? null : schema(value));
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return { optional: schema };
}

/** A field that older files lack, with its value for these. */
export function otherwise<T>(schema: Schema<T>, value: T): Schema<T> {
  return (found) => (found === undefined ? value : schema(found));
}

/** A further condition: `problem` returns what is wrong, or null. */
export function where<T>(schema: Schema<T>, problem: (value: T) => string | null): Schema<T> {
  return (value) => {
    const checked = schema(value);
    const wrong = problem(checked);
    if (wrong !== null) throw new Mismatch(`does not fit: ${wrong}`);
    return checked;
  };
}

// ---- words -----------------------------------------------------------------------------------------------

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inside<T>(key: string | number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof Mismatch) throw error.within(key);
    throw new Mismatch(`does not fit: ${(error as Error).message}`).within(key);
  }
}

function mismatch(value: unknown, expected: string): Mismatch {
  return new Mismatch(`is ${shown(value)}: expected ${expected}`, '', { value, expected });
}

function fits(
  value: number,
  { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity }: Range,
): boolean {
  return value >= min && value <= max && value > above && value < below;
}

/** The limits, with the largest value that a double holds where they name none. */
function below(limits: Range, largest: number): Range {
  return limits.max === undefined && limits.below === undefined ? { ...limits, max: largest } : limits;
}

function range({ min, max, above, below }: Range): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  const limits = { '>=': min, '>': above, '<=': max, '<': below };
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return given.map(([sign, limit]) => `${sign} ${limit}`).join(' and ');
}

/** A value from a file, for an error message: on one line, without control characters, cut short. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  const cut = value.length > 60 ? `${value.slice(0, 57)}...` : value;
  return revealLine(JSON.stringify(cut));
}

/**
 * The JSON of a value from a file, for an error message: on one line, without control characters, cut short.
 */
export function excerpt(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined';
  return revealLine(json.length > 80 ? `${json.slice(0, 77)}...` : json);
}
