// A model folder: model.safetensors, config.json, tokenizer.json. What is written here other tools can read.
import type { Backend, Precision } from '../backend/contract.ts';
import { toBfloat16 } from '../io/floats.ts';
import {
  readSafetensors,
  type StoredTensor,
  type TensorToWrite,
  writeSafetensors,
} from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { type Slot, slots } from '../nn/parameters.ts';
import { type Int4Format, Int4Tensor, Int8Tensor } from '../tensor/quantized.ts';
import { keep } from '../tensor/scope.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { checkConfig, type GPTConfig } from './config.ts';
import { GPT } from './gpt.ts';

/** A model and the tokenizer it was trained with. */
export interface ModelFolder {
  model: GPT;
  tokenizer: Tokenizer;
}

export const MODEL_FILE = 'model.safetensors';
const CONFIG_FILE = 'config.json';
export const TOKENIZER_FILE = 'tokenizer.json';

/** Written into the safetensors metadata, so that a foreign file is recognised as one. */
const FORMAT = 'inkhorn';

export interface SaveOptions {
  /** What float matrices are stored as: `bf16` is half as large and rounds them to 8 bits of significand. Default `f32`. */
  matrices?: Precision;
}

/**
 * The files of a model folder. An INT8 weight is stored as `name` (I8) and `name.scale` (F32), an INT4 weight as `name` (U8, two
 * codes to a byte) and `name.scale` (BF16); what INT4 weights have in common is the `quantization` of `config.json`.
 */
export async function modelFiles(
  { model, tokenizer }: ModelFolder,
  { matrices = 'f32' }: SaveOptions = {},
): Promise<Map<string, Uint8Array>> {
  const tensors = new Map<string, TensorToWrite>();
  let activations: string | undefined;
  let quantization: Int4Config | undefined;
  for (const { name, value } of slots(model)) {
    if (value instanceof Int8Tensor) {
      activations = value.activations;
      tensors.set(name, await stored(value.values));
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
  const metadata = {
    ...{ format: FORMAT, tokenizer: fingerprint(tokenizer) },
    ...(activations ? { activations } : {}),
  };
  return new Map([
    [MODEL_FILE, writeSafetensors(tensors, metadata)],
    [CONFIG_FILE, json(quantization ? { ...model.config, quantization } : model.config)],
    [TOKENIZER_FILE, json(tokenizer.toJSON())],
  ]);
}

/** `quantization` in `config.json`. */
interface Int4Config extends Int4Format {
  readonly bits: 4;
}

/** Writes a model folder, all of it or nothing. */
export async function saveModel(
  store: Store,
  contents: ModelFolder,
  options: SaveOptions = {},
): Promise<void> {
  await store.writeAll(await modelFiles(contents, options));
}

/**
 * Reads a model folder, float or quantised, onto `backend` (default: the current one). Throws one line that names the
 * file, what is wrong with it and what was expected: missing or truncated files, a tensor that is missing, surplus, of
 * another shape or not finite, a tokenizer that is not the model's.
 */
export async function loadModel(store: Store, options: { backend?: Backend } = {}): Promise<ModelFolder> {
  const { config, quantization } = await readConfig(store);
  const tokenizer = await readTokenizer(store, config);
  const file = `${store.location}/${MODEL_FILE}`;
  const { tensors, metadata } = readSafetensors(await store.read(MODEL_FILE), file);
  if (metadata.format !== FORMAT) {
    throw new Error(
      `${file}: not an Inkhorn model (its metadata says format ${JSON.stringify(metadata.format)})`,
    );
  }
  const expected = metadata.tokenizer; // files written before there was one are taken as they are
  if (expected !== undefined && expected !== fingerprint(tokenizer)) {
    throw new Error(
      `${store.location}/${TOKENIZER_FILE}: not the tokenizer that this model was trained with, though of the same size: put that one back`,
    );
  }
  const model = new GPT(config, { backend: options.backend, init: 'blank' });
  try {
    for (const slot of slots(model))
      fillSlot(slot, tensors, { activations: metadata.activations, quantization }, file);
    const [surplus] = tensors.keys();
    if (surplus)
      throw new Error(`${file}: surplus tensor ${surplus}: ${CONFIG_FILE} describes a model without it`);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { model, tokenizer };
}

/** Throws unless `config.json` is there and is a GPTConfig, with `quantization` or without. */
async function readConfig(store: Store): Promise<{ config: GPTConfig; quantization: Int4Config | null }> {
  return parsed(store, CONFIG_FILE, (value) => {
    if (typeof value !== 'object' || value === null || !('quantization' in value)) {
      return { config: checkConfig(value), quantization: null };
    }
    const { quantization, ...config } = value;
    return { config: checkConfig(config), quantization: checkQuantization(quantization) };
  });
}

function checkQuantization(value: unknown): Int4Config {
  const { bits, groupSize, method, activations } = (value ?? {}) as Partial<Int4Config>;
  const known =
    bits === 4 &&
    Number.isInteger(groupSize) &&
    (groupSize as number) > 0 &&
    (groupSize as number) % 32 === 0 &&
    (method === 'rtn' || method === 'gptq') &&
    (activations === 'f32' || activations === 'int8');
  if (known) return { bits, groupSize: groupSize as number, method, activations };
  throw new Error(
    `quantization ${JSON.stringify(value)} is unknown: expected bits 4, groupSize a multiple of 32, method rtn or gptq, activations f32 or int8`,
  );
}

async function readTokenizer(store: Store, config: GPTConfig): Promise<Tokenizer> {
  const tokenizer = await parsed(store, TOKENIZER_FILE, (value) => Tokenizer.fromJSON(value));
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new Error(
      `${store.location}: the tokenizer has ${tokenizer.vocabSize} tokens, the model ${config.vocabSize}: they are not of one model`,
    );
  }
  return tokenizer;
}

/** Tells tokenizers apart whatever their file looks like: FNV-1a, 32 bits, over what they save. */
function fingerprint(tokenizer: Tokenizer): string {
  let hash = 0x811c9dc5;
  for (const byte of json(tokenizer.toJSON())) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Writes the tensor of that name into the model and takes it out of `tensors`. */
function fillSlot(
  slot: Slot,
  tensors: Map<string, StoredTensor>,
  { activations, quantization }: { activations: string | undefined; quantization: Int4Config | null },
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
    throw new Error(`${file}: tensor ${name} is ${weight.dtype}: expected F32, or I8 or U8 for a matrix`);
  }
  if (activations !== 'f32' && activations !== 'int8') {
    throw new Error(
      `${file}: ${name} is I8, but the metadata has activations ${activations}: expected f32 or int8`,
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

function take(
  tensors: Map<string, StoredTensor>,
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
  if (found.data instanceof Float32Array) {
    const bad = found.data.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0)
      throw new Error(
        `${file}: tensor ${name} holds ${found.data[bad]} at element ${bad}: the model is damaged`,
      );
  }
  tensors.delete(name);
  return found;
}

/** The same bytes, without a sign. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Vectors stay as they are: they are few, and norms are multiplied into everything. */
async function stored(t: Tensor, matrices: Precision = 'f32'): Promise<TensorToWrite> {
  const data = await t.data();
  if (matrices === 'f32' || !(data instanceof Float32Array) || t.shape.length < 2)
    return { shape: t.shape, data };
  return { dtype: 'BF16', shape: t.shape, data: new Uint8Array(toBfloat16(data).buffer) };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** Reads a JSON file and checks it; errors name the file. */
async function parsed<T>(store: Store, name: string, check: (value: unknown) => T): Promise<T> {
  const bytes = await store.read(name);
  try {
    return check(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    throw new Error(`${store.location}/${name}: ${(error as Error).message}`);
  }
}
