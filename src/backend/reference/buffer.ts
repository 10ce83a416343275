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
