// The library's errors name options; users of the command line know flags.
import { flagName } from '../base/shell.ts';
import { LibraryMisuse, misuse } from './errors.ts';
import type { Flags } from './flags.ts';

/** An error of a command, in the words of its flags. */
export function inFlags(error: unknown, flags: Flags): unknown {
  return error instanceof LibraryMisuse ? misuse(nameFlags(error.message, flags)) : error;
}

/** `nHead 7 does not divide nEmbd 16` -> `--n-head 7 does not divide --n-embd 16`, where the flags exist. */
export function nameFlags(message: string, flags: Flags): string {
  const byOption = new Map<string, { long: string; negatable: boolean }>();
  for (const [name, { option, negatable = false }] of Object.entries(flags))
    if (option !== undefined) byOption.set(option, { long: flagName(name), negatable });
  // Not in quotes, paths and longer names, which come from files or from the user.
  const names = /(?<![\w.'"`/-])([a-z]\w*)(?:: (true|false|[\d.]*\d))?(?![\w'"`/-]|\.\w)/g;
  return message.replace(names, (whole, name: string, value: string | undefined, at: number) => {
    const flag = byOption.get(name);
    if (!flag) return whole;
    if (value !== undefined) return settled(flag, value);
    // `steps`, `dropout`, `seed`: usually ordinary words, but option names before a value.
    const isWord = name === name.toLowerCase();
    const beforeValue = /^ (?:is )?(?:-?[\d.]*\d|['"])/.test(message.slice(at + whole.length));
    return isWord && !beforeValue ? whole : flag.long;
  });
}

/** `--no-tie-weights` for `tieWeights: false`, `--sample-every 0` for `sampleEvery: 0`. */
function settled({ long, negatable }: { long: string; negatable: boolean }, value: string): string {
  if (negatable && value === 'true') return long;
  if (negatable && value === 'false') return long.replace('--', '--no-');
  return `${long} ${value}`;
}
