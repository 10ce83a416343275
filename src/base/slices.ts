// Long computations that can pause. Each is a generator that yields its progress. `runThrough` runs it
// without a pause; `runInSlices` lets timers, signals and sockets run between slices.

/** A computation that yields its progress wherever it can pause, and returns its result. */
export type Pausable<T, P = number> = Generator<P, T, void>;

/** Runs `work` to its end without returning to the event loop. */
export function runThrough<T>(work: Pausable<T, unknown>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Milliseconds of computing between two turns of the event loop. */
const SLICE_MS = 50;

/**
 * Runs `work` in slices of about 50 ms, as far as its pauses allow, and returns to the event loop after each.
 * `onPause` gets the progress at the end of each slice. Rejects with the signal's reason once that is
 * aborted.
 */
export async function runInSlices<T, P>(
  work: Pausable<T, P>,
  { signal, onPause }: { signal?: AbortSignal; onPause?: (reached: P) => void } = {},
): Promise<T> {
  const pacer = makePacer(signal);
  signal?.throwIfAborted();
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    signal?.throwIfAborted();
    if (!pacer.due()) continue;
    onPause?.(step.value);
    await pacer.turn();
  }
}

/** Decides when to return to the event loop, and does so. */
export interface Pacer {
  /** Whether the current slice has lasted long enough. */
  due(): boolean;
  /** Resolves after one turn of the event loop; rejects with the signal's reason once that is aborted. */
  turn(): Promise<void>;
}

export function makePacer(signal?: AbortSignal): Pacer {
  let begun = performance.now();
  return {
    due: () => performance.now() - begun >= SLICE_MS,
    async turn() {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      signal?.throwIfAborted();
      begun = performance.now();
    },
  };
}
