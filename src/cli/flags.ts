// A flag: its name, its argument, and the check that turns a bad value into one clear line. Read next:
// ../base/fields.ts, the tables of options from which most flags are made.

import * as fields from '../base/fields.ts';
import { type AnyField, checkValue, type Fields, type Form } from '../base/fields.ts';
import type { Schema } from '../base/schema.ts';
import { misuse } from './errors.ts';

/** `T` is the type of the flag's value. */
export interface Flag<T> {
  about: string;
  /** Shown in the help: `<n>`. Absent for flags without an argument. */
  argument?: string;
  /** The letter of a short form, `-p`. */
  short?: string;
  /** The heading under which the help shows it. Default: `Options`. */
  group?: string;
  /** Shown in the help. The command applies it. */
  initial?: string;
  /** Shown by `--help-all` only. */
  rare?: boolean;
  /** May be given several times; its value is the list. */
  many?: boolean;
  /** `--no-...` is also accepted. */
  negatable?: boolean;
  /** The library's name of the option that it sets: `topLogprobs`. See option-names.ts. */
  option?: string;
  /** `name` is the flag as written, for messages. */
  parse(text: string, name: string): T;
}

/** A command's flags by name in camelCase; on the command line they are `--in-kebab-case`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table of flags. A flag that was not given is undefined. */
export type Values<F extends Flags> = { [K in keyof F]?: F[K] extends Flag<infer T> ? T : never };

type Look = Partial<Omit<Flag<unknown>, 'parse'>>;
type Described = Look & Pick<Flag<unknown>, 'about'>;

/** Any text. One whose argument has a name, `<file>`, names something: it is not empty. */
export function text(look: Described): Flag<string> {
  const any = fields.text({ about: look.about });
  return flagOfRow(look.argument ? { ...any, schema: fields.oneText } : any, look);
}

/** Any text, several times. */
export function texts(look: Described): Flag<readonly string[]> {
  return flagOfRow(fields.texts({ about: look.about }), look);
}

/** A number within bounds, both inclusive. */
export function number(look: Described, min?: number, max?: number): Flag<number> {
  return flagOfRow(fields.number({ about: look.about, min, max }), look);
}

/** A whole number within bounds, both inclusive. */
export function integer(look: Described, min?: number, max?: number): Flag<number> {
  return flagOfRow(fields.integer({ about: look.about, min, max }), look);
}

/** One of a few words. */
export function choice<const C extends string>(look: Described, choices: readonly C[]): Flag<C> {
  return flagOfRow(fields.choice(choices, { about: look.about }), look);
}

/** Present or not. */
export function toggle(look: Described): Flag<boolean> {
  return { ...look, parse: () => true };
}

/** A flag with the forms `--name` and `--no-name`. */
export function yesNo(look: Described): Flag<boolean> {
  return flagOfRow(fields.flag({ about: look.about }), look);
}

// ---- from tables of options ------------------------------------------------------------------------------

/** The values of a row of a table. */
type ValueOf<R extends AnyField> = ReturnType<R['schema']>;

/** The flag of a library option. `look` says what differs on this command line. */
export function flagOf<F extends Fields, K extends keyof F & string>(
  table: F,
  name: K,
  look: Look = {},
): Flag<ValueOf<F[K]>> {
  const row = table[name] as AnyField & { schema: Schema<ValueOf<F[K]>> };
  const about = row.form.kind === 'texts' ? `${row.about}; may be given several times` : row.about;
  return flagOfRow(row, { option: name, about, ...look });
}

/** The flags of all options that a command line can set, by name and in order. */
export function flagsOf<F extends Fields>(
  table: F,
  look: (row: AnyField) => Look = () => ({}),
): { readonly [K in keyof F]: Flag<ValueOf<F[K]>> } {
  const names = Object.keys(table).filter((name) => table[name].form.kind !== 'custom');
  const flags = names.map((name) => [name, flagOf(table, name, look(table[name]))]);
  return Object.fromEntries(flags);
}

function flagOfRow<T>(row: AnyField & { readonly schema: Schema<T> }, look: Look): Flag<T> {
  const { about, form, group } = row;
  const common = { about, group, initial: initialOf(row), ...look };
  const parse = (text: string, name: string): T => parsed(row, read(form, text), name, text);
  switch (form.kind) {
    case 'integer':
      return { argument: '<n>', ...common, parse };
    case 'number':
      return { argument: '<x>', ...common, parse };
    case 'choice':
      return { argument: `<${form.choices.join('|')}>`, ...common, parse };
    case 'flag':
      return { ...common, negatable: true, parse };
    case 'texts':
      return {
        argument: '<text>',
        ...common,
        many: true,
        parse: (value, name) => [parsed({ ...row, schema: fields.oneText }, value, name, value)] as T,
      };
    default:
      return { argument: '<text>', ...common, parse };
  }
}

/** The checked value of the flag `name`. Throws a misuse that shows it as it was typed. */
function parsed<T>(
  row: Pick<AnyField, 'hint'> & { readonly schema: Schema<T> },
  value: unknown,
  name: string,
  typed: string,
): T {
  try {
    return checkValue(row, value, name, /^$|^\s|\s$/.test(typed) ? `'${typed}'` : typed);
  } catch (error) {
    throw misuse((error as Error).message);
  }
}

/**
 * The typed value, converted for the library. A value that cannot be converted is left to the check, which
 * refuses it.
 */
function read(form: Form, text: string): unknown {
  if (form.kind === 'integer' || form.kind === 'number')
    return text.trim() === '' ? Number.NaN : Number(text);
  if (form.kind === 'flag') return text === 'true';
  return form.kind === 'choice' ? (form.choices.find((known) => String(known) === text) ?? text) : text;
}

/** The default, for people. */
function initialOf({ default: value }: AnyField): string | undefined {
  if (value === Number.POSITIVE_INFINITY) return 'all';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' || (typeof value === 'string' && value !== '') ? String(value) : undefined;
}
