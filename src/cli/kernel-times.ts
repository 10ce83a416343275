// The time of every kernel of an engine. Each call is awaited before the next is queued, which makes the
// total slightly longer.
import { type KernelName, wrapKernels } from '../backend/call.ts';
import type { Backend } from '../backend/contract.ts';

/** The calls of one kind, and their seconds. */
export interface KernelTime {
  calls: number;
  seconds: number;
  /** Floating-point operations, if `describe` knows them. */
  flop: number;
}

/** The kind under which a call is listed, and its floating-point operations if they matter. */
export type Describe = (name: KernelName, args: readonly unknown[]) => readonly [kind: string, flop: number];

/** An engine that measures its kernels. */
export interface TimedBackend {
  backend: Backend;
  /** The times since the last call of this method, by kind. */
  take(): Map<string, KernelTime>;
}

/**
 * The same engine, with each kernel awaited. `describe`: by default calls are listed by kernel. Throws for an
 * engine without `readSync`.
 */
export function timeKernels(engine: Backend, describe: Describe = (name) => [name, 0]): TimedBackend {
  let times = new Map<string, KernelTime>();
  const flag = engine.alloc('f32', 1);
  try {
    engine.readSync(flag);
  } catch {
    throw new Error(
      `the times of single kernels cannot be measured on ${engine.name}, which cannot be waited for: use another engine`,
    );
  }
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
