// An engine that computes nothing and holds nothing. A training on it makes and frees the buffers that it
// would on any other engine, so that `memory()` tells what that takes before a byte is allocated.
import { calls } from './call.ts';
import type { Backend, Kernels } from './contract.ts';
import { createLender } from './lender.ts';
import { BYTES_PER_ELEMENT, createPool, hostArray } from './pool.ts';

export interface CountingBackend extends Backend {
  /** Bytes of the largest buffer so far. */
  largest(): number;
}

/** A new engine with its own pool. All that it reads is 0. */
export function createCounting(): CountingBackend {
  let largest = 0;
  const pool = createPool({
    create(dtype, length) {
      largest = Math.max(largest, length * BYTES_PER_ELEMENT[dtype]);
      return { dtype, length };
    },
  });
  const lender = createLender(pool);
  const kernels = Object.fromEntries(Object.keys(calls).map((name) => [name, () => {}]));
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  return {
    name: 'counting',
    description: 'counting (computes nothing)',
    precision: 'f32',
    kernels: kernels as unknown as Kernels,
    alloc: lender.alloc,
    free: lender.free,
    write() {},
    read: async ({ dtype, length }, offset = 0, count = length - offset) => hostArray(dtype, count),
    readInto: async (out) => out.fill(0) as typeof out,
    readSync: ({ dtype, length }, offset = 0, count = length - offset) => hostArray(dtype, count),
    sync: settle,
    record(fn) {
      return lender.record(() => {
        fn();
        return { replay() {}, dispose() {} };
      });
    },
    memory: pool.memory,
    largest: () => largest,
    trim: pool.trim,
    dispose: pool.dispose,
  };
}
