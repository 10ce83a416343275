// The face of the C++ addon (native/addon.cpp), typed. Read next: index.ts.
import type { DType, HostArray } from '../contract.ts';

/** A buffer's number in its engine. */
export type Id = number;

/** What the addon calls the dtypes. */
export const DTYPE_NUMBERS: Readonly<Record<DType, number>> = { f32: 0, i32: 1, i8: 2 };

/** An instruction set that the addon has kernels for and that this processor runs. */
export interface Isa {
  /** `avx512`, `avx2` or `portable`. */
  name: string;
  /** `AVX-512`, for people. */
  label: string;
  /** Whether it multiplies bfloat16 by an instruction of its own, rather than as rounded floats. */
  bf16: boolean;
}

/**
 * Goes up here and in native/addon.cpp with each change of what a method takes, so that an addon that was
 * built before is refused in one line.
 */
export const ADDON_VERSION = 2;

export interface Addon {
  version: number;
  /** What `call` numbers, in order; `layout` as in ../call.ts. */
  kernels: { name: string; layout: string }[];
  /** Best first. */
  isas(): Isa[];
  /** `packed`: where `call` finds its numbers. */
  NativeEngine: new (
    isa: string,
    threads: number,
    bf16: boolean,
    packed: Float64Array,
  ) => NativeEngine;
}

/**
 * Threads, a queue and buffers. Every method but `readNow` and `dispose` returns at once; kernels run in the
 * order of the calls. Wrong arguments throw before anything is queued.
 */
export interface NativeEngine {
  alloc(dtype: number, length: number): Id;
  /** The memory goes when everything queued before has run. */
  release(id: Id): void;
  write(id: Id, data: HostArray, offset: number): void;
  /** Fills `data` once everything queued before has run, and resolves to it. */
  read<T extends HostArray>(id: Id, data: T, offset: number): Promise<T>;
  /** The same, blocking. */
  readNow(id: Id, data: HostArray, offset: number): void;
  sync(): Promise<void>;
  /** From here on kernels are recorded, not queued. Throws when a recording is running already. */
  startRecording(): void;
  /** Ends the recording and returns the number of its program. */
  stopRecording(): number;
  /** Ends the recording without a program. */
  dropRecording(): void;
  replay(program: number, start: number): void;
  releaseProgram(program: number): void;
  /** Ends the threads; promises that are still open are rejected. */
  dispose(): void;

  /** Queues a kernel by its number, with the numbers that `Call.pack` has written into `packed`. */
  call(kernel: number): void;
  /**
   * For benchmarks: `blocks` blocks of multiply-adds (0: f32, 1: bf16, 2: int8); out[0] = operations of each,
   * 0: none.
   */
  peak(kind: number, blocks: number, out: Id): void;
}
