// From the files of another program to a model folder of ours: checks every tensor against the config, then
// copies one after another, a megabyte at a time, into their file. Read next: mapping.ts.
import { formatCount } from '../base/format.ts';
import { jsonBytes } from '../base/json.ts';
import { excerpt } from '../base/schema.ts';
import { fromBfloat16, fromFloat16 } from '../io/floats.ts';
import { blankSafetensors, type PlaceToWrite, type StoredDType } from '../io/safetensors.ts';
import { configRecord, type GPTConfig } from '../model/config.ts';
import { CONFIG_FILE, MODEL_FILE, tokenizerFiles, weightsMetadata } from '../model/folder.ts';
import { parseParameter } from '../model/names.ts';
import { shapesOf } from '../model/shapes.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { ForeignModel, ForeignTensor } from './foreign.ts';
import { type Elements, type Mapped, sizeOf, writeInto } from './mapping.ts';
import { isOfCharacters } from './tokenizer/characters.ts';

/** A model folder to be filled. */
export interface Filling {
  config: GPTConfig;
  /** Its files; the weights are zeros. */
  files: Map<string, Uint8Array>;
  /** Remarks for people. */
  notes: string[];
  /** Fills the weights, and yields their file part by part. To be called once. */
  fill(): AsyncGenerator<Uint8Array, void>;
}

/**
 * The model folder of `model` with `tokenizer`. Matrices keep their type (float32, bfloat16, float16),
 * vectors become float32. Throws one line when a tensor is missing, surplus, of another shape or type, and
 * when the tokenizer is of another model; `fill` throws for one that is not finite.
 */
export async function fillFolder(
  model: ForeignModel,
  tokenizer: Tokenizer,
  onProgress?: (done: number, total: number) => void,
): Promise<Filling> {
  const { tied, notes } = await tieOf(model);
  const theirs = { ...model.config, tieWeights: tied };
  checkTensors(model, theirs);
  const { config, note } = fitVocabulary(theirs, tokenizer, model.describedBy);
  const vocabSize = Math.min(config.vocabSize, theirs.vocabSize);
  const sources = sourcesOf(model.mapped({ ...theirs, vocabSize }));
  const places = placesFor(config, sources, model);
  const metadata = weightsMetadata(tokenizer, startWithin(model.start, config));
  const { file, order, bytesOf } = blankSafetensors(places, metadata);
  const files = new Map([
    [MODEL_FILE, file],
    [CONFIG_FILE, jsonBytes(configRecord(config), 2)],
    ...tokenizerFiles(tokenizer),
  ]);
  async function* fill(): AsyncGenerator<Uint8Array, void> {
    let done = bytesOf(order[0]).byteOffset - file.byteOffset; // the header
    yield file.subarray(0, done);
    for (const name of order) {
      const bytes = bytesOf(name);
      const ours = elementsOf(bytes, places.get(name)?.dtype ?? 'F32');
      for (const one of sources.get(name) ?? [])
        for await (const rows of rowsOf(one, find(model, one.theirs))) write(ours, one, rows);
      if (name === HEAD_BIAS && config.vocabSize > theirs.vocabSize) ours.fill(NEVER, theirs.vocabSize);
      yield bytes;
      done += bytes.length;
      onProgress?.(done, file.length);
    }
  }
  const all = [...(model.notes ?? []), ...notes, ...(note === null ? [] : [note])];
  return { config, files, notes: all, fill };
}

/** The tensor of a tied head, by the name that every class here has. */
const HEAD = 'lm_head.weight';

/**
 * Whether the head is the token embedding. Files of tied models may hold it twice: where the two differ, as
 * after training one of them alone, they are not tied.
 */
async function tieOf(model: ForeignModel): Promise<{ tied: boolean; notes: string[] }> {
  const { tensors, config } = model;
  const head = tensors.get(HEAD);
  if (!config.tieWeights || !head) return { tied: config.tieWeights, notes: [] };
  const [embedding] = model.mapped(config);
  if (await equal(head, find(model, embedding.theirs))) {
    tensors.delete(HEAD);
    return { tied: true, notes: [] };
  }
  const note = `${HEAD} differs from ${embedding.theirs}, though they are said to be tied: the head stays one of its own`;
  return { tied: false, notes: [note] };
}

async function equal(one: ForeignTensor, other: ForeignTensor): Promise<boolean> {
  if (one.dtype !== other.dtype || one.shape.join() !== other.shape.join()) return false;
  const size = sizeOf(one.shape);
  for (let at = 0; at < size; at += PIECE) {
    const end = Math.min(size, at + PIECE);
    const [a, b] = await Promise.all([one.read(at, end), other.read(at, end)]);
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Throws unless the tensors are those of the config, and no others. */
function checkTensors(model: ForeignModel, config: GPTConfig): void {
  const { tensors, describedBy } = model;
  const expected = model.mapped(config);
  for (const { theirs, shape } of expected) {
    const found = find(model, theirs, shape);
    if (found.shape.join() !== shape.join())
      throw new Error(
        `${found.file}: tensor ${theirs} is [${shownShape(found.shape)}], ${describedBy} asks for [${shape.join(', ')}]`,
      );
    if (found.dtype !== 'F32' && !isHalf(found.dtype))
      throw new Error(`${found.file}: tensor ${theirs} is ${found.dtype}: expected F32, F16 or BF16`);
  }
  const known = new Set(expected.map(({ theirs }) => theirs));
  for (const [name, { file }] of tensors)
    if (!known.has(name))
      throw new Error(
        `${file}: surplus tensor ${excerpt(name)}: the ${model.name} of ${describedBy} has none of that name`,
      );
}

function find(model: ForeignModel, name: string, shape: readonly number[] = []): ForeignTensor {
  const found = model.tensors.get(name);
  if (found) return found;
  const size = shape.length > 0 ? ` [${shape.join(', ')}]` : '';
  throw new Error(`${model.describedBy} asks for tensor ${name}${size}, which is missing`);
}

function shownShape(shape: readonly number[]): string {
  return `${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', ...' : ''}`;
}

/** Vocabularies are padded to a multiple of a power of two, for speed: of this one at most. */
const MOST_PADDING = 128;

const HEAD_BIAS = 'head.bias';

/** The logit of a token that a model does not have: so low that nothing of a probability is left. */
const NEVER = -1e4;

/**
 * The config with as many tokens as the tokenizer has: where what is beyond them pads the vocabulary, and
 * where the tokenizer has bytes besides the model's characters, which get a head bias of `NEVER`.
 */
function fitVocabulary(
  config: GPTConfig,
  tokenizer: Tokenizer,
  describedBy: string,
): { config: GPTConfig; note: string | null } {
  const { vocabSize } = config;
  const { vocabSize: known } = tokenizer;
  if (vocabSize === known) return { config, note: null };
  if (isOfCharacters(tokenizer, vocabSize))
    return {
      config: { ...config, vocabSize: known, headBias: true },
      note: `the model knows ${formatCount(vocabSize)} characters: the other ${formatCount(known - vocabSize)} tokens, bytes of all others, are zeros to it, and it never writes them`,
    };
  const padding = vocabSize - known;
  const pads =
    padding > 0 && padding < MOST_PADDING && vocabSize % 2 ** Math.ceil(Math.log2(padding + 1)) === 0;
  if (!pads)
    throw new Error(
      `${describedBy}: the model has ${vocabSize} tokens, the tokenizer ${known}: they are not of one model; --tokenizer takes another one`,
    );
  return {
    config: { ...config, vocabSize: known },
    note: `${formatCount(padding)} of ${formatCount(vocabSize)} rows of the vocabulary pad it and stand for no token: they are left out`,
  };
}

function startWithin(start: number | null, { vocabSize }: GPTConfig): number | null {
  return start !== null && start < vocabSize ? start : null;
}

/** The tensors that each parameter of ours is made of. */
function sourcesOf(mapped: readonly Mapped[]): Map<string, Mapped[]> {
  const sources = new Map<string, Mapped[]>();
  for (const one of mapped) {
    if (one.ours === null) continue;
    const others = sources.get(one.ours);
    if (others) others.push(one);
    else sources.set(one.ours, [one]);
  }
  return sources;
}

/** Type and shape of every parameter in our file. */
function placesFor(
  config: GPTConfig,
  sources: ReadonlyMap<string, readonly Mapped[]>,
  model: ForeignModel,
): Map<string, PlaceToWrite> {
  const places = new Map<string, PlaceToWrite>();
  for (const [name, shape] of shapesOf(config)) {
    const types = new Set((sources.get(name) ?? []).map(({ theirs }) => find(model, theirs).dtype));
    // Biases that a class lacks are zeros here. Nothing else may be missing.
    if (types.size === 0 && parseParameter(name).field !== 'bias')
      throw new Error(`${model.describedBy}: ${model.name} has nothing for our parameter ${name}`);
    const [type] = types;
    places.set(name, { dtype: shape.length < 2 || types.size !== 1 ? 'F32' : type, shape });
  }
  return places;
}

/** Elements that are copied at a time. */
const PIECE = 2 ** 18;

/** Some rows of a tensor, from number `first` on. */
interface Rows {
  elements: Elements;
  dtype: StoredDType;
  first: number;
}

/** The rows that our model takes of a tensor, some at a time, checked to be finite. */
async function* rowsOf({ shape, theirs }: Mapped, tensor: ForeignTensor): AsyncGenerator<Rows> {
  const { dtype } = tensor;
  const columns = sizeOf(shape.slice(1));
  const step = Math.max(1, Math.floor(PIECE / columns));
  const read = (row: number): Promise<Uint8Array> =>
    tensor.read(row * columns, Math.min(shape[0], row + step) * columns);
  let next = read(0);
  try {
    for (let first = 0; first < shape[0]; first += step) {
      const bytes = await next;
      if (first + step < shape[0]) next = read(first + step); // while these rows are copied
      const elements = elementsOf(bytes, dtype);
      checkFinite(elements, first * columns, theirs, tensor);
      yield { elements, dtype, first };
    }
  } finally {
    await next.catch(() => {}); // after an error, no reading goes on
  }
}

function write(ours: Elements, mapped: Mapped, { elements, dtype, first }: Rows): void {
  const fitting = ours instanceof Float32Array ? widened(elements, dtype) : elements;
  writeInto(ours, mapped, fitting, first);
}

function elementsOf(bytes: Uint8Array, dtype: StoredDType): Elements {
  const width = isHalf(dtype) ? 2 : 4;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

function widened(elements: Elements, dtype: StoredDType): Float32Array {
  if (elements instanceof Float32Array) return elements;
  return dtype === 'BF16' ? fromBfloat16(elements) : fromFloat16(elements);
}

function isHalf(dtype: StoredDType): dtype is 'F16' | 'BF16' {
  return dtype === 'F16' || dtype === 'BF16';
}

/** Halves are not finite when all bits of their exponent are set. */
function checkFinite(elements: Elements, first: number, name: string, tensor: ForeignTensor): void {
  const exponent = tensor.dtype === 'BF16' ? 0x7f80 : 0x7c00;
  let bad = -1;
  if (elements instanceof Float32Array) {
    for (let i = 0; i < elements.length && bad < 0; i++) if (!Number.isFinite(elements[i])) bad = i;
  } else {
    for (let i = 0; i < elements.length && bad < 0; i++) if ((elements[i] & exponent) === exponent) bad = i;
  }
  if (bad < 0) return;
  const [value] = widened(elements.subarray(bad, bad + 1), tensor.dtype);
  throw new Error(
    `${tensor.file}: tensor ${name} holds ${value} at element ${first + bad}: the model is damaged`,
  );
}
