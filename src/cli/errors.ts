// Two ways to end badly: asked wrongly (exit code 2), or could not be done (exit code 1). Either is one line.

/** Asked wrongly: an unknown flag, a value out of range, a folder that is in use. */
export class MisuseError extends Error {}

export function misuse(message: string): MisuseError {
  return new MisuseError(message);
}

/** The same in words of the library, with its names of options: option-names.ts makes flags of them. */
export class LibraryMisuse extends MisuseError {}

/** Runs the library's checks of a request: whatever they throw is a misuse. */
export async function asked<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw error instanceof MisuseError ? error : new LibraryMisuse((error as Error).message);
  }
}
