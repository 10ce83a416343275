// What a stream is: a terminal to draw on, one that shows no colours, or a file.

/** Whether the output may be a terminal, where control characters would have an effect. */
export function isTerminal(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/**
 * The style for a stream: no drawing in place and no colour unless it is a capable terminal, no colour with
 * `NO_COLOR`. A terminal of 0 columns is not capable: `mpirun` and some schedulers give one to programs whose
 * output goes to a file.
 */
export function terminalStyle(
  stream: { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>> = process.env,
): { tty: boolean; color: boolean } {
  const tty = isTerminal(stream) && env.TERM !== 'dumb' && stream.columns !== 0;
  return { tty, color: tty && !env.NO_COLOR };
}
