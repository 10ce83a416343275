// The two kinds of errors: misused (exit code 2) and failed (exit code 1). Each is one line.

/** A misuse: an unknown flag, a value out of range, a folder that is in use. */
export class MisuseError extends Error {}

/** The end of a process of which another one speaks: nothing is printed, only `code` returned. */
export class QuietError extends Error {
  readonly code: number;

  constructor(code: number) {
    super('another process speaks of it');
    this.code = code;
  }
}

export function misuse(message: string): MisuseError {
  return new MisuseError(message);
}

/** A JSON file with options, and the options that come from it. */
export interface Origin {
  /** `--config mine.json`. */
  file: string;
  fields: ReadonlySet<string>;
}

/** The message with the library's names of options. option-names.ts turns them into flags. */
export class LibraryMisuse extends MisuseError {
  readonly origin: Origin | undefined;

  constructor(message: string, origin?: Origin) {
    super(message);
    this.origin = origin;
  }
}

/** Runs the library's checks of a request. Every error that they throw is a misuse. */
export async function asked<T>(check: () => T | Promise<T>, origin?: Origin): Promise<T> {
  try {
    return await check();
  } catch (error) {
    throw error instanceof MisuseError ? error : new LibraryMisuse((error as Error).message, origin);
  }
}
