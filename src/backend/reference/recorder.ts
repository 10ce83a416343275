// Programs in plain TypeScript: a recording is the list of the calls. Read next: ../contract.ts (`record`).
import type { Kernels } from '../contract.ts';

type Call = (start: number) => void;

export interface Recorder {
  /** The kernels given, which run at once except during a recording. */
  readonly kernels: Kernels;
  /** The calls of kernels in `fn`, to be made with another `start`. */
  record(fn: () => void): Call[];
}

/** A recorder of calls of `direct`. */
export function createRecorder(direct: Kernels): Recorder {
  let calls: Call[] | null = null;
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
      const list: Call[] = [];
      calls = list;
      try {
        fn();
      } finally {
        calls = null;
      }
      return list;
    },
  };
}

/** A shape that has a `start` with this one; everything else as it is. */
function startingAt(arg: unknown, start: number): unknown {
  return typeof arg === 'object' && arg !== null && 'start' in arg ? { ...arg, start } : arg;
}
