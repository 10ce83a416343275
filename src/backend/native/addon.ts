// The face of the C++ addon (native/addon.cpp), typed. Sizes and options come first, then buffers by number.
import type { DType, HostArray } from '../contract.ts';

/** A buffer's number in its engine. */
export type Id = number;

/** What the addon calls the dtypes. */
export const DTYPE_NUMBERS: Readonly<Record<DType, number>> = { f32: 0, i32: 1, i8: 2 };

/** p, seed, step, site, offset of a `Dropout`; p = 0 keeps everything. */
export type DropoutArgs = [p: number, seed: number, step: number, site: number, offset: number];

type MixArgs = [rows: number, cols: number, from: number, to: number];
type AttentionArgs = [B: number, T: number, H: number, hs: number, scale: number];

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
 * Goes up here and in native/addon.cpp with each change of what a method takes, so that an addon that was built before is refused
 * in one line.
 */
export const ADDON_VERSION = 1;

export interface Addon {
  version: number;
  /** Best first. */
  isas(): Isa[];
  NativeEngine: new (isa: string, threads: number, bf16: boolean) => NativeEngine;
}

/**
 * Threads, a queue and buffers. Every method but `readNow` and `dispose` returns at once; kernels run in the
 * order of the calls. Wrong arguments throw before anything is queued. Kernels are described in ../contract.ts.
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

  /** For benchmarks: `blocks` blocks of multiply-adds (0: f32, 1: bf16, 2: int8); out[0] = operations of each, 0: none. */
  peak(kind: number, blocks: number, out: Id): void;

  fill(value: number, out: Id): void;
  copy(outOffset: number, xOffset: number, length: number, out: Id, x: Id): void;
  add(length: number, out: Id, a: Id, b: Id): void;
  axpy(length: number, factor: number, out: Id, x: Id): void;
  scale(length: number, factor: number, out: Id, x: Id): void;
  sumSquares(length: number, accumulate: boolean, out: Id, x: Id): void;
  normalize(length: number, eps: number, out: Id, x: Id, squares: Id): void;
  sumRows(rows: number, cols: number, out: Id, x: Id): void;
  matmul(
    m: number,
    n: number,
    k: number,
    transA: boolean,
    transB: boolean,
    accumulate: boolean,
    symmetric: boolean,
    epilogue: number,
    kind: number,
    out: Id,
    a: Id,
    b: Id,
    bias: Id | null,
    pre: Id | null,
    x: Id | null,
  ): void;
  embedding(
    B: number,
    T: number,
    C: number,
    start: number,
    vocab: number,
    out: Id,
    ids: Id,
    tokens: Id,
    positions: Id | null,
  ): void;
  embeddingBackward(
    B: number,
    T: number,
    C: number,
    vocab: number,
    dTokens: Id,
    dPositions: Id | null,
    dOut: Id,
    ids: Id,
  ): void;
  layernorm(
    rows: number,
    cols: number,
    eps: number,
    out: Id,
    mean: Id,
    rstd: Id,
    x: Id,
    weight: Id,
    bias: Id | null,
  ): void;
  layernormBackward(
    rows: number,
    cols: number,
    accumulate: boolean,
    dx: Id,
    dWeight: Id,
    dBias: Id | null,
    dOut: Id,
    x: Id,
    weight: Id,
    mean: Id,
    rstd: Id,
  ): void;
  rmsnorm(rows: number, cols: number, eps: number, out: Id, rrms: Id, x: Id, weight: Id): void;
  rmsnormBackward(
    rows: number,
    cols: number,
    accumulate: boolean,
    dx: Id,
    dWeight: Id,
    dOut: Id,
    x: Id,
    weight: Id,
    rrms: Id,
  ): void;
  activation(length: number, kind: number, out: Id, x: Id): void;
  activationBackward(length: number, kind: number, dx: Id, dOut: Id, x: Id): void;
  softcap(length: number, cap: number, out: Id, x: Id): void;
  softcapBackward(length: number, cap: number, dx: Id, dOut: Id, y: Id): void;
  mix(...args: [...MixArgs, out: Id, a: Id, b: Id, weight: Id]): void;
  mixBackward(
    ...args: [
      ...MixArgs,
      accumulate: boolean,
      da: Id,
      db: Id,
      dWeight: Id,
      dOut: Id,
      a: Id,
      b: Id,
      weight: Id,
    ]
  ): void;
  dropout(length: number, ...rest: [...DropoutArgs, out: Id, x: Id, residual: Id | null]): void;
  attention(...args: [...AttentionArgs, ...DropoutArgs, out: Id, lse: Id, qkv: Id]): void;
  attentionBackward(
    ...args: [...AttentionArgs, ...DropoutArgs, dqkv: Id, dOut: Id, out: Id, lse: Id, qkv: Id]
  ): void;
  attentionCached(
    ...args: [...AttentionArgs, start: number, capacity: number, out: Id, keys: Id, values: Id, qkv: Id]
  ): void;
  attentionProbabilities(...args: [...AttentionArgs, probs: Id, qkv: Id]): void;
  qkNorm(rows: number, H: number, hs: number, eps: number, out: Id, rrms: Id, qkv: Id, weight: Id): void;
  qkNormBackward(
    rows: number,
    H: number,
    hs: number,
    dqkv: Id,
    dWeight: Id,
    dOut: Id,
    qkv: Id,
    weight: Id,
    rrms: Id,
  ): void;
  rope(
    B: number,
    T: number,
    H: number,
    hs: number,
    start: number,
    base: number,
    inverse: boolean,
    out: Id,
    qkv: Id,
  ): void;
  crossEntropy(
    rows: number,
    cols: number,
    smoothing: number,
    losses: Id,
    lse: Id,
    logits: Id,
    targets: Id,
  ): void;
  crossEntropyBackward(
    rows: number,
    cols: number,
    factor: number,
    smoothing: number,
    dLogits: Id,
    logits: Id,
    lse: Id,
    targets: Id,
  ): void;
  adamw(
    length: number,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    t: number,
    gradScale: number,
    param: Id,
    grad: Id,
    m: Id,
    v: Id,
  ): void;
  sgd(
    length: number,
    lr: number,
    momentum: number,
    weightDecay: number,
    gradScale: number,
    param: Id,
    grad: Id,
    velocity: Id | null,
  ): void;
  nesterov(length: number, momentum: number, gradScale: number, out: Id, velocity: Id, grad: Id): void;
  statistics(
    rows: number,
    cols: number,
    lo: number,
    hi: number,
    bins: number,
    out: Id,
    active: Id | null,
    x: Id,
  ): void;
  quantizeRows(rows: number, cols: number, q: Id, scale: Id, x: Id): void;
  dequantizeRows(rows: number, cols: number, x: Id, q: Id, scale: Id): void;
  linearInt8(
    m: number,
    n: number,
    k: number,
    int8Activations: boolean,
    out: Id,
    x: Id,
    weight: Id,
    scale: Id,
    bias: Id | null,
  ): void;
  embeddingInt8(
    B: number,
    T: number,
    C: number,
    start: number,
    vocab: number,
    out: Id,
    ids: Id,
    tokens: Id,
    scale: Id,
    positions: Id | null,
  ): void;
  dequantizeInt4(rows: number, cols: number, groupSize: number, x: Id, codes: Id, scale: Id): void;
  linearInt4(
    m: number,
    n: number,
    k: number,
    groupSize: number,
    int8Activations: boolean,
    out: Id,
    x: Id,
    codes: Id,
    scale: Id,
    bias: Id | null,
  ): void;
  embeddingInt4(
    B: number,
    T: number,
    C: number,
    start: number,
    vocab: number,
    groupSize: number,
    out: Id,
    ids: Id,
    codes: Id,
    scale: Id,
    positions: Id | null,
  ): void;
}
