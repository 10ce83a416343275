// Long computations that can pause. Each is written once, as a generator that yields how far it has come, and
// runs either to its end (`runThrough`) or in slices between which timers, signals and sockets have their
// turn (`runInSlices`).

/** A computation that yields how far it has come whenever it can pause, and returns its result. */
export type Pausable<T, P = number> = Generator<P, T, void>;

/** Runs `work` to its end; the event loop does not turn meanwhile. */
export function runThrough<T>(work: Pausable<T, unknown>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Milliseconds of computing between two turns of the event loop. */
const SLICE_MS = 50;

/**
 * Runs `work` in slices of about 50 ms, as far as its pauses allow, and lets the event loop turn between
 * them; `onPause` is told at the end of each slice how far it has come. Rejects with the signal's reason once
 * that is aborted.
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

/** Says when it is time for the event loop to turn, and lets it. */
export interface Pacer {
  /** Whether a slice is over. */
  due(): boolean;
  /** Resolves after a turn of the event loop; rejects with the signal's reason once that is aborted. */
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
