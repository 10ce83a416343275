// The types of the C++ addon (native/addon.cpp). Read next: index.ts.
import type { DType, HostArray } from '../contract.ts';
import type { KernelList } from '../packed-kernels.ts';

/** A buffer's number in its engine. */
export type Id = number;

/** The addon's numbers for dtypes. */
export const DTYPE_NUMBERS: Readonly<Record<DType, number>> = { f32: 0, i32: 1, i8: 2 };

/** An instruction set for which the addon has kernels and which this processor can run. */
export interface Isa {
  /** `amx`, `avx512`, `avx2`, `neon` or `portable`. */
  name: string;
  /** `AVX-512`, for people. */
  label: string;
  /** Whether it has an instruction that multiplies bfloat16. Otherwise floats are rounded. */
  bf16: boolean;
}

/**
 * Must be increased, here and in native/addon.cpp, with each change of a method's arguments. An older addon
 * is then refused in one line.
 */
export const ADDON_VERSION = 3;

export interface Addon {
  version: number;
  /** The kernels in the order of `call`'s numbers. */
  kernels: KernelList['kernels'];
  /** Best first. */
  isas(): Isa[];
  /** `packed`: the array from which `call` reads its numbers. */
  NativeEngine: new (
    isa: string,
    threads: number,
    bf16: boolean,
    packed: Float64Array,
  ) => NativeEngine;
}

/**
 * Threads, a queue and buffers. Every method except `readNow` and `dispose` returns at once; kernels run in
 * the order of the calls. Wrong arguments throw before anything is queued.
 */
export interface NativeEngine {
  alloc(dtype: number, length: number): Id;
  /** Frees the memory when everything queued before has run. */
  release(id: Id): void;
  write(id: Id, data: HostArray, offset: number): void;
  /** Fills `data` after everything queued before has run, and resolves to it. */
  read<T extends HostArray>(id: Id, data: T, offset: number): Promise<T>;
  /** As `read`, but blocks. */
  readNow(id: Id, data: HostArray, offset: number): void;
  sync(): Promise<void>;
  /** From now on kernels are recorded instead of queued. Throws during another recording. */
  startRecording(): void;
  /** Ends the recording and returns the number of its program. */
  stopRecording(): number;
  /** Ends the recording without a program. */
  dropRecording(): void;
  replay(program: number, start: number): void;
  releaseProgram(program: number): void;
  /** Ends the threads. Open promises are rejected. */
  dispose(): void;

  /**
   * Queues a kernel by its number. Its parameters are the numbers that `Call.pack` has written into `packed`.
   */
  call(kernel: number): void;
  /**
   * For benchmarks: runs `blocks` blocks of multiply-adds (0: f32, 1: bf16, 2: int8). out[0] = operations per
   * block, or 0 if the instruction does not exist.
   */
  peak(kind: number, blocks: number, out: Id): void;
}
