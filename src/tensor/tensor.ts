// A tensor: a buffer on an engine, a shape, and (while training) a gradient. Read next: ops.ts, then tape.ts.

import type { ArrayOf, Backend, DeviceBuffer, DType, HostArray } from '../backend/contract.ts';
import { currentBackend } from '../backend/current.ts';
import { formatAmount } from '../base/format.ts';
import { adopt, forget } from './scope.ts';

/**
 * Dense, row-major. The contents are on `backend`; `data()` copies them out. `D` is the type of the elements.
 */
export class Tensor<D extends DType = 'f32'> {
  readonly backend: Backend;
  readonly buffer: DeviceBuffer;
  readonly shape: readonly number[];
  /** True for parameters: ops on it are recorded, and its `grad` outlives the step. */
  readonly isParameter: boolean;
  /** Whether it gets a gradient: true for parameters, and for results of ops on them while a tape runs. */
  requiresGrad: boolean;
  /** dLoss/dThis, same shape. Null until a backward has reached it. */
  grad: Tensor | null = null;
  #disposed = false;

  constructor(backend: Backend, buffer: DeviceBuffer, shape: readonly number[], isParameter = false) {
    this.backend = backend;
    this.buffer = buffer;
    this.shape = shape;
    this.isParameter = isParameter;
    this.requiresGrad = isParameter;
    if (!isParameter) adopt(this);
  }

  get dtype(): D {
    return this.buffer.dtype as D;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** A copy of the elements, after everything queued earlier has run. */
  async data(): Promise<ArrayOf<D>> {
    return (await this.backend.read(this.buffer, 0, this.size)) as ArrayOf<D>;
  }

  /** Copies the elements into `out`, after everything queued earlier has run. */
  async readInto(out: ArrayOf<D>): Promise<void> {
    await this.backend.readInto(out, this.buffer);
  }

  /** Overwrites the elements from `offset` on. */
  write(data: ArrayOf<D>, offset = 0): this {
    this.backend.write(this.buffer, data, offset);
    return this;
  }

  /** Returns the buffer, and that of the gradient, to the engine's pool. A second call does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    forget(this);
    this.backend.free(this.buffer);
    this.grad?.dispose();
    this.grad = null;
  }

  toString(): string {
    return `Tensor(${this.dtype} [${this.shape.join(', ')}])`;
  }
}

/** Product of the sizes; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A tensor with undefined contents, to be filled by a kernel. */
export function empty<D extends DType = 'f32'>(
  shape: readonly number[],
  dtype: D = 'f32' as D,
  backend: Backend = currentBackend(),
): Tensor<D> {
  return new Tensor(backend, backend.alloc(dtype, sizeOf(shape)), shape);
}

export function zeros<D extends DType = 'f32'>(
  shape: readonly number[],
  dtype: D = 'f32' as D,
  backend: Backend = currentBackend(),
): Tensor<D> {
  const out = empty<D>(shape, dtype, backend);
  backend.kernels.fill(out.buffer, 0);
  return out;
}

/** A tensor with these elements. Throws when their number does not fit the shape. */
export function tensor<A extends HostArray>(
  data: A,
  shape: readonly number[],
  backend: Backend = currentBackend(),
): Tensor<DTypeOf<A>> {
  checkSize(data, shape);
  const out = empty(shape, dtypeOf(data), backend);
  backend.write(out.buffer, data);
  return out;
}

/** A trainable tensor with these elements. It belongs to no scope. */
export function parameter(
  data: Float32Array,
  shape: readonly number[],
  backend: Backend = currentBackend(),
): Tensor {
  checkSize(data, shape);
  return new Tensor(backend, backend.alloc('f32', data.length), shape, true).write(data);
}

function checkSize({ length }: HostArray, shape: readonly number[]): void {
  if (length === sizeOf(shape)) return;
  const verb = length === 1 ? 'does' : 'do';
  throw new Error(
    `${formatAmount(length, 'element')} ${verb} not fill the shape [${shape.join(', ')}] (${sizeOf(shape)})`,
  );
}

/** The dtype of an array. */
export type DTypeOf<A extends HostArray> = A extends Float32Array
  ? 'f32'
  : A extends Int32Array
    ? 'i32'
    : 'i8';

/** The dtype whose elements are in such an array. */
export function dtypeOf<A extends HostArray>(data: A): DTypeOf<A> {
  const dtype: DType = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'i8';
  return dtype as DTypeOf<A>;
}
