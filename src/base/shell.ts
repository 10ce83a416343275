// Words of a command line, to be copied into a shell.

/** A word of a POSIX shell's command line, quoted where it must be. */
export function shellWord(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `nLayer` -> `--n-layer` */
export function flagName(name: string): string {
  return `--${dashed(name)}`;
}

/** `nLayer` -> `n-layer` */
export function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
