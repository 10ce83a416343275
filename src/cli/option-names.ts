// The library's errors call options by their names there; whoever typed flags reads flags.
import { LibraryMisuse, misuse } from './errors.ts';
import { type Flags, flagName } from './flags.ts';

/** What a command has thrown, in the words of its flags. */
export function inFlags(error: unknown, flags: Flags): unknown {
  return error instanceof LibraryMisuse ? misuse(nameFlags(error.message, flags)) : error;
}

/** `nHead 7 does not divide nEmbd 16` -> `--n-head 7 does not divide --n-embd 16`, where the flags exist. */
export function nameFlags(message: string, flags: Flags): string {
  const byOption = new Map<string, { long: string; negatable: boolean }>();
  for (const [name, { option, negatable = false }] of Object.entries(flags))
    if (option !== undefined) byOption.set(option, { long: flagName(name), negatable });
  // Not in quotes, paths and longer names: those are of a file, or typed.
  const names = /(?<![\w.'"`/-])([a-z]\w*)(?:: (true|false|[\d.]*\d))?(?![\w'"`/-]|\.\w)/g;
  return message.replace(names, (whole, name: string, value: string | undefined, at: number) => {
    const flag = byOption.get(name);
    if (!flag) return whole;
    if (value !== undefined) return settled(flag, value);
    // `steps`, `dropout`, `seed`: as a rule ordinary words, but not before a value.
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
