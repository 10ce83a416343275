// Options as tables, one row per option: its possible values, its purpose and its default. From the rows
// follow the checks, the flags with their help (cli/flags.ts), the contents of JSON files, and a JSON Schema
// for other programs. Rows use schema.ts for checking. To add a row: CONTRIBUTING.md, "To add a setting".

import { similar } from './nearest.ts';
import type { Range, Schema } from './schema.ts';
import * as s from './schema.ts';

/** What a row says about its option besides the possible values. */
export interface Row<D> {
  /** One line for people: the help, a label, the description in a JSON Schema. */
  about: string;
  /** The value if it is not given. */
  default?: D;
  /** Advice for those whose value was refused: `1 draws from all`. */
  hint?: string;
  /** The heading under which people find it. */
  group?: string;
  /** Whether it is among the options that people change first, which the short help shows. */
  common?: boolean;
  /** Whether it must be given. */
  required?: boolean;
  /**
   * Files of the first versions lack it, and mean the default. `tacit`: a `config.json` of today also lacks
   * it (`recordOf`), unless the value differs from the default.
   */
  younger?: true | 'tacit';
}

/** The kinds of options, for showing them as flags, as sliders, or in a JSON Schema. */
export type Form =
  | { kind: 'integer' | 'number'; limits: Range }
  | { kind: 'choice'; choices: readonly (string | number)[] }
  | { kind: 'flag' | 'text' | 'texts' }
  /** Anything else. `json` is its JSON Schema; null if JSON cannot contain it: a function, a signal. */
  | { kind: 'custom'; json: object | null };

/**
 * An option of type `T` with a default of type `D`. Invariant in T, so that a choice that lacks one of the
 * words of its type does not compile.
 */
export interface Field<in out T, out D = T | undefined> extends Omit<Row<D>, 'default'> {
  readonly form: Form;
  readonly schema: Schema<T>;
  readonly default: D;
}

/**
 * The options of the record `T`, in the order in which they are shown and saved. Those in `D` have a default.
 */
export type Table<T, D extends keyof T = never> = {
  readonly [K in keyof T]-?: Field<
    Exclude<T[K], undefined>,
    Exclude<T[K], undefined> | (K extends D ? never : undefined)
  >;
};

/** An option, for code that does not know its type. */
export interface AnyField extends Omit<Row<unknown>, 'default'> {
  readonly form: Form;
  readonly schema: Schema<unknown>;
  readonly default: unknown;
}

/** Any table. */
export type Fields = Readonly<Record<string, AnyField>>;

/** The options that a caller may give. */
export type Given<F extends Fields> = { [K in keyof F]?: ReturnType<F[K]['schema']> };

/** The options with their defaults. */
export type Complete<F extends Fields> = { [K in keyof F]: ReturnType<F[K]['schema']> | F[K]['default'] };

// ---- rows ------------------------------------------------------------------------------------------------

/** Limits of a number. `noLimit`: Infinity is allowed, too. */
export interface Limits extends Range {
  noLimit?: boolean;
}

/** A whole number. */
export function integer<D extends number | undefined = undefined>(row: Row<D> & Limits): Field<number, D> {
  return numeric('integer', s.integer, row);
}

/** A number, finite unless `noLimit`. */
export function number<D extends number | undefined = undefined>(row: Row<D> & Limits): Field<number, D> {
  return numeric('number', s.number, row);
}

function numeric<D>(
  kind: 'integer' | 'number',
  schemaOf: (limits: Range) => Schema<number>,
  { min, max, above, below, noLimit = false, ...row }: Row<D> & Limits,
): Field<number, D> {
  const limits = { min, max, above, below };
  const schema = schemaOf(limits);
  return field(row, { kind, limits }, noLimit ? s.orNoLimit(schema) : schema);
}

/** True or false. */
export function flag<D extends boolean | undefined = undefined>(row: Row<D>): Field<boolean, D> {
  return field(row, { kind: 'flag' }, s.boolean);
}

/** One of `choices`. */
export function choice<const C extends string | number, D extends NoInfer<C> | undefined = undefined>(
  choices: readonly C[],
  row: Row<D>,
): Field<C, D> {
  return field(row, { kind: 'choice', choices }, s.oneOf(...choices));
}

/** Any text, also an empty one; with `of` those that it accepts. */
export function text<D extends string | undefined = undefined>({
  of = s.string,
  ...row
}: Row<D> & { of?: Schema<string> }): Field<string, D> {
  return field<string, D>(row, { kind: 'text' }, of);
}

/** One of a list of texts. */
export const oneText: Schema<string> = s.matching(/./s, 'a text of one character or more');

/** A list of texts, none of them empty; with `of` of those that it accepts. */
export function texts<D extends readonly string[] | undefined = undefined>({
  of = oneText,
  ...row
}: Row<D> & { of?: Schema<string> }): Field<readonly string[], D> {
  const schema = s.array(of);
  return field<readonly string[], D>(row, { kind: 'texts' }, schema as Schema<readonly string[]>);
}

/** An option of any other type. */
export function custom<T, D extends T | undefined = undefined>(
  row: Row<D> & { schema: Schema<T>; json?: object },
): Field<T, D> {
  const { schema, json = null, ...rest } = row;
  return field(rest, { kind: 'custom', json }, schema);
}

/** A callback. */
export function callback<T>(row: Row<undefined>): Field<T, undefined> {
  const schema = s.such((value): value is T => typeof value === 'function', 'a function');
  return custom({ ...row, schema });
}

/** A signal that aborts the work. */
export function signal(row: Row<undefined>): Field<AbortSignal, undefined> {
  return having('throwIfAborted', 'an AbortSignal', row);
}

/** An object that is known by its `method`; `what` is the word for it: `an engine`. */
export function having<T extends object>(
  method: keyof T & string,
  what: string,
  row: Row<undefined>,
): Field<T, undefined> {
  const is = (value: unknown): value is T => typeof (value as T | null)?.[method] === 'function';
  return custom({ ...row, schema: s.such(is, what) });
}

/** An Int32Array, of token ids for instance. */
export function int32s(row: Row<undefined>): Field<Int32Array, undefined> {
  const is = (value: unknown): value is Int32Array => value instanceof Int32Array;
  return custom({ ...row, schema: s.such(is, 'an Int32Array') });
}

function field<T, D>(row: Row<D>, form: Form, schema: Schema<T>): Field<T, D> {
  return { ...row, default: row.default as D, form, schema };
}

// ---- checks ----------------------------------------------------------------------------------------------

/**
 * Checks `value` for the option `name`. Throws one line with the value, the limit and the hint: `topP 1.5 is
 * not a number > 0 and <= 1: 1 draws from all`. The message shows `written` instead of the value.
 */
export function checkValue<T>(
  { schema, hint }: { readonly schema: Schema<T>; readonly hint?: string },
  value: unknown,
  name: string,
  written?: string,
): T {
  try {
    return schema(value);
  } catch (error) {
    if (!(error instanceof s.Mismatch) || error.found === null) throw error;
    const { found } = error;
    const path = error.path === '' || error.path.startsWith('[') ? error.path : `.${error.path}`;
    const shown = written ?? s.shown(found.value);
    throw new Error(
      `${name}${path} ${shown} is not ${found.expected}${hint === undefined ? '' : `: ${hint}`}`,
    );
  }
}

/**
 * The options `given` to `where`, completed with defaults. Throws as `checkOptions`, and when a required
 * option is missing.
 */
export function complete<F extends Fields>(
  fields: F,
  given: Given<F> | undefined,
  where: string,
): Complete<F> {
  checkOptions(fields, given, where);
  const all: Record<string, unknown> = {};
  for (const name in fields) {
    const { required = false, about, default: initial } = fields[name];
    all[name] = given?.[name] ?? initial;
    if (required && all[name] === undefined) throw new Error(`${where} needs ${name}: ${about}`);
  }
  return all as Complete<F>;
}

/**
 * Throws one line when the options `given` to `where` are not in an object, or one of them is unknown or out
 * of range. Undefined means not given.
 */
export function checkOptions<F extends Fields>(fields: F, given: Given<F> | undefined, where: string): void {
  const options = optionsIn(given, where);
  for (const name in options) {
    if (!Object.hasOwn(fields, name)) refuseUnknown(options, Object.keys(fields), 'option', ` for ${where}`);
    if (options[name] !== undefined) checkValue(fields[name], options[name], name);
  }
}

/**
 * Throws one line unless `value` is a record with all of `fields`, each within its limits, and no others.
 * `noun` is the word for one of them: `unknown setting 'stpes'`.
 */
export function checkRecord<F extends Fields>(
  fields: F,
  value: unknown,
  noun: string,
): asserts value is Required<Given<F>> {
  if (!isRecord(value)) throw new Error(`${s.shown(value)} is not an object, which ${noun}s are in`);
  refuseUnknown(value, Object.keys(fields), noun);
  for (const [name, row] of Object.entries(fields)) {
    const found = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    if (found === undefined) throw new Error(`${noun} ${name} is missing`);
    checkValue(row, found, name);
  }
}

/** The options `given` to `where`: none if undefined. Throws one line unless they are in an object. */
export function optionsIn<T extends object>(given: T | undefined, where: string): Partial<T> {
  if (given === undefined) return {};
  if (isRecord(given)) return given;
  throw new Error(`${s.shown(given)} is not an object, which the options for ${where} are in`);
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Throws when `given` has a name that is not in `known`: it is a mistake of the caller.
 */
export function refuseUnknown(given: object, known: readonly string[], noun: string, where = ''): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = similar(unknown, known);
  const names = known.length > 0 ? `known are ${known.join(', ')}` : 'there is none';
  const question = `did you mean '${meant}'?`;
  const rest = meant === undefined ? names : known.length > MANY ? question : `${names}; ${question}`;
  throw new Error(`unknown ${noun} '${unknown}'${where}: ${rest}`);
}

/** In a longer list of names the right one would not be noticed. */
const MANY = 16;

/** Options with a default. */
export type Defaults<F extends Fields> = {
  -readonly [K in keyof F as undefined extends F[K]['default'] ? never : K]: F[K]['default'];
};

/** The defaults of all options that have one, in their order. */
export function defaultsOf<F extends Fields>(fields: F): Defaults<F> {
  return pickDefaults(fields, () => true) as Defaults<F>;
}

/** The values that files of the first versions imply for missing fields. */
export function youngerOf<F extends Fields>(fields: F): Partial<Defaults<F>> {
  return pickDefaults(fields, ({ younger }) => younger !== undefined) as Partial<Defaults<F>>;
}

function pickDefaults(fields: Fields, wanted: (row: AnyField) => boolean): Record<string, unknown> {
  const rows = Object.entries(fields).filter(([, row]) => row.default !== undefined && wanted(row));
  return Object.fromEntries(rows.map(([name, row]) => [name, row.default]));
}

/** A record as stored in a file: without fields that are `tacit` and have their default. */
export function recordOf<T extends object>(fields: Fields, record: T): Partial<T> {
  const kept = Object.entries(record).filter(
    ([name, value]) => !(fields[name]?.younger === 'tacit' && fields[name].default === value),
  );
  return Object.fromEntries(kept) as Partial<T>;
}

/** The schema of such a record in a JSON file. Fields that older files lack are optional. */
export function schemaOf<F extends Fields>(fields: F): Schema<Required<Given<F>>> {
  const rows = Object.entries(fields).map(([name, row]) => [
    name,
    row.younger ? s.otherwise(row.schema, row.default) : row.schema,
  ]);
  return s.object(Object.fromEntries(rows));
}

// ---- for other programs ----------------------------------------------------------------------------------

/** A JSON Schema (draft 2020-12) of the options. Options that JSON cannot contain are left out. */
export function jsonSchemaOf(fields: Fields): JsonSchema {
  const rows = Object.entries(fields).flatMap(([name, row]) => {
    const type = jsonType(row.form);
    return type ? [[name, { ...type, ...jsonNotes(row) }] as const] : [];
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(rows),
    required: rows.map(([name]) => name).filter((name) => fields[name].required),
    additionalProperties: false,
  };
}

/** A JSON Schema of a record. */
export interface JsonSchema {
  $schema: string;
  type: 'object';
  properties: Record<string, object>;
  required: string[];
  additionalProperties: false;
}

function jsonType(form: Form): object | null {
  switch (form.kind) {
    case 'integer':
    case 'number': {
      const { min, max, above, below } = form.limits;
      const limits = { minimum: min, maximum: max, exclusiveMinimum: above, exclusiveMaximum: below };
      return { type: form.kind, ...given(limits) };
    }
    case 'choice':
      return { enum: form.choices };
    case 'flag':
      return { type: 'boolean' };
    case 'text':
      return { type: 'string' };
    case 'texts':
      return { type: 'array', items: { type: 'string', minLength: 1 } };
    case 'custom':
      return form.json;
  }
}

/** JSON has no Infinity: leaving the option out means no limit. */
function jsonNotes({ about, default: value }: AnyField): object {
  const initial = value === Number.POSITIVE_INFINITY ? undefined : value;
  return given({ description: about, default: initial });
}

function given(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
