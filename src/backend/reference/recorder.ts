// Programs in plain TypeScript: a recording is the list of the calls. Read next: ../contract.ts (`record`).
import type { Kernels, Program } from '../contract.ts';

export interface Recorder {
  /** The kernels given, which run at once except during a recording. */
  readonly kernels: Kernels;
  /** A program of the kernels that `fn` calls. */
  record(fn: () => void): Program;
}

/** A recorder of calls of `direct`. */
export function createRecorder(direct: Kernels): Recorder {
  let calls: ((start: number) => void)[] | null = null;
  const recorded = (kernel: (...args: unknown[]) => void): ((...args: unknown[]) => void) => {
    return (...args) => {
      if (calls) calls.push((start) => kernel(...args.map((arg) => startingAt(arg, start))));
      else kernel(...args);
    };
  };
  const entries = Object.entries(direct).map(([name, kernel]) => [name, recorded(kernel)]);

  return {
    kernels: Object.fromEntries(entries) as Kernels,
    record(fn) {
      const list: typeof calls = [];
      calls = list;
      try {
        fn();
      } finally {
        calls = null;
      }
      return {
        replay(start) {
          for (const call of list) call(start);
        },
        dispose: () => list.splice(0),
      };
    },
  };
}

/** A shape that has a `start` with this one; everything else as it is. */
function startingAt(arg: unknown, start: number): unknown {
  return typeof arg === 'object' && arg !== null && 'start' in arg ? { ...arg, start } : arg;
}
