// Checks of the copies between JavaScript and an engine, the same for every engine with memory of its own.
// Read next: wasm/index.ts.
import type { DeviceBuffer, HostArray } from './contract.ts';
import { hostArray } from './pool.ts';

const ARRAYS = { f32: Float32Array, i32: Int32Array, i8: Int8Array } as const;

/** Throws unless `data` has the dtype of `buffer`, and fits it from element `offset` on. */
export function checkTransfer(what: string, buffer: DeviceBuffer, data: HostArray, offset: number): void {
  const { dtype, length } = buffer;
  if (!(data instanceof ARRAYS[dtype]))
    throw new Error(`${what}: a ${data.constructor.name}, and a buffer of ${dtype}`);
  if (!(Number.isInteger(offset) && offset >= 0 && offset + data.length <= length))
    throw new Error(`${what}: ${data.length} elements from ${offset} on do not fit a buffer of ${length}`);
}

/** An array for `length` elements of `buffer`. Throws when it does not have as many from `offset` on. */
export function arrayFor(buffer: DeviceBuffer, offset: number, length: number): HostArray {
  const whole = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
  if (whole && offset + length <= buffer.length) return hostArray(buffer.dtype, length);
  throw new Error(`read: ${length} elements from ${offset} on do not fit a buffer of ${buffer.length}`);
}
