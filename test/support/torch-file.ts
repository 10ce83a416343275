// Writes pickles and the files of `torch.save` as Python does, for tests of their readers.

import { crc32 } from 'node:zlib';
import { concatBytes } from '../../src/base/concat.ts';

/** Something that a pickle calls: `module`, `name`, arguments. */
export class Call {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
  constructor(module: string, name: string, args: readonly unknown[]) {
    this.module = module;
    this.name = name;
    this.args = args;
  }
}

export class Tuple {
  readonly items: readonly unknown[];
  constructor(...items: readonly unknown[]) {
    this.items = items;
  }
}

/** A view of a storage. Tensors with the same `data` share one. */
export class TorchView {
  readonly data: Float32Array | Uint16Array | BigInt64Array;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
  constructor(
    data: Float32Array | Uint16Array | BigInt64Array,
    shape: readonly number[],
    { stride = rowMajor(shape), offset = 0 }: { stride?: readonly number[]; offset?: number } = {},
  ) {
    this.data = data;
    this.shape = shape;
    this.stride = stride;
    this.offset = offset;
  }
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((n, side) => n * side, 1));
}

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const code = (character: string): number => character.charCodeAt(0);
const u32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];

type Storages = Map<ArrayBufferView, string>;

const STORAGE = new Map<unknown, string>([
  [Float32Array, 'FloatStorage'],
  [Uint16Array, 'BFloat16Storage'],
  [BigInt64Array, 'LongStorage'],
]);

/** The instructions for a value. */
function instructions(value: unknown, storages: Storages): number[] {
  const all = (items: Iterable<unknown>): number[] =>
    [...items].flatMap((item) => instructions(item, storages));
  if (value === null) return [code('N')];
  if (value === true || value === false) return [value ? 0x88 : 0x89];
  if (typeof value === 'bigint') return [0x8a, 16, ...longBytes(value)];
  if (typeof value === 'number')
    return Number.isInteger(value) ? [code('J'), ...u32(value)] : [code('G'), ...double(value)];
  if (typeof value === 'string') return [code('X'), ...u32(utf8(value).length), ...utf8(value)];
  if (value instanceof Tuple) return [code('('), ...all(value.items), code('t')];
  if (Array.isArray(value)) return [code(']'), code('('), ...all(value), code('e')];
  if (value instanceof Map) return [code('}'), code('('), ...all([...value].flat()), code('u')];
  if (value instanceof Call)
    return [...named(value.module, value.name), ...all([new Tuple(...value.args)]), code('R')];
  if (value instanceof TorchView) return viewInstructions(value, storages);
  if (value instanceof Uint8Array) return [code('B'), ...u32(value.length), ...value];
  throw new Error(`no pickle of ${value}`);
}

function named(module: string, name: string): number[] {
  return [code('c'), ...utf8(`${module}\n${name}\n`)];
}

function viewInstructions({ data, shape, stride, offset }: TorchView, storages: Storages): number[] {
  const key = storages.get(data) ?? String(storages.size);
  storages.set(data, key);
  const type = STORAGE.get(data.constructor) ?? '';
  const plain = (value: unknown): number[] => instructions(value, storages);
  return [
    ...named('torch._utils', '_rebuild_tensor_v2'),
    code('('),
    ...[code('('), ...plain('storage'), ...named('torch', type), ...plain(key), ...plain('cpu')],
    ...[...plain(data.length), code('t'), code('Q')],
    ...plain(offset),
    ...plain(new Tuple(...shape)),
    ...plain(new Tuple(...stride)),
    ...plain(false),
    ...plain(new Call('collections', 'OrderedDict', [])),
    ...[code('t'), code('R')],
  ];
}

function double(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, false);
  return [...bytes];
}

function longBytes(value: bigint): number[] {
  const wrapped = BigInt.asUintN(128, value);
  return Array.from({ length: 16 }, (_, i) => Number((wrapped >> BigInt(8 * i)) & 255n));
}

/** `pickle.dumps(value, protocol=2)`, with bytes as protocol 3 has them. */
export function pickled(value: unknown, storages: Storages = new Map()): Uint8Array {
  return Uint8Array.from([0x80, 2, ...instructions(value, storages), code('.')]);
}

/** `torch.save(value, file)`; without `sums` as after `set_crc32_options(False)`. */
export function torchArchive(value: unknown, more: Record<string, Uint8Array> = {}, sums = true): Uint8Array {
  const storages: Storages = new Map();
  const files = new Map([['archive/data.pkl', pickled(value, storages)]]);
  files.set('archive/byteorder', new TextEncoder().encode('little'));
  for (const [{ buffer, byteOffset, byteLength }, key] of storages)
    files.set(`archive/data/${key}`, new Uint8Array(buffer, byteOffset, byteLength));
  for (const [name, bytes] of Object.entries(more)) files.set(name, bytes);
  return zipped(files, 0, sums);
}

/** `torch.save(value, file, _use_new_zipfile_serialization=False)`. */
export function torchLegacy(value: unknown): Uint8Array {
  const storages: Storages = new Map();
  const machine = new Map<unknown, unknown>([
    ['protocol_version', 1001],
    ['little_endian', true],
  ]);
  const head = [0x1950a86a20f9469cfc6cn, 1001, machine].map((one) => pickled(one));
  const body = pickled(value, storages);
  const parts = [...head, body, pickled([...storages.values()])];
  for (const view of storages.keys()) {
    const width = view instanceof Uint16Array ? 2 : view instanceof Float32Array ? 4 : 8;
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigInt64(0, BigInt(view.byteLength / width), true);
    parts.push(count, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
  return concatBytes(parts);
}

/** A ZIP archive whose entries are stored as they are. `sums`: whether it has their CRC-32. */
export function zipped(files: ReadonlyMap<string, Uint8Array>, method = 0, sums = true): Uint8Array {
  const [local, central]: [Uint8Array[], Uint8Array[]] = [[], []];
  let at = 0;
  for (const [name, bytes] of files) {
    const title = new TextEncoder().encode(name);
    const crc = sums ? crc32(bytes) : 0;
    const head = record(30, [
      [0, 4, 0x04034b50],
      [8, 2, method],
      [14, 4, crc],
      [18, 4, bytes.length],
      [22, 4, bytes.length],
      [26, 2, title.length],
    ]);
    const entry = record(46, [
      [0, 4, 0x02014b50],
      [10, 2, method],
      [16, 4, crc],
      [20, 4, bytes.length],
      [24, 4, bytes.length],
      [28, 2, title.length],
      [42, 4, at],
    ]);
    local.push(head, title, bytes);
    central.push(entry, title);
    at += head.length + title.length + bytes.length;
  }
  const directory = concatBytes(central);
  const end = record(22, [
    [0, 4, 0x06054b50],
    [8, 2, files.size],
    [10, 2, files.size],
    [12, 4, directory.length],
    [16, 4, at],
  ]);
  return concatBytes([...local, directory, end]);
}

/** Zeros, with numbers of 2 or 4 bytes at these places. */
function record(
  length: number,
  fields: readonly (readonly [at: number, width: number, value: number])[],
): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [at, width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return bytes;
}

/** The contents of a checkpoint of nanoGPT with one block; `value` is that of every element. */
export function nanoGptContents(
  vocabSize: number,
  blockSize: number,
  value: number,
): [string, Map<string, unknown>][] {
  const C = 4;
  const shapes: Record<string, number[]> = {
    'transformer.wte.weight': [vocabSize, C],
    'transformer.wpe.weight': [blockSize, C],
    'transformer.h.0.ln_1.weight': [C],
    'transformer.h.0.attn.c_attn.weight': [3 * C, C],
    'transformer.h.0.attn.c_proj.weight': [C, C],
    'transformer.h.0.ln_2.weight': [C],
    'transformer.h.0.mlp.c_fc.weight': [4 * C, C],
    'transformer.h.0.mlp.c_proj.weight': [C, 4 * C],
    'transformer.ln_f.weight': [C],
  };
  const model = Object.entries(shapes).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((n, side) => n * side, 1)).fill(value);
    return [name, new TorchView(data, shape)] as const;
  });
  const args = { n_layer: 1, n_head: 2, n_embd: C, block_size: blockSize, bias: false };
  const rest = { vocab_size: vocabSize, dropout: 0 };
  return [
    ['model', new Map(model)],
    ['model_args', new Map(Object.entries({ ...args, ...rest }))],
  ];
}
