// The container of GGUF, version 3, little-endian (github.com/ggml-org/ggml/blob/master/docs/gguf.md):
//
//   "GGUF", u32 version, u64 number of tensors, u64 number of fields
//   fields    key, u32 type, value          a string is u64 length and UTF-8
//   tensors   name, u32 dimensions, u64 each, innermost first, u32 type, u64 offset
//   padding to 32 bytes, then the tensors, each padded to 32 bytes

import type { GgufType } from '../options.ts';
import { ggufTypes } from './blocks.ts';

/** A value of a field, with the type that its readers expect. */
export type GgufValue =
  | { u32: number }
  | { f32: number }
  | { bool: boolean }
  | { string: string }
  | { strings: readonly string[] }
  | { i32s: readonly number[] };

/** A tensor as stored. */
export interface GgufTensor {
  name: string;
  /** Rows before columns. */
  shape: readonly number[];
  type: GgufType;
  bytes: Uint8Array;
}

const ALIGNMENT = 32;
/** The format's numbers for types of values. */
const [U32, I32, F32, BOOL, STRING, ARRAY] = [4, 5, 6, 7, 8, 9];

/** The bytes of a file. */
export function writeGguf(
  fields: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
): Uint8Array {
  const head = byteWriter();
  head.bytes(new TextEncoder().encode('GGUF'));
  head.u32(3);
  head.u64(tensors.length);
  head.u64(fields.size);
  for (const [key, value] of fields) {
    head.string(key);
    writeValue(head, value);
  }
  let offset = 0;
  for (const { name, shape, type, bytes } of tensors) {
    head.string(name);
    head.u32(shape.length);
    for (const side of [...shape].reverse()) head.u64(side);
    head.u32(ggufTypes[type].id);
    head.u64(offset);
    offset = aligned(offset + bytes.length);
  }
  const header = head.done();
  const start = aligned(header.length);
  const file = new Uint8Array(start + offset);
  file.set(header);
  let at = start;
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at = aligned(at + bytes.length);
  }
  return file;
}

function aligned(n: number): number {
  return Math.ceil(n / ALIGNMENT) * ALIGNMENT;
}

function writeValue(out: ByteWriter, value: GgufValue): void {
  if ('u32' in value) {
    out.u32(U32);
    out.u32(value.u32);
  } else if ('f32' in value) {
    out.u32(F32);
    out.f32(value.f32);
  } else if ('bool' in value) {
    out.u32(BOOL);
    out.bytes(Uint8Array.of(value.bool ? 1 : 0));
  } else if ('string' in value) {
    out.u32(STRING);
    out.string(value.string);
  } else if ('strings' in value) {
    out.u32(ARRAY);
    out.u32(STRING);
    out.u64(value.strings.length);
    for (const one of value.strings) out.string(one);
  } else {
    out.u32(ARRAY);
    out.u32(I32);
    out.u64(value.i32s.length);
    for (const one of value.i32s) out.u32(one);
  }
}

interface ByteWriter {
  bytes(more: Uint8Array): void;
  u32(value: number): void;
  u64(value: number): void;
  f32(value: number): void;
  string(value: string): void;
  done(): Uint8Array;
}

/** Collects bytes in a buffer that grows. */
function byteWriter(): ByteWriter {
  let buffer = new Uint8Array(2 ** 16);
  let length = 0;
  const encoder = new TextEncoder();
  /** A view of the next `size` bytes. */
  const room = (size: number): DataView => {
    if (length + size > buffer.length) {
      const larger = new Uint8Array(2 * (length + size));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    length += size;
    return new DataView(buffer.buffer, length - size, size);
  };
  const bytes = (more: Uint8Array): void => {
    room(more.length);
    buffer.set(more, length - more.length);
  };
  const u64 = (value: number): void => room(8).setBigUint64(0, BigInt(value), true);
  return {
    bytes,
    u32: (value) => room(4).setUint32(0, value, true),
    u64,
    f32: (value) => room(4).setFloat32(0, value, true),
    string(value) {
      const encoded = encoder.encode(value);
      u64(encoded.length);
      bytes(encoded);
    },
    done: () => buffer.slice(0, length),
  };
}
