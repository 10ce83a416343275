// What `torch.save` writes: a ZIP archive with a pickle and the storages of its tensors, or, before PyTorch
// 1.6, several pickles in a row with the storages behind them. Read next: pickle.ts, io/zip.ts.
import { formatAmount } from '../../base/format.ts';
import { excerpt, shown } from '../../base/schema.ts';
import { isSafetensors, type StoredDType, storedBytes } from '../../io/safetensors.ts';
import { type OpenFile, openFile, type Store } from '../../io/store.ts';
import { createCheck, entryBegin, readZip } from '../../io/zip.ts';
import type { ForeignTensor, ForeignTensors } from '../foreign.ts';
import { sizeOf } from '../mapping.ts';
import { Opaque, PICKLE_BYTES, PickleGlobal, type PickleNames, readPickle } from './pickle.ts';

/** A file of PyTorch, or a pickle without tensors. It stays open until `close`. */
export interface TorchFile {
  /** As `readPickle` returns it, with a TorchTensor for each tensor. */
  value: unknown;
  close(): Promise<void>;
}

/** Whether a file that begins so is an archive or a pickle. The first bytes of safetensors may look so. */
export function isTorch(head: Uint8Array): boolean {
  if (isSafetensors(head)) return false;
  return head[0] === 0x80 || (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4);
}

/** The tensors of a file that holds a state_dict. */
export async function openStateDict(store: Store, name: string): Promise<ForeignTensors> {
  const { value, close } = await openTorch(store, name);
  try {
    return { tensors: tensorsIn(value, `${store.location}/${name}`), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The tensors of a state_dict by their names. Throws when the value is none. */
export function tensorsIn(value: unknown, place: string): Map<string, ForeignTensor> {
  if (!(value instanceof Map) || value.size === 0)
    throw new Error(`${place} holds no state_dict: expected tensors by their names`);
  const tensors = new Map<string, ForeignTensor>();
  for (const [name, tensor] of value) {
    if (typeof name !== 'string' || !(tensor instanceof TorchTensor))
      throw new Error(`${place}: ${shown(name)} of the state_dict is no tensor`);
    tensors.set(name, tensor);
  }
  return tensors;
}

/** Opens a file that `torch.save` or `pickle.dump` wrote. Throws one line. */
export async function openTorch(store: Store, name: string): Promise<TorchFile> {
  const place = `${store.location}/${name}`;
  const open = await openFile(store, name);
  try {
    const start = await open.read(0, Math.min(open.size, 4));
    const value = start[0] === 0x50 ? await readArchive(open, place) : await readPickles(open, place);
    return { value, close: open.close };
  } catch (error) {
    await open.close();
    throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

/** The numbers that tensors are views of. */
interface Storage {
  dtype: StoredDType;
  /** Number of elements. */
  length: number;
  /** Finds where its bytes begin in the file. */
  begin(): Promise<number>;
  /** Gets what is read of it, from byte number `begin` on. Throws when it is damaged. */
  check?(begin: number, bytes: Uint8Array): void;
}

/** A view of a storage. */
export class TorchTensor implements ForeignTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly file: string;
  readonly #open: OpenFile;
  readonly #storage: Storage;
  readonly #offset: number;
  readonly #stride: readonly number[];
  /** Its elements in the order of rows, while a view in another order is read. */
  #gathered: Promise<Uint8Array> | null = null;

  constructor(
    open: OpenFile,
    file: string,
    {
      storage,
      offset,
      shape,
      stride,
    }: { storage: Storage; offset: number; shape: number[]; stride: number[] },
  ) {
    this.dtype = storage.dtype;
    this.file = file;
    this.shape = shape;
    this.#open = open;
    this.#storage = storage;
    this.#offset = offset;
    this.#stride = stride;
  }

  async read(begin: number, end: number): Promise<Uint8Array> {
    if (this.#isDense()) return this.#elements(this.#offset + begin, this.#offset + end);
    this.#gathered ??= this.#gather();
    const width = storedBytes({ dtype: this.dtype, shape: [] });
    const part = (await this.#gathered).slice(begin * width, end * width);
    if (end === sizeOf(this.shape)) this.#gathered = null;
    return part;
  }

  /** Whether its elements lie in the storage in the order of rows. */
  #isDense(): boolean {
    let step = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i] !== 1 && this.#stride[i] !== step) return false;
      step *= this.shape[i];
    }
    return true;
  }

  async #elements(begin: number, end: number): Promise<Uint8Array> {
    const width = storedBytes({ dtype: this.dtype, shape: [] });
    const named = (error: unknown): never => {
      throw new Error(`${this.file}: ${(error as Error).message}`, { cause: error });
    };
    const start = await this.#storage.begin().catch(named);
    const bytes = await this.#open.read(start + begin * width, start + end * width);
    try {
      this.#storage.check?.(begin * width, bytes);
    } catch (error) {
      named(error);
    }
    return bytes;
  }

  async #gather(): Promise<Uint8Array> {
    const size = sizeOf(this.shape);
    if (size > this.#storage.length)
      throw new Error(
        `${this.file}: a tensor [${this.shape.join(', ')}] of ${formatAmount(this.#storage.length, 'number')} repeats them: save it with .contiguous()`,
      );
    const width = storedBytes({ dtype: this.dtype, shape: [] });
    const reach = this.shape.reduce((sum, side, i) => sum + (side - 1) * this.#stride[i], 1);
    const raw = await this.#elements(this.#offset, this.#offset + reach);
    const rows = new Uint8Array(size * width);
    const place = new Array<number>(this.shape.length).fill(0);
    let from = 0;
    for (let to = 0; to < size; to++) {
      for (let b = 0; b < width; b++) rows[to * width + b] = raw[from * width + b];
      for (let i = place.length - 1; i >= 0; i--) {
        from += this.#stride[i];
        if (++place[i] < this.shape[i]) break;
        from -= place[i] * this.#stride[i];
        place[i] = 0;
      }
    }
    return rows;
  }
}

// ---- the two containers ----------------------------------------------------------------------------------

async function readArchive(open: OpenFile, file: string): Promise<unknown> {
  const entries = await readZip(open);
  for (const { name, packing } of entries.values())
    if (packing !== 'none')
      throw new Error(
        `entry ${excerpt(name)} of the archive is ${packing}: PyTorch stores its entries as they are`,
      );
  const main = [...entries.keys()].filter((name) => /(?:^|\/)data\.pkl$/.test(name));
  if (main.length !== 1)
    throw new Error('a ZIP archive without a data.pkl: torch.save writes one, and nothing else is read');
  const [path] = main;
  const stem = path.slice(0, -'data.pkl'.length);
  const bytesOf = async (name: string): Promise<Uint8Array | null> => {
    const entry = entries.get(`${stem}${name}`);
    if (!entry) return null;
    if (entry.size > PICKLE_BYTES)
      throw new Error(`${name} has ${formatAmount(entry.size, 'byte')}: at most ${PICKLE_BYTES} are read`);
    const begin = await entryBegin(open, entry);
    const bytes = await open.read(begin, begin + entry.size);
    createCheck(entry)(0, bytes);
    return bytes;
  };
  const order = await bytesOf('byteorder');
  if (order && new TextDecoder().decode(order) !== 'little')
    throw new Error('its numbers are big-endian: save it again on a little-endian machine');
  const storageOf = (key: string, dtype: StoredDType, length: number): Storage => {
    const entry = entries.get(`${stem}data/${key}`);
    if (!entry) throw new Error(`the archive has no data/${shown(key)}, of which a tensor is a view`);
    const bytes = storedBytes({ dtype, shape: [length] });
    if (entry.size !== bytes)
      throw new Error(
        `data/${key} has ${formatAmount(entry.size, 'byte')}: ${length} numbers of ${dtype} take ${bytes}`,
      );
    return { dtype, length, begin: () => entryBegin(open, entry), check: createCheck(entry) };
  };
  return readPickle((await bytesOf('data.pkl')) ?? new Uint8Array(), torchNames(open, file, storageOf)).value;
}

/** The number that files of before PyTorch 1.6 begin with. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const OLD_PROTOCOL = 1001;

/** Pickles in a row: of PyTorch its number, a version, the machine, the value, the keys of storages. */
async function readPickles(open: OpenFile, file: string): Promise<unknown> {
  const bytes = await open.read(0, Math.min(open.size, PICKLE_BYTES));
  const found = new Map<string, { length: number; dtype: StoredDType; begin: number }>();
  const names = torchNames(open, file, (key, dtype, length) => {
    const known = found.get(key) ?? { dtype, length, begin: -1 };
    if (known.dtype !== dtype || known.length !== length)
      throw new Error(`storage ${shown(key)} is said to be of two types or lengths`);
    found.set(key, known);
    return { dtype, length, begin: async () => known.begin };
  });
  const first = readPickle(bytes, names);
  if (first.value !== MAGIC) return first.value;
  const version = readPickle(bytes, names, first.end);
  if (version.value !== OLD_PROTOCOL)
    throw new Error(
      `it is of version ${shown(version.value)} of PyTorch's old format: ${OLD_PROTOCOL} is read`,
    );
  const machine = readPickle(bytes, names, version.end);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false)
    throw new Error('its numbers are big-endian: save it again on a little-endian machine');
  const { value, end } = readPickle(bytes, names, machine.end);
  const keys = readPickle(bytes, names, end);
  let at = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = found.get(key);
    if (!storage) throw new Error(`no tensor is a view of its storage ${shown(key)}`);
    const count = at + 8 <= open.size ? await open.read(at, at + 8) : null;
    const length = count ? Number(new DataView(count.buffer, count.byteOffset).getBigInt64(0, true)) : -1;
    const bytes = storedBytes({ dtype: storage.dtype, shape: [storage.length] });
    if (count && length !== storage.length)
      throw new Error(`storage ${shown(key)} has ${length} numbers, its tensors ask for ${storage.length}`);
    if (at + 8 + bytes > open.size)
      throw new Error(`truncated: storage ${shown(key)} goes beyond the end of the file`);
    storage.begin = at + 8;
    at += 8 + bytes;
  }
  const [missing] = [...found].find(([, { begin }]) => begin < 0) ?? [];
  if (missing !== undefined) throw new Error(`its storage ${shown(missing)} is missing`);
  return value;
}

// ---- what pickles of PyTorch ask for ---------------------------------------------------------------------

const storageTypes: ReadonlyMap<string, StoredDType> = new Map([
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.DoubleStorage', 'F64'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

/** Types of numbers, which checkpoints hold among their settings. */
const numberTypes = ['float32', 'float16', 'bfloat16', 'float64', 'int64', 'int32', 'bool'];

type StorageOf = (key: string, dtype: StoredDType, length: number) => Storage;

/** The names that a pickle of PyTorch, or of plain data, may ask for. */
function torchNames(open: OpenFile, file: string, storageOf: StorageOf): PickleNames {
  const opaque = (): Opaque => new Opaque();
  const tensor = (args: readonly unknown[]): TorchTensor => new TorchTensor(open, file, viewOf(args));
  const first = ([value]: readonly unknown[]): unknown => value;
  return {
    makers: new Map<string, (args: readonly unknown[]) => unknown>([
      ['torch._utils._rebuild_tensor_v2', tensor],
      ['torch._utils._rebuild_tensor', tensor],
      ['torch._utils._rebuild_parameter', first],
      ['torch.Size', first],
      ['torch.device', opaque],
      ['collections.OrderedDict', ([pairs]) => dictOf(pairs)],
      ['_codecs.encode', ([text, code]) => encoded(text, code)],
      ['builtins.bytes', () => new Uint8Array()],
      ['__builtin__.bytes', () => new Uint8Array()],
      ['builtins.set', ([values]) => setOf(values)],
      ['__builtin__.set', ([values]) => setOf(values)],
      ['numpy.core.multiarray.scalar', opaque],
      ['numpy._core.multiarray.scalar', opaque],
      ['numpy.dtype', opaque],
    ]),
    mentioned: new Set([...storageTypes.keys(), ...numberTypes.map((name) => `torch.${name}`)]),
    persistent: (id) => storageOfId(id, storageOf),
  };
}

/** `('storage', torch.FloatStorage, key, device, number of elements)` */
function storageOfId(id: unknown, storageOf: StorageOf): Storage {
  const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
  const dtype = type instanceof PickleGlobal ? storageTypes.get(type.path) : undefined;
  if (kind !== 'storage' || !dtype || typeof key !== 'string' || !isCount(length) || (view ?? null) !== null)
    throw new Error('a tensor is stored in a way that is not known: the file is damaged, or too new');
  return storageOf(key, dtype, length);
}

/** The arguments of `_rebuild_tensor_v2`: storage, offset, shape, stride. */
function viewOf([storage, offset, shape, stride]: readonly unknown[]): {
  storage: Storage;
  offset: number;
  shape: number[];
  stride: number[];
} {
  if (
    !isStorage(storage) ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(stride) ||
    shape.length !== stride.length
  )
    throw new Error('a tensor has a shape or place that is none: the file is damaged');
  const reach = shape.includes(0) ? 0 : shape.reduce((sum, side, i) => sum + (side - 1) * stride[i], 1);
  if (offset + reach > storage.length)
    throw new Error(
      `a tensor [${shape.slice(0, 8).join(', ')}] at ${offset} goes beyond its storage of ${formatAmount(storage.length, 'number')}: the file is damaged`,
    );
  return { storage, offset, shape, stride };
}

/** Dimensions of a tensor: PyTorch allows 64. */
const DIMENSIONS = 64;

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= DIMENSIONS && value.every(isCount);
}

function isStorage(value: unknown): value is Storage {
  return typeof value === 'object' && value !== null && 'begin' in value && 'length' in value;
}

/** `OrderedDict()`, or of pairs. */
function dictOf(pairs: unknown = []): Map<unknown, unknown> {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new Error('an OrderedDict of no pairs: the pickle is damaged');
  return new Map(pairs as [unknown, unknown][]);
}

function setOf(values: unknown = []): Set<unknown> {
  if (!Array.isArray(values)) throw new Error('a set of no list: the pickle is damaged');
  return new Set(values);
}

/** Bytes, as pickles of protocol 2 write them. */
function encoded(text: unknown, code: unknown): Uint8Array {
  if (typeof text !== 'string' || code !== 'latin1')
    throw new Error(`bytes in the code ${shown(code)}: latin1 is read`);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
