// Work in short turns: kernels that run on JavaScript's own thread would keep signals, timers and sockets
// waiting for as long as a pass takes. Of the engines that have no thread of their own. Read next:
// reference/index.ts.

export interface Turns {
  /**
   * Runs `task` at once, or, where much was run in this turn of the event loop already, in a later one: in
   * the order of the calls.
   */
  run(task: () => void): void;
  /** Whether what is run now would wait. */
  behind(): boolean;
  /**
   * The same as `run` for what somebody waits for. Rejects when the task, or one that waited before it,
   * threw.
   */
  result<T>(task: () => T): Promise<T>;
  /** Runs now what still waits. Throws what one of it threw. */
  finish(): void;
  /** Forgets what waits; who waits for a result is told `reason`. */
  drop(reason: unknown): void;
}

/** Milliseconds of work in one turn of the event loop. */
const TURN_MS = 100;

/** A task that waits, and what becomes of who waits for it. */
interface Waiting {
  task(): void;
  reject?(reason: unknown): void;
}

export function createTurns(): Turns {
  let waiting: Waiting[] = [];
  let next = 0;
  let begun: number | null = null;
  /** What a task threw that nobody waited for: for the next who does. */
  let failure: { error: unknown } | null = null;

  /** Whether this turn has been long enough. */
  function tired(): boolean {
    if (begun !== null) return performance.now() - begun > TURN_MS;
    begun = performance.now();
    setTimeout(turn, 0);
    return false;
  }

  /** A new turn: goes on with what waits. */
  function turn(): void {
    begun = null;
    while (next < waiting.length && !tired()) runNext();
    if (next < waiting.length) return;
    waiting = [];
    next = 0;
  }

  function runNext(): void {
    try {
      waiting[next++].task();
    } catch (error) {
      failure ??= { error };
    }
  }

  function throwFailure(): void {
    const { error } = failure ?? {};
    const failed = failure !== null;
    failure = null;
    if (failed) throw error;
  }

  const behind = (): boolean => next < waiting.length || tired();

  return {
    behind,
    run(task) {
      if (!behind()) task();
      else waiting.push({ task });
    },
    result(task) {
      return new Promise((resolve, reject) => {
        const answer = (): void => {
          try {
            throwFailure();
            resolve(task());
          } catch (error) {
            reject(error);
          }
        };
        if (next === waiting.length) answer();
        else waiting.push({ task: answer, reject });
      });
    },
    finish() {
      while (next < waiting.length) runNext();
      throwFailure();
    },
    drop(reason) {
      const dropped = waiting.slice(next);
      waiting = [];
      next = 0;
      failure = null;
      for (const { reject } of dropped) reject?.(reason);
    },
  };
}
