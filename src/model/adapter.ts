// An adapter apart from its model: the thin matrices that LoRA trained (Hu et al. 2021; train/lora.ts), with
// what tells the model that they belong to. `adapter.safetensors` holds one. Read next: folder.ts.
import { custom, type Field } from '../base/fields.ts';
import { such } from '../base/schema.ts';
import { sha256 } from '../base/sha256.ts';
import { firstNotFinite } from '../io/floats.ts';
import { mostFileBytes, readSafetensors, type TensorToWrite, writeSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { namedParameters, slots } from '../nn/parameters.ts';
import { isQuantized } from '../tensor/quantized.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import type { GPTConfig } from './config.ts';
import type { GPT } from './gpt.ts';
import { type AdapterPart, adapterName, parseAdapterName, parseParameter } from './names.ts';
import { shapesOf } from './shapes.ts';

export const ADAPTER_FILE = 'adapter.safetensors';

/** An adapter: it turns matrices W of one model into W + (alpha / rank) B A. */
export interface Adapter {
  rank: number;
  /** The product B A is multiplied by alpha / rank: by 1 where Inkhorn trained it. */
  alpha: number;
  /** The model that it belongs to: see `modelIdentity`. */
  base: string;
  /** The token before a text without a prompt; null: that of the model. */
  startToken: number | null;
  /** By the name of W [out, in]: A [rank, in] and B [out, rank]. */
  matrices: ReadonlyMap<string, ThinMatrices>;
}

/** A [rank, in] and B [out, rank], row by row. */
export interface ThinMatrices {
  a: Float32Array;
  b: Float32Array;
}

/** The option of functions that take one. */
export const adapterField: Field<Adapter> = custom<Adapter>({
  about: 'an adapter that was kept apart',
  schema: such((value): value is Adapter => Object(value).matrices instanceof Map, 'an adapter'),
  hint: 'loadAdapter reads one',
});

/** Written into the metadata of the file, by which ours are recognised. */
const FORMAT = 'inkhorn adapter';

/**
 * The contents of `adapter.safetensors`: A and B as `blocks.0.mlp.fc.weight.loraA` and `....loraB`, and in
 * the metadata rank, alpha and base.
 */
export function adapterBytes({ rank, alpha, base, startToken, matrices }: Adapter): Uint8Array {
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { a, b }] of matrices) {
    tensors.set(adapterName(name, 'loraA'), { shape: [rank, a.length / rank], data: a });
    tensors.set(adapterName(name, 'loraB'), { shape: [b.length / rank, rank], data: b });
  }
  return writeSafetensors(tensors, {
    format: FORMAT,
    rank: String(rank),
    alpha: String(alpha),
    base,
    ...(startToken === null ? {} : { startToken: String(startToken) }),
  });
}

/** Writes an adapter into `store`, as `adapter.safetensors`. */
export async function saveAdapter(store: Store, adapter: Adapter): Promise<void> {
  await store.write(ADAPTER_FILE, adapterBytes(adapter));
}

/** The largest file that is read: more than the adapters of any model that trains here. */
const MOST_BYTES = 2 ** 31;

/**
 * Reads the adapter in `store`. Throws one line that names the file and what is wrong with it: missing,
 * truncated, no adapter, a matrix without its other half or of another rank, a value that is not finite.
 */
export async function loadAdapter(store: Store, name: string = ADAPTER_FILE): Promise<Adapter> {
  const file = `${store.location}/${name}`;
  return readAdapter(await store.read(name, mostFileBytes(MOST_BYTES)), file);
}

/** The adapter in the bytes of `file`, checked. */
export function readAdapter(bytes: Uint8Array, file: string): Adapter {
  const fail = (problem: string): never => {
    throw new Error(`${file}: ${problem}`);
  };
  const { metadata, tensors } = readSafetensors(bytes, file);
  if (metadata.format !== FORMAT)
    fail(
      `no adapter of inkhorn train --keep-adapter: its format is ${JSON.stringify(metadata.format ?? '')}`,
    );
  const number = (key: string): number => {
    const value = Number(metadata[key]);
    if (metadata[key] && Number.isFinite(value) && value > 0) return value;
    return fail(`its metadata has ${key} ${JSON.stringify(metadata[key] ?? '')}: expected a number above 0`);
  };
  const [rank, alpha] = [number('rank'), number('alpha')];
  if (!/^[0-9a-f]{64}$/.test(metadata.base ?? ''))
    fail('its metadata does not say to which model it belongs (base)');
  const parts = new Map<string, Partial<ThinMatrices>>();
  for (const [name, { dtype, shape, data }] of tensors) {
    const { parameter, part } = parseAdapterName(name) ?? fail(`${name} is no part of an adapter`);
    if (!(data instanceof Float32Array)) return fail(`${name} is ${dtype}: expected F32, F16 or BF16`);
    if (shape.length !== 2 || shape[part === 'loraA' ? 0 : 1] !== rank)
      fail(`${name} is [${shape.join(', ')}]: the adapter has rank ${rank}`);
    const bad = firstNotFinite(data);
    if (bad >= 0) fail(`${name} holds ${data[bad]} at element ${bad}: the adapter is damaged`);
    parts.set(parameter, { ...parts.get(parameter), [part === 'loraA' ? 'a' : 'b']: data });
  }
  if (parts.size === 0) fail('it holds no matrices');
  const matrices = new Map<string, ThinMatrices>();
  for (const [name, { a, b }] of parts) {
    const missing: AdapterPart = a ? 'loraB' : 'loraA';
    if (!a || !b) return fail(`${adapterName(name, missing)} is missing`);
    matrices.set(name, { a, b });
  }
  const start = metadata.startToken === undefined ? null : Number(metadata.startToken);
  if (start !== null && !(Number.isInteger(start) && start >= 0))
    fail(`its metadata has startToken ${JSON.stringify(metadata.startToken)}: expected a token`);
  return { rank, alpha, base: metadata.base, startToken: start, matrices };
}

/** Throws one line when a model of this config does not have the matrices of the adapter. */
export function checkAdapter({ rank, startToken, matrices }: Adapter, config: GPTConfig): void {
  const shapes = new Map(shapesOf(config));
  for (const [name, { a, b }] of matrices) {
    const shape = shapes.get(name);
    if (!shape || parseParameter(name).role !== 'matrix')
      throw new Error(`the adapter is for another model: this one has no matrix ${name}`);
    const [out, columns] = [b.length / rank, a.length / rank];
    if (shape[0] === out && shape[1] === columns) continue;
    throw new Error(
      `the adapter is for another model: its ${name} is [${out}, ${columns}], here it is [${shape.join(', ')}]`,
    );
  }
  if (startToken !== null && startToken >= config.vocabSize)
    throw new Error(
      `the adapter is for another model: it starts with token ${startToken}, of ${config.vocabSize}`,
    );
}

/**
 * Merges an adapter into the model that it belongs to: W += (alpha / rank) B A. On the engine that trained it
 * this gives the bits of the merged model that the training saved; another engine may round otherwise. Throws
 * one line, and changes nothing, when the model is quantised or another one.
 */
export async function mergeAdapter(model: GPT, adapter: Adapter): Promise<void> {
  checkAdapter(adapter, model.config);
  const integers = slots(model).find(({ value }) => isQuantized(value));
  if (integers)
    throw new Error(
      `${integers.name} is of integers: an adapter is merged into floats, which are quantised then`,
    );
  const weights = namedParameters(model);
  await checkBase(weights, adapter);
  const { backend } = model;
  const scale = adapter.alpha / adapter.rank;
  for (const [name, { a, b }] of adapter.matrices) {
    const weight = weights.get(name) as Tensor;
    const [m, n] = weight.shape;
    const thin = {
      a: tensor(a, [adapter.rank, n], backend),
      b: tensor(scale === 1 ? b : b.map((value) => scale * value), [m, adapter.rank], backend),
    };
    addProduct(weight, thin, adapter.rank);
    thin.a.dispose();
    thin.b.dispose();
  }
  model.startToken = adapter.startToken ?? model.startToken;
}

/** Throws one line when these are not the weights of the model that the adapter belongs to. */
export async function checkBase(weights: ReadonlyMap<string, Tensor>, { base }: Adapter): Promise<void> {
  const found = await modelIdentity(weights);
  if (found === base) return;
  throw new Error(
    `the adapter is for another model: it was trained on the weights ${base.slice(0, 12)}..., these are ${found.slice(0, 12)}...; a run that is saved merged has its adapter in it already`,
  );
}

/** W += B A, with W [out, in], A [rank, in], B [out, rank]. */
export function addProduct(weight: Tensor, { a, b }: { a: Tensor; b: Tensor }, rank: number): void {
  const [m, n] = weight.shape;
  const { kernels } = weight.backend;
  kernels.matmul(weight.buffer, b.buffer, a.buffer, { m, n, k: rank, accumulate: true });
}

/**
 * SHA-256 over the weights of a model, in hexadecimal. The table of positions does not count: its last rows
 * go when the context is shortened (`recast`), which changes no other weight.
 */
export async function modelIdentity(weights: ReadonlyMap<string, Tensor>): Promise<string> {
  const parts: string[] = [];
  for (const [name, weight] of weights) {
    if (parseParameter(name).role === 'positions') continue;
    const { buffer } = new Float32Array(await weight.data());
    parts.push(`${name} ${weight.shape.join('x')} ${await sha256(new Uint8Array(buffer))}`);
  }
  return sha256(new TextEncoder().encode(parts.join('\n')));
}
