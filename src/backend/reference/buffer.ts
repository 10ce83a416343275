// The buffers of the reference kernels, and access to their elements. Read next: matmul.ts.
import type { DeviceBuffer, HostArray } from '../contract.ts';

/**
 * A buffer whose elements JavaScript can access. An engine with such buffers can use any reference kernel.
 */
export type HostBuffer = DeviceBuffer & { readonly array: HostArray };

/** The elements of an `f32` buffer. ../call.ts has already checked that a call fits its buffers. */
export function f32(buffer: DeviceBuffer): Float32Array {
  return (buffer as HostBuffer).array as Float32Array;
}

/** The elements of an `i32` buffer. */
export function i32(buffer: DeviceBuffer): Int32Array {
  return (buffer as HostBuffer).array as Int32Array;
}

/** The elements of an `i8` buffer. */
export function i8(buffer: DeviceBuffer): Int8Array {
  return (buffer as HostBuffer).array as Int8Array;
}

/**
 * `Backend.write` for memory that JavaScript can access. Throws when `data` has another dtype or does not
 * fit.
 */
export function writeHost(buffer: HostBuffer, data: HostArray, offset = 0): void {
  checkDType('write', data, buffer);
  checkRange('write: buffer', buffer, offset, data.length);
  buffer.array.set(data, offset);
}

/** `Backend.readInto` for memory that JavaScript can access. Throws as `writeHost`. */
export function readHostInto<T extends HostArray>(out: T, buffer: HostBuffer, offset = 0): T {
  checkDType('readInto', out, buffer);
  checkRange('readInto: buffer', buffer, offset, out.length);
  out.set(buffer.array.subarray(offset, offset + out.length));
  return out;
}

function checkDType(what: string, data: HostArray, { array, dtype }: HostBuffer): void {
  if (data.constructor.name !== array.constructor.name)
    throw new Error(`${what}: a ${data.constructor.name}, and a buffer of ${dtype}`);
}

/**
 * `Backend.read` for memory that JavaScript can access: a copy. Throws when the range is not inside the
 * buffer.
 */
export function readHost(buffer: HostBuffer, offset = 0, length: number = buffer.length - offset): HostArray {
  checkRange('read: buffer', buffer, offset, length);
  return buffer.array.slice(offset, offset + length);
}

/** Throws unless elements offset .. offset + length are inside `buffer`. `name` is kernel and argument. */
function checkRange(name: string, buffer: DeviceBuffer, offset: number, length: number): void {
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > buffer.length) {
    throw new Error(`${name} has ${buffer.length} elements, asked for ${length} from element ${offset} on`);
  }
}
