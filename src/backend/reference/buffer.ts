// What the reference kernels work on, and how they look inside: typed views, with their sizes checked. Read next: matmul.ts.
import type { DeviceBuffer, HostArray } from '../contract.ts';

/** A buffer whose elements JavaScript can see. An engine that passes such buffers inherits any reference kernel. */
export type HostBuffer = DeviceBuffer & { readonly array: HostArray };

/**
 * The elements of an `f32` buffer, checked to be at least `needed`. `name` says kernel and argument, for the error:
 * `matmul: a has 12 elements, its shape needs 20`.
 */
export function f32(buffer: DeviceBuffer, name: string, needed: number): Float32Array {
  return view(buffer, name, needed, 'f32') as Float32Array;
}

/** The same for `i32`. */
export function i32(buffer: DeviceBuffer, name: string, needed: number): Int32Array {
  return view(buffer, name, needed, 'i32') as Int32Array;
}

/** The same for `i8`. */
export function i8(buffer: DeviceBuffer, name: string, needed: number): Int8Array {
  return view(buffer, name, needed, 'i8') as Int8Array;
}

function view(buffer: DeviceBuffer, name: string, needed: number, dtype: string): HostArray {
  if (buffer.dtype !== dtype) throw new Error(`${name} is ${buffer.dtype}, this kernel takes ${dtype}`);
  if (!Number.isInteger(needed) || needed < 0) throw new Error(`${name}: its shape gives ${needed} elements`);
  if (buffer.length < needed) {
    throw new Error(`${name} has ${buffer.length} elements, its shape needs ${needed}`);
  }
  return (buffer as HostBuffer).array;
}

/** Throws unless all `buffers` are as long as the first. */
export function checkSameLength(kernel: string, ...buffers: DeviceBuffer[]): void {
  if (buffers.some((b) => b.length !== buffers[0].length)) {
    throw new Error(
      `${kernel}: buffers of ${buffers.map((b) => b.length).join(', ')} elements must be equally long`,
    );
  }
}

/** `Backend.write` for memory that JavaScript can see. Throws when `data` is of another dtype or does not fit. */
export function writeHost(buffer: HostBuffer, data: HostArray, offset = 0): void {
  checkDType('write', data, buffer);
  checkRange('write: buffer', buffer, offset, data.length);
  buffer.array.set(data, offset);
}

/** `Backend.readInto` for memory that JavaScript can see. Throws as `writeHost`. */
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

/** `Backend.read` for memory that JavaScript can see: a copy. Throws when the range is not inside the buffer. */
export function readHost(buffer: HostBuffer, offset = 0, length: number = buffer.length - offset): HostArray {
  checkRange('read: buffer', buffer, offset, length);
  return buffer.array.slice(offset, offset + length);
}

/** Throws unless elements offset .. offset + length lie inside `buffer`. `name` says kernel and argument. */
export function checkRange(name: string, buffer: DeviceBuffer, offset: number, length: number): void {
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > buffer.length) {
    throw new Error(`${name} has ${buffer.length} elements, asked for ${length} from element ${offset} on`);
  }
}
