// The library's errors name options; users of the command line know flags, or the fields of their file.
import { flagName } from '../base/shell.ts';
import { LibraryMisuse, misuse } from './errors.ts';
import type { Flags } from './flags.ts';

/** An error of a command, in the words of its flags. Options that come from a file keep their names. */
export function inFlags(error: unknown, flags: Flags): unknown {
  if (!(error instanceof LibraryMisuse)) return error;
  const { message, origin } = error;
  const all = nameFlags(message, flags);
  if (!origin) return misuse(all);
  const typed = Object.entries(flags).filter(([, { option = '' }]) => !origin.fields.has(option));
  const some = nameFlags(message, Object.fromEntries(typed));
  return misuse(some === all ? all : `${origin.file}: ${some}`);
}

/** `nHead 7 does not divide nEmbd 16` -> `--n-head 7 does not divide --n-embd 16`, where the flags exist. */
export function nameFlags(message: string, flags: Flags): string {
  const byOption = new Map<string, NamedFlag>();
  for (const [name, { option, negatable = false, argument = '' }] of Object.entries(flags)) {
    const choices = argument.slice(1, -1).split('|');
    if (option !== undefined) byOption.set(option, { long: flagName(name), negatable, choices });
  }
  // Not in quotes, paths and longer names, which come from files or from the user.
  const names = /(?<![\w.'"`/-])([a-z]\w*)(?:: (true|false|[\d.]*\d))?(?![\w'"`/-]|\.\w)/g;
  return message.replace(names, (whole, name: string, value: string | undefined, at: number) => {
    const flag = byOption.get(name);
    if (!flag) return whole;
    if (value !== undefined) return settled(flag, value);
    // `steps`, `dropout`, `seed`: usually ordinary words, but option names before a value.
    const isWord = name === name.toLowerCase();
    return isWord && !beforeValue(message.slice(at + whole.length), flag) ? whole : flag.long;
  });
}

interface NamedFlag {
  long: string;
  negatable: boolean;
  /** The words that it takes, of a choice. */
  choices: readonly string[];
}

function beforeValue(rest: string, { choices }: NamedFlag): boolean {
  if (/^ (?:is )?(?:-?[\d.]*\d|['"])/.test(rest)) return true;
  const [, word] = rest.match(/^ (?:is )?([\w-]+)/) ?? [];
  return choices.length > 1 && choices.includes(word ?? '');
}

/** `--no-tie-weights` for `tieWeights: false`, `--sample-every 0` for `sampleEvery: 0`. */
function settled({ long, negatable }: NamedFlag, value: string): string {
  if (negatable && value === 'true') return long;
  if (negatable && value === 'false') return long.replace('--', '--no-');
  return `${long} ${value}`;
}
