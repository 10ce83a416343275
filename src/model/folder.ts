// A model folder: model.safetensors, config.json, tokenizer.json and tokenizer_config.json, in formats that
// other tools can read.
import type { Backend, InputPrecision, Precision } from '../backend/contract.ts';
import { callback, checkOptions, choice, complete, type Field, having, type Table } from '../base/fields.ts';
import { jsonBytes } from '../base/json.ts';
import { integer, object, oneOf, type Schema, shown, where } from '../base/schema.ts';
import { firstNotFinite, toBfloat16 } from '../io/floats.ts';
import { readJsonFile } from '../io/json-file.ts';
import {
  collectSafetensors,
  mostFileBytes,
  readSafetensors,
  type StoredTensor,
  type TensorFile,
  type TensorToRead,
  type TensorToWrite,
} from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { type Slot, slots } from '../nn/parameters.ts';
import { type Int4Format, Int4Tensor, Int8Tensor } from '../tensor/quantized.ts';
import { keep } from '../tensor/scope.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TOKENIZER_LIMITS, tokenizerConfig } from '../tokenizer/tokenizer-json.ts';
import { type Adapter, adapterField, checkAdapter, mergeAdapter } from './adapter.ts';
import { checkConfig, configRecord, type GPTConfig } from './config.ts';
import { GPT } from './gpt.ts';
import { gptFields } from './gpt-options.ts';
import { countShapes, shapesOf } from './shapes.ts';

/** A model and the tokenizer it was trained with. */
export interface ModelFolder {
  model: GPT;
  tokenizer: Tokenizer;
}

export const MODEL_FILE = 'model.safetensors';
export const CONFIG_FILE = 'config.json';
export const TOKENIZER_FILE = 'tokenizer.json';
/** For other tools only; nothing here reads it. */
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** Written into the safetensors metadata, by which our files are recognised. */
const FORMAT = 'inkhorn';

export interface SaveOptions {
  /**
   * The stored type of float matrices. `bf16` takes half the space and rounds to 8 significant bits. Default
   * `f32`.
   */
  matrices?: Precision;
}

/** Every option of `save`. */
export const saveFields: Table<SaveOptions, 'matrices'> = {
  matrices: choice(['f32', 'bf16'], { about: 'what float matrices are stored as', default: 'f32' }),
};

/**
 * The files of a model folder. An INT8 weight is stored as `name` (I8) and `name.scale` (F32), an INT4 weight
 * as `name` (U8, two codes per byte) and `name.scale` (BF16). The common properties of INT4 weights are in
 * `quantization` of `config.json`.
 */
export async function modelFiles(
  { model, tokenizer }: ModelFolder,
  options: SaveOptions = {},
): Promise<Map<string, Uint8Array>> {
  const { matrices } = complete(saveFields, options, 'save');
  const tensors = new Map<string, TensorToWrite | TensorToRead>();
  let activations: InputPrecision | undefined;
  let quantization: Int4Config | undefined;
  for (const { name, value } of slots(model)) {
    if (value instanceof Int8Tensor) {
      activations = value.activations;
      tensors.set(name, { shape: value.values.shape, data: await value.values.data() });
      tensors.set(`${name}.scale`, await stored(value.scale));
    } else if (value instanceof Int4Tensor) {
      const { groupSize, method, activations } = value;
      quantization = { bits: 4, groupSize, method, activations };
      tensors.set(name, { shape: value.codes.shape, data: bytesOf(await value.codes.data()) });
      tensors.set(`${name}.scale`, await stored(value.scale, 'bf16'));
    } else {
      tensors.set(name, await stored(value, matrices));
    }
  }
  const metadata = weightsMetadata(tokenizer, model.startToken, activations);
  return new Map([
    [MODEL_FILE, await collectSafetensors(tensors, metadata)],
    [CONFIG_FILE, jsonBytes({ ...configRecord(model.config), ...(quantization && { quantization }) }, 2)],
    ...tokenizerFiles(tokenizer),
  ]);
}

/** The metadata of `model.safetensors`. `activations`: of INT8 layers. */
export function weightsMetadata(
  tokenizer: Tokenizer,
  startToken: number | null,
  activations?: InputPrecision,
): Record<string, string> {
  return {
    format: FORMAT,
    tokenizer: fingerprint(tokenizer),
    ...(activations ? { activations } : {}),
    ...(startToken === null ? {} : { startToken: String(startToken) }),
  };
}

/** The two files of a tokenizer, by name. */
export function tokenizerFiles(tokenizer: Tokenizer): [name: string, bytes: Uint8Array][] {
  return [
    [TOKENIZER_FILE, jsonBytes(tokenizer.toJSON(), 2)],
    [TOKENIZER_CONFIG_FILE, jsonBytes(tokenizerConfig(tokenizer), 2)],
  ];
}

/** The field `quantization` of `config.json`. */
interface Int4Config extends Int4Format {
  readonly bits: 4;
}

/** Writes a model folder: all of it or nothing. */
export async function saveModel(
  store: Store,
  contents: ModelFolder,
  options: SaveOptions = {},
): Promise<void> {
  complete({ store: storeField }, { store }, 'save');
  checkContents(contents, 'save');
  await store.writeAll(await modelFiles(contents, options));
}

/** The store of `save`, `load` and `loadCheckpoint`. */
export const storeField: Field<Store> = having('read', 'a store', {
  about: 'the place of the files',
  required: true,
});

/** Throws one line unless a model and its tokenizer, or those of `parts`, were given to `where`. */
export function checkContents(
  contents: ModelFolder | undefined,
  where: string,
  parts: readonly (keyof ModelFolder)[] = ['model', 'tokenizer'],
): void {
  if (
    contents === null ||
    (contents !== undefined && typeof contents !== 'object') ||
    Array.isArray(contents)
  )
    throw new Error(
      `${where} needs a model and its tokenizer, { model, tokenizer }, as load gives them: not ${shown(contents)}`,
    );
  for (const part of parts) complete({ [part]: contentFields[part] }, { [part]: contents?.[part] }, where);
}

const contentFields: Table<ModelFolder> = {
  model: having('forward', 'a GPT', { about: 'the model', required: true }),
  tokenizer: having('decode', 'a Tokenizer', { about: 'the tokenizer of the model', required: true }),
};

/** Options for reading a model, or a checkpoint. */
export interface CheckpointOptions {
  /** Default: the current one. */
  backend?: Backend;
  /**
   * Called with one line for each property that could not be checked, since other programs store less about a
   * model.
   */
  onNote?: (note: string) => void;
}

/** The options of `loadCheckpoint`. */
export const checkpointFields: Table<CheckpointOptions> = {
  backend: gptFields.backend,
  onNote: callback({ about: 'called with one line for each property that could not be checked' }),
};

/** Options for reading a model folder. */
export interface LoadOptions extends CheckpointOptions {
  /** Merged into the model, whose own it must be. */
  adapter?: Adapter;
}

/** The options of `load`. */
export const loadFields: Table<LoadOptions> = {
  ...checkpointFields,
  adapter: { ...adapterField, about: 'is merged into the model' },
};

/**
 * Reads a model folder, float or quantised, onto `backend`. Weights may have passed through another program:
 * F32, F16 and BF16 tensors in any order, with other metadata or none. Allocates nothing before the file is
 * known to contain the model of its config. Throws one line that names the file, what is wrong with it and
 * what was expected: missing or truncated files; a tensor that is missing, surplus, of another shape or not
 * finite; a tokenizer or an adapter of another model.
 */
export async function loadModel(store: Store, options: LoadOptions = {}): Promise<ModelFolder> {
  complete({ store: storeField }, { store }, 'load');
  checkOptions(loadFields, options, 'load');
  const { config, quantization } = await readJsonFile(store, CONFIG_FILE, configFile);
  if (options.adapter) checkAdapter(options.adapter, config);
  const tokenizer = await readTokenizer(store, config);
  const file = `${store.location}/${MODEL_FILE}`;
  const { tensors, metadata } = await readWeights(store, MODEL_FILE, config);
  const expected = metadata.tokenizer; // older files have none and are not checked
  if (expected !== undefined && expected !== fingerprint(tokenizer)) {
    throw new Error(
      `${store.location}/${TOKENIZER_FILE}: not the tokenizer that this model was trained with, though of the same size: put that one back`,
    );
  }
  checkTensors(tensors, config, file);
  const activations = activationsOf(tensors, metadata.activations, file, options.onNote);
  const model = new GPT(config, { backend: options.backend, init: 'blank' });
  try {
    model.startToken = readStart(metadata.startToken, config, file);
    for (const slot of slots(model)) fillSlot(slot, tensors, { activations, quantization }, file);
    const [surplus] = tensors.keys();
    if (surplus)
      throw new Error(`${file}: surplus tensor ${surplus}: ${CONFIG_FILE} describes a model without it`);
    if (options.adapter) await mergeAdapter(model, options.adapter);
  } catch (error) {
    model.dispose();
    throw error;
  }
  if (metadata.format !== FORMAT) {
    const by = metadata.format === undefined ? '' : ` (format ${JSON.stringify(metadata.format)})`;
    options.onNote?.(
      `${file} was written by another program${by}: names, shapes and values fit ${CONFIG_FILE}; whether ${TOKENIZER_FILE} is the one that it was trained with is not recorded`,
    );
  }
  return { model, tokenizer };
}

const quantizationSchema: Schema<Int4Config> = object<Int4Config>({
  bits: oneOf(4),
  groupSize: where(integer({ min: 32, max: 2 ** 20 }), (n) =>
    n % 32 === 0 ? null : `${n} is not a multiple of 32`,
  ),
  method: oneOf('rtn', 'gptq'),
  activations: oneOf('f32', 'int8'),
});

/** `config.json`: a GPTConfig, with or without `quantization`. */
function configFile(value: unknown): { config: GPTConfig; quantization: Int4Config | null } {
  if (typeof value === 'object' && value !== null && 'model_type' in value)
    throw new Error(
      'describes a model of Hugging Face: `inkhorn import` makes a model folder of Inkhorn of its folder',
    );
  if (typeof value !== 'object' || value === null || !('quantization' in value))
    return { config: checkConfig(value), quantization: null };
  const { quantization, ...config } = value;
  const file = object<{ quantization: Int4Config }>({ quantization: quantizationSchema });
  return { config: checkConfig(config), quantization: file({ quantization }).quantization };
}

/** The checked config of the model in a folder. The weights are not read. */
export async function loadConfig(store: Store): Promise<GPTConfig> {
  return (await readJsonFile(store, CONFIG_FILE, configFile)).config;
}

/**
 * The tensors of the model in a folder. Throws if one is missing or has another shape. Creates no model.
 */
export async function loadTensors(store: Store): Promise<TensorFile> {
  const file = `${store.location}/${MODEL_FILE}`;
  const config = await loadConfig(store);
  const found = await readWeights(store, MODEL_FILE, config);
  checkTensors(found.tensors, config, file);
  return found;
}

/**
 * A file of tensors of a model, at most `copies` of its parameters in float32. A longer one is refused before
 * it is read.
 */
export async function readWeights(
  store: Store,
  name: string,
  config: GPTConfig,
  copies = 1,
): Promise<TensorFile> {
  const atMost = mostFileBytes(copies * 4 * countShapes(config));
  return readSafetensors(await store.read(name, atMost), `${store.location}/${name}`);
}

/** The tokenizer of the model in a folder. */
export async function loadTokenizer(store: Store): Promise<Tokenizer> {
  return readJsonFile(store, TOKENIZER_FILE, (value) => Tokenizer.fromJSON(value), TOKENIZER_LIMITS);
}

async function readTokenizer(store: Store, config: GPTConfig): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(store);
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new Error(
      `${store.location}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}: they are not of one model`,
    );
  }
  return tokenizer;
}

/**
 * Throws unless `tensors` contains every parameter of the config's model. So the file is as large as the
 * memory that will be allocated.
 */
function checkTensors(tensors: ReadonlyMap<string, StoredTensor>, config: GPTConfig, file: string): void {
  for (const [name, shape] of shapesOf(config)) {
    const packed = tensors.get(name)?.dtype === 'U8' && shape.length === 2;
    find(tensors, name, packed ? [shape[0], Math.ceil(shape[1] / 2)] : shape, file);
  }
}

/** How INT8 layers treat their inputs. Stored in the metadata, which other programs drop. */
function activationsOf(
  tensors: ReadonlyMap<string, StoredTensor>,
  recorded: string | undefined,
  file: string,
  onNote: LoadOptions['onNote'],
): InputPrecision {
  if (recorded === 'f32' || recorded === 'int8') return recorded;
  const [name] = [...tensors].find(([, { dtype }]) => dtype === 'I8') ?? [];
  if (name !== undefined && recorded !== undefined) {
    throw new Error(
      `${file}: ${name} is I8, but the metadata has activations ${JSON.stringify(recorded)}: expected f32 or int8`,
    );
  }
  if (name !== undefined)
    onNote?.(`${file} does not say how its INT8 layers take their inputs: as int8, which is the default`);
  return 'int8';
}

/** Identifies a tokenizer, whatever its file looks like: FNV-1a, 32 bits, over its contents. */
function fingerprint(tokenizer: Tokenizer): string {
  let hash = 0x811c9dc5;
  for (const byte of jsonBytes(tokenizer.toJSON(), 2)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** The start token that training found; files of the first versions have none. */
function readStart(text: string | undefined, { vocabSize }: GPTConfig, file: string): number | null {
  if (text === undefined) return null;
  const id = Number(text);
  if (text.trim() !== '' && Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
  throw new Error(
    `${file}: its metadata has startToken ${JSON.stringify(text)}: expected a token from 0 to ${vocabSize - 1}`,
  );
}

/** Writes the tensor with that name into the model and removes it from `tensors`. */
function fillSlot(
  slot: Slot,
  tensors: Map<string, StoredTensor>,
  { activations, quantization }: { activations: InputPrecision; quantization: Int4Config | null },
  file: string,
): void {
  const { name, value, replace } = slot;
  if (tensors.get(name)?.dtype === 'U8') {
    fillInt4(slot, tensors, quantization, file);
    return;
  }
  const weight = take(tensors, name, value.shape, file);
  if (weight.data instanceof Float32Array) {
    (value as Tensor).write(weight.data);
    return;
  }
  if (!(weight.data instanceof Int8Array) || value.shape.length !== 2) {
    throw new Error(
      `${file}: tensor ${name} is ${weight.dtype}: expected F32, F16 or BF16, or I8 or U8 for a matrix`,
    );
  }
  const scale = take(tensors, `${name}.scale`, [value.shape[0]], file);
  if (!(scale.data instanceof Float32Array))
    throw new Error(`${file}: tensor ${name}.scale is ${scale.dtype}, not F32`);
  const { backend } = value as Tensor;
  const values = keep(tensor(weight.data, weight.shape, backend));
  const scales = keep(tensor(scale.data, scale.shape, backend));
  replace(new Int8Tensor(values, scales, activations));
  value.dispose();
}

function fillInt4(
  { name, value, replace }: Slot,
  tensors: Map<string, StoredTensor>,
  format: Int4Config | null,
  file: string,
): void {
  const { shape } = value;
  if (shape.length !== 2) throw new Error(`${file}: tensor ${name} is U8: expected F32`);
  if (!format) throw new Error(`${file}: ${name} is U8, but ${CONFIG_FILE} has no quantization`);
  const [rows, cols] = shape;
  const codes = take(tensors, name, [rows, Math.ceil(cols / 2)], file);
  const groups = Math.ceil(cols / format.groupSize);
  const scale = take(tensors, `${name}.scale`, [groups, rows], file);
  if (!(scale.data instanceof Float32Array))
    throw new Error(`${file}: tensor ${name}.scale is ${scale.dtype}, not BF16`);
  const { backend } = value as Tensor;
  const { buffer, byteOffset, length } = codes.data;
  const packed = keep(tensor(new Int8Array(buffer, byteOffset, length), codes.shape, backend));
  replace(new Int4Tensor(shape, packed, keep(tensor(scale.data, scale.shape, backend)), format));
  value.dispose();
}

/** The tensor with that name. Throws unless it has that shape. */
function find(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  shape: readonly number[],
  file: string,
): StoredTensor {
  const found = tensors.get(name);
  if (!found) throw new Error(`${file}: tensor ${name} [${shape.join(', ')}] is missing`);
  if (found.shape.join() !== shape.join()) {
    throw new Error(
      `${file}: tensor ${name} is [${found.shape.join(', ')}], ${CONFIG_FILE} asks for [${shape.join(', ')}]`,
    );
  }
  return found;
}

/** As `tensorOf`, checked to be finite, and removed from `tensors`. */
function take(
  tensors: Map<string, StoredTensor>,
  name: string,
  shape: readonly number[],
  file: string,
): StoredTensor {
  const found = find(tensors, name, shape, file);
  if (found.data instanceof Float32Array) {
    const bad = firstNotFinite(found.data);
    if (bad >= 0)
      throw new Error(
        `${file}: tensor ${name} holds ${found.data[bad]} at element ${bad}: the model is damaged`,
      );
  }
  tensors.delete(name);
  return found;
}

/** The same bytes as unsigned numbers. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Vectors stay float32: they are few, and norms are multiplied into everything. */
async function stored(t: Tensor, matrices: Precision = 'f32'): Promise<TensorToWrite | TensorToRead> {
  if (matrices === 'f32' || t.shape.length < 2) return t;
  return { dtype: 'BF16', shape: t.shape, data: new Uint8Array(toBfloat16(await t.data()).buffer) };
}
