// What every kernel of an engine takes: each call is waited for before the next one is queued, which makes
// the whole a little slower.
import { type KernelName, wrapKernels } from '../backend/call.ts';
import type { Backend } from '../backend/contract.ts';

/** Calls of one kind and their seconds. */
export interface KernelTime {
  calls: number;
  seconds: number;
  /** Floating-point operations, where `describe` knows them. */
  flop: number;
}

/** What a call is listed as, and its floating-point operations where they matter. */
export type Describe = (name: KernelName, args: readonly unknown[]) => readonly [kind: string, flop: number];

/** An engine that keeps a record of its kernels. */
export interface TimedBackend {
  backend: Backend;
  /** The times since the last call, by kind. */
  take(): Map<string, KernelTime>;
}

/**
 * The same engine, each kernel waiting until it is done. `describe`: by default calls are listed by kernel.
 */
export function timeKernels(engine: Backend, describe: Describe = (name) => [name, 0]): TimedBackend {
  let times = new Map<string, KernelTime>();
  const flag = engine.alloc('f32', 1);
  const kernels = wrapKernels(engine.kernels, (call, args, kernel) => {
    const begun = performance.now();
    kernel(...args);
    engine.readSync(flag);
    const seconds = (performance.now() - begun) / 1000;
    const [kind, flop] = describe(call.name, args);
    const time = times.get(kind) ?? { calls: 0, seconds: 0, flop: 0 };
    times.set(kind, { calls: time.calls + 1, seconds: time.seconds + seconds, flop: time.flop + flop });
  });
  return {
    backend: { ...engine, kernels },
    take() {
      const taken = times;
      times = new Map();
      return taken;
    },
  };
}
