// Options are objects with names, and a name that nobody knows is a mistake of whoever wrote it.

/** Throws when `options` has a name that is not in `known`. `where` is what was called. */
export function refuseUnknown(options: object, known: readonly string[], where: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new Error(`unknown option '${unknown}' for ${where}: known are ${known.join(', ')}`);
}
