// The safetensors format (huggingface.co/docs/safetensors): a JSON header that says where each tensor is,
// then the bytes.
//
//   8 bytes   N, the header's length, little-endian
//   N bytes   {"__metadata__": {...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//             ...}
//   the rest  the tensors one after the other, without gaps, little-endian like every machine that runs this
import { kindOf } from '../base/first-bytes.ts';
import { formatAmount, formatCount } from '../base/format.ts';
import { parseJson } from '../base/json.ts';
import { excerpt } from '../base/schema.ts';
import { fromBfloat16, fromFloat16 } from './floats.ts';
import type { OpenFile } from './store.ts';

/**
 * Bits per element, in the reference implementation's order, which writes the last dtypes of this list first.
 */
const DTYPE_BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The type of the elements in the file. */
export type StoredDType = keyof typeof DTYPE_BITS;

const DTYPES = Object.keys(DTYPE_BITS) as StoredDType[];

/**
 * The largest header: the length as in the reference implementation. Only the entries of tensors contain
 * lists. A header beyond these limits is a foreign file, or one made to exhaust the memory.
 */
const HEADER_LIMIT = 100_000_000;
const HEADER_LIMITS = { bytes: HEADER_LIMIT, depth: 3, values: 2e6 };

/**
 * One tensor. `data` of F32 is a Float32Array, of I32 an Int32Array, of I8 an Int8Array. F16 and BF16 are
 * widened to Float32Array when read. `data` of any other dtype is the raw bytes.
 */
export interface StoredTensor {
  dtype: StoredDType;
  shape: number[];
  data: Float32Array | Int32Array | Int8Array | Uint8Array;
}

/** Size of a tensor in the file, in bytes. */
export function storedBytes({ dtype, shape }: PlaceToWrite): number {
  return (shape.reduce((n, side) => n * side, 1) * DTYPE_BITS[dtype]) / 8;
}

/** The most bytes of a file whose tensors take at most `tensorBytes`. */
export function mostFileBytes(tensorBytes: number): number {
  return 8 + HEADER_LIMIT + tensorBytes;
}

/** The contents of one file. */
export interface TensorFile {
  metadata: Record<string, string>;
  /** In the order of the file. */
  tensors: Map<string, StoredTensor>;
}

/**
 * A tensor to write. Its dtype follows from the array; a Uint8Array may be the raw bytes of any `dtype` (U8
 * if none is given).
 */
export interface TensorToWrite {
  dtype?: StoredDType;
  shape: readonly number[];
  data: Float32Array | Int32Array | Int8Array | Uint8Array;
}

/** A tensor in float32 that another memory holds: it is read into the file itself, without a copy between. */
export interface TensorToRead {
  shape: readonly number[];
  readInto(out: Float32Array): Promise<void>;
}

// ---- writing ---------------------------------------------------------------------------------------------

/**
 * The bytes of a safetensors file, the same as the reference implementation's for the same tensors: wider
 * dtypes first, then by name, the header padded with spaces to 8 bytes, so that every tensor is aligned.
 * Throws when a tensor's elements do not fill its shape.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const places = new Map<string, PlaceToWrite>();
  for (const [name, tensor] of tensors)
    places.set(name, { dtype: dtypeOf(name, tensor), shape: tensor.shape });
  const { file, bytesOf } = blankSafetensors(places, metadata);
  for (const [name, tensor] of tensors) bytesOf(name).set(raw(tensor));
  return file;
}

/** As `writeSafetensors`; what another memory holds is read into the file, one tensor after the other. */
export async function collectSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite | TensorToRead>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const places = new Map<string, PlaceToWrite>();
  for (const [name, tensor] of tensors) {
    const dtype = 'readInto' in tensor ? 'F32' : dtypeOf(name, tensor);
    places.set(name, { dtype, shape: tensor.shape });
  }
  const { file, bytesOf } = blankSafetensors(places, metadata);
  for (const [name, tensor] of tensors) {
    const bytes = bytesOf(name);
    if ('readInto' in tensor)
      await tensor.readInto(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    else bytes.set(raw(tensor));
  }
  return file;
}

/** A tensor without its elements. */
export interface PlaceToWrite {
  dtype: StoredDType;
  shape: readonly number[];
}

/**
 * As `writeSafetensors`, with all elements 0: `bytesOf` returns the part of the file that a tensor fills, for
 * callers that write them one after another. Every part begins at a multiple of the width of its elements.
 * `order` are the names in the order of the file.
 */
export function blankSafetensors(
  tensors: ReadonlyMap<string, PlaceToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): { file: Uint8Array; order: readonly string[]; bytesOf(name: string): Uint8Array } {
  const entries = [...tensors].map(([name, place]) => ({ name, ...place, bytes: storedBytes(place) }));
  const rank = (dtype: StoredDType): number => DTYPES.indexOf(dtype);
  entries.sort((a, b) => rank(b.dtype) - rank(a.dtype) || (a.name < b.name ? -1 : 1));

  // Built by hand: an object would reorder names like "7" and lose "__proto__".
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let end = 0;
  const begins = new Map<string, readonly [begin: number, end: number]>();
  for (const { name, dtype, shape, bytes } of entries) {
    const data_offsets = [end, end + bytes] as const;
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets })}`);
    begins.set(name, data_offsets);
    end += bytes;
  }
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const dataStart = 8 + Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(dataStart + end).fill(0x20, 8, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.set(header, 8);
  return {
    file,
    order: [...begins.keys()],
    bytesOf(name): Uint8Array {
      const [from, to] = begins.get(name) ?? [0, 0];
      return file.subarray(dataStart + from, dataStart + to);
    },
  };
}

function raw({ data }: TensorToWrite): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The dtype to write `tensor` as. Checks that dtype, shape and elements belong together. */
function dtypeOf(name: string, { dtype, shape, data }: TensorToWrite): StoredDType {
  const of = `tensor ${excerpt(name)}`;
  if (name === '__metadata__') throw new Error(`${of}: the name is the format's own; choose another`);
  let natural: StoredDType = 'U8';
  if (data instanceof Float32Array) natural = 'F32';
  else if (data instanceof Int32Array) natural = 'I32';
  else if (data instanceof Int8Array) natural = 'I8';
  const stored = dtype ?? natural;
  if (stored !== natural && natural !== 'U8') {
    throw new Error(
      `${of}: a ${data.constructor.name} is stored as ${natural}, not as ${stored}: give its raw bytes for that`,
    );
  }
  if (!isSizes(shape))
    throw new Error(`${of}: shape ${excerpt(shape)} is not a list of whole numbers from 0 on`);
  const bytes = byteSize(stored, shape);
  if (bytes !== data.byteLength) {
    throw new Error(
      `${of}: ${amount(data.byteLength)} ${data.byteLength === 1 ? 'does' : 'do'} not fill ${describe(stored, shape)}, which takes ${amount(bytes)}`,
    );
  }
  return stored;
}

// ---- reading ---------------------------------------------------------------------------------------------

/**
 * Reads a safetensors file after checking all of it: header, names, dtypes, shapes, and that the tensors fill
 * the file exactly, without gaps or overlaps. The arrays are views into `bytes` where they are aligned, else
 * copies. Throws one line that names `file`, the tensor, the value and the limit.
 */
export function readSafetensors(bytes: Uint8Array, file = 'model.safetensors'): TensorFile {
  const { metadata, places } = readPlaces(bytes, bytes.length, file);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of places)
    tensors.set(name, { dtype, shape, data: decode(dtype, bytes.subarray(begin, end)) });
  return { metadata, tensors };
}

/** The place of one tensor in its file, in bytes. */
export interface TensorPlace {
  name: string;
  dtype: StoredDType;
  shape: number[];
  begin: number;
  end: number;
}

/** Whether a file begins as a safetensors file: with the length of a header that is a JSON object. */
export function isSafetensors(head: Uint8Array): boolean {
  return head.length > 8 && head[8] === BRACE && headerLength(head) <= HEADER_LIMIT;
}

/** What the header of a file says, checked as by `readSafetensors`. The tensors are not read. */
export async function readSafetensorsHeader(
  file: OpenFile,
  name: string,
): Promise<{ metadata: Record<string, string>; places: TensorPlace[] }> {
  const start = await file.read(0, Math.min(file.size, FIRST_BYTES));
  const length = start.length < 8 ? 0 : headerLength(start);
  const whole = length <= HEADER_LIMIT && 8 + length > start.length;
  const head = whole ? await file.read(0, Math.min(file.size, 8 + length)) : start;
  return readPlaces(head, file.size, name);
}

/** Bytes that are read before the length of the header is known. */
const FIRST_BYTES = 2 ** 16;

/** `head` is the file, or a part that has the header; the file has `size` bytes. */
function readPlaces(
  head: Uint8Array,
  size: number,
  file: string,
): { metadata: Record<string, string>; places: TensorPlace[] } {
  const fail = (problem: string): never => {
    throw new Error(`${file}: ${problem}`);
  };
  const { header, dataStart } = readHeader(head, size, fail);
  const metadata = readMetadata(header.__metadata__, fail);
  const places = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readPlace(name, entry, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkPlaces(places, size - dataStart, fail);
  for (const place of places) {
    place.begin += dataStart;
    place.end += dataStart;
  }
  return { metadata, places };
}

type Fail = (problem: string) => never;

/** The first character of every header: `{`. */
const BRACE = 0x7b;

function headerLength(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

function readHeader(
  bytes: Uint8Array,
  size: number,
  fail: Fail,
): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) {
    fail(
      `${amount(bytes.length)} ${bytes.length === 1 ? 'is' : 'are'} too few for a safetensors file: it is empty, or was cut off while copying`,
    );
  }
  const length = headerLength(bytes);
  const other = length > HEADER_LIMIT || bytes[8] !== BRACE ? kindOf(bytes) : null;
  if (other !== null) fail(`no safetensors file, but ${other}`);
  if (length > HEADER_LIMIT) {
    fail(
      `no safetensors file: its first 8 bytes announce a header of ${amount(length)}, the limit is ${amount(HEADER_LIMIT)}`,
    );
  }
  const dataStart = 8 + length;
  if (dataStart > size) {
    fail(
      `truncated: announces a header of ${amount(length)}, the file holds ${amount(size)}: ` +
        'it was probably cut off while copying, or is no safetensors file',
    );
  }
  let header: unknown;
  try {
    header = parseJson(textOf(bytes.subarray(8, dataStart)), HEADER_LIMITS, `the header (${amount(length)})`);
  } catch (error) {
    fail((error as Error).message);
  }
  if (!isRecord(header)) return fail('the header is not a JSON object: the file is damaged');
  return { header, dataStart };
}

/**
 * The format has no byte order mark. Bytes that are not UTF-8 become characters that no JSON parser accepts.
 */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '(not UTF-8)';
  }
}

function readMetadata(metadata: unknown, fail: Fail): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isRecord(metadata)) return fail('__metadata__ is not a JSON object of strings');
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') fail(`__metadata__: the value of ${excerpt(key)} is no string`);
  }
  return metadata as Record<string, string>;
}

function readPlace(name: string, entry: unknown, fail: Fail): TensorPlace {
  const of = `tensor ${excerpt(name)}`;
  if (!isRecord(entry)) return fail(`${of}: its entry in the header is not a JSON object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  const surplus = Object.keys(rest)[0];
  if (surplus !== undefined)
    fail(`${of}: has a field ${excerpt(surplus)}; dtype, shape and data_offsets are known`);
  if (!isDType(dtype))
    return fail(`${of}: dtype ${excerpt(dtype)} is unknown; known are ${DTYPES.join(' ')}`);
  if (!isSizes(shape)) return fail(`${of}: shape ${excerpt(shape)} is not a list of whole numbers from 0 on`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`${of}: data_offsets ${excerpt(offsets)} are not [begin, end] with begin <= end`);
  }
  const [begin, end] = offsets;
  const bytes = byteSize(dtype, shape);
  if (end - begin !== bytes) {
    fail(
      `${of}: ${describe(dtype, shape)} takes ${amount(bytes)}, data_offsets ${excerpt(offsets)} give ${amount(end - begin)}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Checks that the tensors, in file order, fill the `held` bytes after the header exactly. */
function checkPlaces(places: readonly TensorPlace[], held: number, fail: Fail): void {
  let filled = 0;
  for (const { name, begin, end } of places) {
    if (begin > filled)
      fail(`a gap of ${amount(begin - filled)} before tensor ${excerpt(name)}, which begins at ${begin}`);
    if (begin < filled)
      fail(`tensor ${excerpt(name)} begins at ${begin}, inside the one before it, which ends at ${filled}`);
    filled = end;
  }
  if (filled > held) {
    fail(
      `truncated: header says ${amount(filled)} of data, the file holds ${formatCount(held)}: it was probably cut off while copying`,
    );
  }
  if (filled < held)
    fail(`holds ${amount(held - filled)} after its last tensor that the header does not mention`);
}

/** The elements of a tensor; a view where they are aligned. */
function decode(dtype: StoredDType, bytes: Uint8Array): StoredTensor['data'] {
  const width = DTYPE_BITS[dtype] / 8;
  // Not `slice`: on a Buffer, which Node reads files into, it returns a view of the same unaligned bytes.
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const n = byteLength / width;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, n);
  if (dtype === 'I32') return new Int32Array(buffer, byteOffset, n);
  if (dtype === 'I8') return new Int8Array(buffer, byteOffset, n);
  if (dtype === 'BF16') return fromBfloat16(new Uint16Array(buffer, byteOffset, n));
  if (dtype === 'F16') return fromFloat16(new Uint16Array(buffer, byteOffset, n));
  return bytes;
}

// ---- small checks ----------------------------------------------------------------------------------------

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BITS, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/**
 * Bytes of a dense tensor. For an absurd shape the number is so large (up to Infinity) that no file holds it.
 */
function byteSize(dtype: StoredDType, shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((product, n) => product * n, DTYPE_BITS[dtype] / 8);
}

function describe(dtype: StoredDType, shape: readonly number[]): string {
  return `${dtype} [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', ...' : ''}]`;
}

function amount(bytes: number): string {
  return formatAmount(bytes, 'byte');
}
