// A model in files of another program, with none of its elements read yet. Read next: import.ts, fill.ts.
import { excerpt } from '../base/schema.ts';
import { readSafetensorsHeader, type StoredDType, storedBytes } from '../io/safetensors.ts';
import { openFile, type Store } from '../io/store.ts';
import type { GPTConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Mapped } from './mapping.ts';

/** A tensor in a file of another program. */
export interface ForeignTensor {
  dtype: StoredDType;
  /** Rows before columns. */
  shape: readonly number[];
  /** Its file, for errors. */
  file: string;
  /** The bytes of its elements from number `begin` up to `end`, rows before columns, little-endian. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** The tensors of one or several files, which stay open until `close`. */
export interface ForeignTensors {
  tensors: Map<string, ForeignTensor>;
  close(): Promise<void>;
}

/** A model that an importer has recognised. */
export interface ForeignModel extends ForeignTensors {
  /** As the other program calls it: `GPT2LMHeadModel`. */
  name: string;
  /** Its folder or file, for errors. */
  place: string;
  /** The file that says what the model is, for errors. */
  describedBy: string;
  /** Its config, with the rows that it has for tokens as `vocabSize`. */
  config: GPTConfig;
  /** The tensors that become parameters of ours. */
  mapped(config: GPTConfig): Mapped[];
  /** The token before an empty prompt; null: not said. */
  start: number | null;
  /** Remarks for people on what is another here. */
  notes?: readonly string[];
  /** Reads the tokenizer beside it; null: there is none. */
  tokenizer(): Promise<Tokenizer | null>;
}

/** The tensors of a safetensors file. */
export async function openSafetensors(
  store: Store,
  name: string,
): Promise<ForeignTensors & { metadata: Record<string, string> }> {
  const file = `${store.location}/${name}`;
  const open = await openFile(store, name);
  try {
    const { metadata, places } = await readSafetensorsHeader(open, file);
    const tensors = new Map<string, ForeignTensor>();
    for (const { name, dtype, shape, begin: start } of places) {
      const width = storedBytes({ dtype, shape: [1] });
      const read = (begin: number, end: number): Promise<Uint8Array> =>
        open.read(start + begin * width, start + end * width);
      tensors.set(name, { dtype, shape, file, read });
    }
    return { metadata, tensors, close: open.close };
  } catch (error) {
    await open.close();
    throw error;
  }
}

/** The tensors of several files as one. Throws when two files have a tensor of the same name. */
export function together(files: readonly ForeignTensors[]): ForeignTensors {
  const tensors = new Map<string, ForeignTensor>();
  for (const file of files) {
    for (const [name, tensor] of file.tensors) {
      const other = tensors.get(name);
      if (other) throw new Error(`${tensor.file}: tensor ${excerpt(name)} is in ${other.file}, too`);
      tensors.set(name, tensor);
    }
  }
  return { tensors, close: () => closeAll(files) };
}

export async function closeAll(files: readonly Pick<ForeignTensors, 'close'>[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

/**
 * The tensors by the names without what wrappers put in front (`_orig_mod.` of torch.compile, `module.` of
 * DistributedDataParallel), without those whose names match `ignored`.
 */
export function plainNames(
  tensors: ReadonlyMap<string, ForeignTensor>,
  ignored: RegExp,
): Map<string, ForeignTensor> {
  const plain = new Map<string, ForeignTensor>();
  for (const [given, tensor] of tensors) {
    const name = given.replace(/^(?:_orig_mod\.|module\.)+/, '');
    if (ignored.test(name)) continue;
    if (plain.has(name)) throw new Error(`${tensor.file}: two tensors are called ${excerpt(name)}`);
    plain.set(name, tensor);
  }
  return plain;
}
