// What a flag is: a name, what it takes, and the check that turns a bad value into one clear line.
import { misuse } from './errors.ts';

/** `T` is what the flag's value becomes. */
export interface Flag<T> {
  about: string;
  /** Shown in the help: `<n>`. Left out for flags that take nothing. */
  argument?: string;
  /** Letter for `-p`. */
  short?: string;
  /** Heading under which the help shows it; `Options` where left out. */
  group?: string;
  /** Shown in the help; the command applies it. */
  initial?: string;
  /** Left to `--help-all`. */
  rare?: boolean;
  /** May be given several times; the value is the list. */
  many?: boolean;
  /** Also understands `--no-...`. */
  negatable?: boolean;
  /** The library's option that it sets, by its name there: `topLogprobs`. See option-names.ts. */
  option?: string;
  /** `name` is the flag as written, for messages. */
  parse(text: string, name: string): T;
}

/** A command's flags by name in camelCase; on the command line they are `--in-kebab-case`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table of flags; what was not given is undefined. */
export type Values<F extends Flags> = { [K in keyof F]?: F[K] extends Flag<infer T> ? T : never };

type Look = Pick<Flag<unknown>, 'about'> & Partial<Omit<Flag<unknown>, 'about' | 'parse'>>;

/** Any text. */
export function text(look: Look): Flag<string> {
  return { argument: '<text>', ...look, parse: (value) => value };
}

/** Any text, several times. */
export function texts(look: Look): Flag<string[]> {
  return { argument: '<text>', ...look, many: true, parse: (value) => [value] };
}

/** A number within bounds, both inclusive. */
export function number(look: Look, min: number = -Infinity, max: number = Infinity): Flag<number> {
  const parse = (value: string, name: string): number => {
    const parsed = Number(value);
    if (value.trim() === '' || !Number.isFinite(parsed) || parsed < min || parsed > max) {
      throw misuse(`${name} ${value} is not a number${range(min, max)}`);
    }
    return parsed;
  };
  return { argument: '<x>', ...look, parse };
}

/** A whole number within bounds, both inclusive. */
export function integer(
  look: Look,
  min: number = -Infinity,
  max: number = Number.MAX_SAFE_INTEGER,
): Flag<number> {
  const parse = (value: string, name: string): number => {
    const parsed = Number(value);
    if (value.trim() === '' || !Number.isSafeInteger(parsed) || parsed < min || parsed > max) {
      throw misuse(`${name} ${value} is not a whole number${range(min, max)}`);
    }
    return parsed;
  };
  return { argument: '<n>', ...look, parse };
}

/** One of a few words. */
export function choice<const C extends string>(look: Look, choices: readonly C[]): Flag<C> {
  const parse = (value: string, name: string): C => {
    const found = choices.find((c) => c === value);
    if (found === undefined) throw misuse(`${name} ${value} is not one of ${choices.join(', ')}`);
    return found;
  };
  return { argument: `<${choices.join('|')}>`, ...look, parse };
}

/** Present or not. */
export function toggle(look: Look): Flag<boolean> {
  return { ...look, parse: () => true };
}

/** `--name` or `--no-name`. */
export function yesNo(look: Look): Flag<boolean> {
  return { ...look, negatable: true, parse: (value) => value === 'true' };
}

/** `nLayer` -> `--n-layer` */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function range(min: number, max: number): string {
  if (min === -Infinity && max >= Number.MAX_SAFE_INTEGER) return '';
  return max >= Number.MAX_SAFE_INTEGER ? ` >= ${min}` : ` from ${min} to ${max}`;
}
