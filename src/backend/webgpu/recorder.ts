// Where calls of shaders go: to the GPU, into a program while one is recorded, or into a short wait for calls
// like them (join.ts). Read next: index.ts.
import type { Call } from '../call.ts';
import type { DeviceBuffer, Program } from '../contract.ts';
import type { Lender } from '../lender.ts';
import type { GpuBuffer } from './homes.ts';
import type { Line, Queue } from './queue.ts';

export interface Recorder {
  readonly queue: Queue;
  /**
   * Runs a kernel; `call` describes it. In a recording, what depends on a position is called in each replay.
   */
  dispatch(call: Call, args: readonly unknown[], kernel: (...args: readonly unknown[]) => void): void;
  /** Passes on what waits: before a buffer of it may get another use. */
  settle(): void;
  /** Passes on what waits, and then runs `fn`, whose kernels act at once, in a recording too. */
  atOnce(fn?: () => void): void;
  record(fn: () => void): Program;
}

/** A part of a program. */
type Step = (start: number) => void;

/** Calls that wait to be joined. */
interface Waiting {
  readonly key: string;
  readonly calls: unknown[];
  readonly uses: Set<DeviceBuffer>;
  emit(): void;
}

export function createRecorder(
  line: Line,
  lender: Lender<GpuBuffer>,
  features: Pick<Queue, 'bf16' | 'packedDot' | 'tiles'>,
): Recorder {
  let steps: Step[] | null = null;
  let waiting: Waiting | null = null;

  const settle = (): void => {
    const settled = waiting;
    waiting = null;
    settled?.emit();
  };
  /** Runs `fn` with another destination of its calls. */
  const into = (others: Step[] | null, fn: () => void): void => {
    const before = { steps, waiting };
    steps = others;
    waiting = null;
    try {
      fn();
      settle();
    } finally {
      ({ steps, waiting } = before);
    }
  };

  const queue: Queue = {
    ...features,
    run(row, buffers, numbers, extent) {
      settle();
      const dispatch = line.prepare(row, buffers, numbers, extent);
      if (steps) steps.push(() => line.encode(dispatch));
      else line.encode(dispatch);
    },
    collect(key, call, uses, emit) {
      const fits = waiting?.key === key && !uses.some((buffer) => waiting?.uses.has(buffer));
      if (!fits) settle();
      const calls: (typeof call)[] = [];
      waiting ??= { key, calls, uses: new Set(), emit: () => emit(calls) };
      waiting.calls.push(call);
      for (const buffer of uses) waiting.uses.add(buffer);
    },
    gather: (rows) => (steps ? [] : line.gather(rows as GpuBuffer[][])),
    withScratch(length, use) {
      const scratch = lender.alloc('f32', length);
      try {
        use(scratch);
      } finally {
        lender.free(scratch);
      }
    },
    keep: (length): GpuBuffer => ({ dtype: 'f32', length, ...line.createBuffer(4 * length) }),
    write: (buffer, data) => line.write(buffer as GpuBuffer, 0, new Uint8Array(data.buffer)),
  };

  return {
    queue,
    settle,
    dispatch(call, args, kernel) {
      if (!steps || call.startOf(args) === null) return kernel(...args);
      settle();
      steps.push((start) => {
        const moved = call.startingAt(args, start);
        call.check(moved);
        kernel(...moved);
      });
    },
    atOnce(fn = () => {}) {
      if (!steps) settle();
      into(null, fn);
    },
    record(fn) {
      settle();
      const own: Step[] = [];
      into(own, fn);
      return {
        replay(start) {
          settle();
          for (const step of own) step(start);
        },
        dispose: () => void own.splice(0),
      };
    },
  };
}
