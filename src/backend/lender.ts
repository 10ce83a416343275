// Ownership of buffers while a program is recorded, the same for every engine. Buffers that the recorded
// function frees can be reused within the recording; afterwards they are kept for the program, as a loan.
// Read next: contract.ts (`record`), pool.ts.
import type { DeviceBuffer, DType, Program } from './contract.ts';
import { createPool, type Pool } from './pool.ts';

export interface Lender<B extends DeviceBuffer> {
  alloc(dtype: DType, length: number): B;
  free(buffer: DeviceBuffer): void;
  /**
   * Runs `make`. Buffers that are freed meanwhile go to the program that it returns. The program returned
   * here gives them back when it is disposed of, and cannot run afterwards. Throws during another recording.
   */
  record(make: () => Program): Program;
}

/** `alloc` and `free` of `pool`. Engines pass `free` if they do more than the pool. */
export function createLender<B extends DeviceBuffer>(
  pool: Pool<B>,
  free: (buffer: DeviceBuffer) => void = pool.free,
): Lender<B> {
  let loan: Loan<B> | null = null;
  return {
    alloc: (dtype, length) => (loan?.pool ?? pool).alloc(dtype, length),
    free(buffer) {
      if (loan) loan.take(buffer);
      else free(buffer);
    },
    record(make) {
      if (loan) throw new Error('record: a recording is running already: record one program after the other');
      const own = createLoan(pool, free);
      loan = own;
      try {
        return guarded(make(), own.end, () => loan !== null);
      } catch (error) {
        own.end();
        throw error;
      } finally {
        loan = null;
      }
    },
  };
}

interface Loan<B extends DeviceBuffer> {
  pool: Pool<B>;
  take(buffer: DeviceBuffer): void;
  end(): void;
}

function createLoan<B extends DeviceBuffer>(pool: Pool<B>, free: (buffer: DeviceBuffer) => void): Loan<B> {
  const own = createPool<B>({ create: pool.alloc, destroy: free, keepsAll: true });
  const others: DeviceBuffer[] = [];
  return {
    pool: own,
    take(buffer) {
      if (own.owns(buffer)) own.free(buffer);
      else others.push(buffer);
    },
    end() {
      own.trim();
      for (const buffer of others.splice(0)) free(buffer);
    },
  };
}

/** `program`, with checked calls. Calls `end` once, when it is disposed of. */
function guarded(program: Program, end: () => void, recording: () => boolean): Program {
  let ended = false;
  return {
    replay(start) {
      if (ended) throw new Error('replay: this program was disposed of: record it again');
      if (recording())
        throw new Error('replay: a program cannot be recorded into another: replay it outside of `record`');
      if (!Number.isSafeInteger(start) || start < 0) {
        throw new Error(`replay: start ${start} is not a position: it must be a whole number >= 0`);
      }
      program.replay(start);
    },
    dispose() {
      if (ended) return;
      ended = true;
      program.dispose();
      end();
    },
  };
}
