// Buffers during a recording: what the recorded function frees is used again by the function itself, and otherwise kept
// for the program until that ends. Read next: contract.ts (`record`), pool.ts.
import type { DeviceBuffer, DType } from './contract.ts';
import { createPool, type Pool } from './pool.ts';

export interface Lender<B extends DeviceBuffer> {
  alloc(dtype: DType, length: number): B;
  free(buffer: DeviceBuffer): void;
  /** Runs `fn`, and returns what ends the loan of the buffers that it freed. Throws when one is running already. */
  lend(fn: () => void): () => void;
}

/** `alloc` and `free` of `pool`, by `free` itself where that does more than the pool. */
export function createLender<B extends DeviceBuffer>(
  pool: Pool<B>,
  free: (buffer: DeviceBuffer) => void = pool.free,
): Lender<B> {
  let lent: Pool<B> | null = null;
  let foreign: DeviceBuffer[] = [];

  return {
    alloc: (dtype, length) => (lent ?? pool).alloc(dtype, length),
    free(buffer) {
      if (lent === null) free(buffer);
      else if (lent.owns(buffer)) lent.free(buffer);
      else foreign.push(buffer);
    },
    lend(fn) {
      if (lent) throw new Error('record: a recording is running already: record one program after the other');
      const loan = createPool<B>({ create: pool.alloc, destroy: free });
      const early: DeviceBuffer[] = [];
      const end = (): void => {
        loan.trim();
        for (const buffer of early.splice(0)) free(buffer);
      };
      lent = loan;
      foreign = early;
      try {
        fn();
        return end;
      } catch (error) {
        end();
        throw error;
      } finally {
        lent = null;
      }
    },
  };
}
