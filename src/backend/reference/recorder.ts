// Programs in plain TypeScript: a recording is a list of calls. Read next: ../contract.ts (`record`).
import { wrapKernels } from '../call.ts';
import type { Kernels, Program } from '../contract.ts';

export interface Recorder {
  /** The given kernels with checked calls. `run` runs a call, except during a recording. */
  readonly kernels: Kernels;
  /** The program of the kernels that `fn` calls. */
  record(fn: () => void): Program;
}

/** A recorder of calls of `direct`; `run` runs a call, now or later. */
export function createRecorder(direct: Kernels, run: (task: () => void) => void): Recorder {
  let list: ((start: number) => void)[] | null = null;
  return {
    kernels: wrapKernels(direct, (call, args, kernel) => {
      call.check(args);
      if (!list) return run(() => kernel(...args));
      list.push((start) => {
        const moved = call.startingAt(args, start);
        if (moved !== args) call.check(moved);
        run(() => kernel(...moved));
      });
    }),
    record(fn) {
      const steps: ((start: number) => void)[] = [];
      list = steps;
      try {
        fn();
      } finally {
        list = null;
      }
      return {
        replay(start) {
          for (const step of steps) step(start);
        },
        dispose: () => steps.splice(0),
      };
    },
  };
}
