// Short turns of work: kernels that run on JavaScript's own thread would block signals, timers and sockets
// for a whole pass. For engines without a thread of their own. Read next: reference/index.ts.

export interface Turns {
  /**
   * Runs `task`: at once, or, if this turn of the event loop has already lasted long, in a later turn. Tasks
   * keep their order.
   */
  run(task: () => void): void;
  /** Whether a task would be deferred now. */
  behind(): boolean;
  /**
   * As `run`, with a promise. Rejects when the task, or one deferred before it, threw.
   */
  result<T>(task: () => T): Promise<T>;
  /** Runs all deferred tasks now. Throws the first error of one of them. */
  finish(): void;
  /** Drops the deferred tasks; promises for them reject with `reason`. */
  drop(reason: unknown): void;
}

/** A deferred task, with the promise that waits for it. */
interface Waiting {
  task(): void;
  reject?(reason: unknown): void;
}

/** Turns of about `milliseconds` of work: a turn ends after the task that exceeds them. */
export function createTurns(milliseconds = 100): Turns {
  let waiting: Waiting[] = [];
  let next = 0;
  let begun: number | null = null;
  /** The error of a task without a promise; the next one that waits gets it. */
  let failure: { error: unknown } | null = null;

  /** Whether this turn has lasted long enough. */
  function tired(): boolean {
    if (begun !== null) return performance.now() - begun > milliseconds;
    begun = performance.now();
    setTimeout(turn, 0);
    return false;
  }

  /** Begins a new turn: continues with the deferred tasks. */
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
