// Quantises a float model: chooses the weights, and how each is stored. The arithmetic of INT8 is in the
// kernels, that of INT4 in int4.ts and gptq.ts. Read next: compare.ts.

import type { InputPrecision } from '../backend/contract.ts';
import { callback, choice, complete, custom, signal, type Table, texts } from '../base/fields.ts';
import { such } from '../base/schema.ts';
import { type Batch, isTokens, type Tokens } from '../model/batch.ts';
import type { GPTConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { beginsWith, generalName, isQuantizable, parameterName, parseParameter } from '../model/names.ts';
import { shapesOf } from '../model/shapes.ts';
import { namedParameters, type Slot, slots } from '../nn/parameters.ts';
import {
  DEFAULT_GROUP_SIZE,
  type Int4Format,
  type Int4Method,
  Int8Tensor,
  type QuantizedTensor,
} from '../tensor/quantized.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { damped, gptq } from './gptq.ts';
import { calibrationBatch, hessians, linearOf } from './hessian.ts';
import { GROUP_SIZES, int4Tensor, roundToNearest } from './int4.ts';

/** All are optional, except `calibration` with `bits: 4` and `method: 'gptq'`. */
export interface QuantizeOptions {
  /** Bits per weight: 8 (default) or 4. */
  bits?: 4 | 8;
  /** For INT4: the number of columns of a row (32, 64 or 128) that share a scale. Default 64. */
  groupSize?: number;
  /**
   * For INT4: `gptq` (default) compensates the rounding of each column in later columns, for inputs like
   * those of `calibration`; `rtn` rounds each weight to nearest.
   */
  method?: Int4Method;
  /** For `gptq`: token ids of the training part, at least one window. 32 windows of them are read. */
  calibration?: Tokens;
  /**
   * How a quantised matrix is multiplied. `int8` (default): each row of the input is quantised just before,
   * and products are summed as integers: fast. `f32`: weight-only, the input stays float: slightly more
   * exact.
   */
  activations?: InputPrecision;
  /**
   * Weights that stay float: the name of a weight or a prefix of it (`head`, `blocks.0`, `blocks.*.mlp`; `*`
   * stands for one part of the name), or `embeddings`, the token table. The seed excludes `head` and
   * `embeddings`.
   */
  exclude?: readonly string[];
  /** Weights for whose names it returns false also stay float. */
  filter?: (name: string) => boolean;
  /** Called after each weight with the number of weights done and in all. */
  onProgress?: (done: number, total: number) => void;
  /**
   * Aborts between two weights: `quantize` then rejects with the signal's reason, and everything is freed.
   */
  signal?: AbortSignal;
}

/** Those that have a default. */
export type QuantizeDefaults = 'bits' | 'groupSize' | 'method' | 'activations' | 'exclude';

/** The options of `quantize`. */
export const quantizeFields: Table<QuantizeOptions, QuantizeDefaults> = {
  bits: choice([4, 8], { about: 'bits per weight', default: 8 }),
  groupSize: choice(GROUP_SIZES, {
    about: 'with 4 bits: columns that share a scale',
    default: DEFAULT_GROUP_SIZE,
  }),
  method: choice(['rtn', 'gptq'], {
    about:
      'with 4 bits: gptq makes up for the error of each column with the next ones; rtn rounds to the nearest',
    default: 'gptq',
  }),
  calibration: custom<Tokens>({
    about: 'token ids that gptq calibrates with',
    schema: such(isTokens, 'an Int32Array, or tokens in a file'),
  }),
  activations: choice(['f32', 'int8'], {
    about: 'int8: products of integers, fast; f32: weights only, a little more exact',
    default: 'int8',
  }),
  exclude: texts({ about: 'keep a weight float, by its name or the beginning of it', default: [] }),
  filter: callback({ about: 'returns false for the name of a weight that stays float' }),
  onProgress: callback({ about: 'called after each weight with the number of those done and of all' }),
  signal: signal({ about: 'ends it between two weights' }),
};

/**
 * A copy of `model` with integer matrices: the weight of every Linear, and the token table. Biases, norms and
 * positions stay float. The copy shares no memory with `model`, which can be disposed of. A token table that
 * is shared with the head stays shared, and stays float when either is excluded.
 *
 * INT8: one scale per output channel or token; symmetric, scale = max |w| / 127, rounded to nearest (half to
 * even). INT4: one scale per row and group of columns (int4.ts). `gptq` rounds one layer after another
 * (gptq.ts), for the inputs that it gets from the layers already rounded. A token table that is not shared
 * with the head is looked up, not multiplied, so its rows are rounded to nearest. The event loop turns
 * between two weights.
 *
 * Throws when an option is unknown or impossible, when `exclude` matches nothing, or when the model is
 * already quantised.
 *
 * @example const small = await quantize(model, { exclude: ['head'] });
 * @example const smaller = await quantize(model, { bits: 4, calibration: data.train });
 */
export async function quantize(model: GPT, options: QuantizeOptions = {}): Promise<GPT> {
  const { activations, int4 } = checkQuantizeOptions(options);
  const parameters = namedParameters(model); // throws when the model is already quantised
  const chosen = quantizedWeights(model.config, options);
  const batch = int4?.method === 'gptq' ? calibrationOf(options, model) : null;
  const small = new GPT(model.config, { backend: model.backend, init: 'blank' });
  small.startToken = model.startToken;
  const places = slots(small);
  for (const { name, value } of places) {
    model.backend.kernels.copy((value as Tensor).buffer, (parameters.get(name) as Tensor).buffer);
  }
  let done = 0;
  try {
    for (const slot of places) {
      if (!chosen.has(slot.name)) continue;
      options.signal?.throwIfAborted();
      const weight = slot.value as Tensor;
      slot.replace(
        int4 ? await toInt4(small, slot, int4, batch, options.signal) : toInt8(weight, activations),
      );
      weight.dispose();
      options.onProgress?.(++done, chosen.size);
      await model.backend.sync();
    }
    return small;
  } catch (error) {
    small.dispose();
    throw error;
  }
}

/** w [out, in] in INT8 with a scale per row. It belongs to no scope. */
export function toInt8(weight: Tensor, activations: InputPrecision): Int8Tensor {
  const { backend, shape } = weight;
  const [rows, cols] = shape;
  const values = keep(empty(shape, 'i8', backend));
  const scale = keep(empty([rows], 'f32', backend));
  backend.kernels.quantizeRows(values.buffer, scale.buffer, weight.buffer, rows, cols);
  return new Int8Tensor(values, scale, activations);
}

/** The float weight of `slot` in INT4. `batch` calibrates it; null: round to nearest. */
async function toInt4(
  model: GPT,
  slot: Slot,
  format: Int4Format,
  batch: Batch | null,
  signal: AbortSignal | undefined,
): Promise<QuantizedTensor> {
  const weight = slot.value as Tensor;
  const { shape } = weight;
  const { groupSize } = format;
  const w = await weight.data();
  if (!batch || !linearOf(slot)) return int4Tensor(weight, roundToNearest(w, shape, groupSize), format);
  const found = await hessians(model, batch, [slot.name], signal);
  const hessian = found.get(slot.name) as Float64Array;
  return int4Tensor(weight, gptq(w, shape, groupSize, damped(hessian, shape[1])), format);
}

/**
 * The names of the weights that `quantize` would quantise in a model of this config. Throws when `exclude`
 * matches nothing or leaves nothing, and when a weight is narrower than a group of INT4.
 */
export function quantizedWeights(config: GPTConfig, options: QuantizeOptions): Set<string> {
  const { exclude = [], filter = () => true } = options;
  const matrices = [...shapesOf(config)].filter(([name]) => isQuantizable(name));
  const candidates = matrices.map(([name, shape]) => ({ name, shape, names: namesOf(config, name) }));
  for (const pattern of exclude) {
    if (!candidates.some(({ names }) => names.some((name) => beginsWith(name, pattern)))) {
      const known = new Set(candidates.flatMap(({ names }) => names.map((n) => generalName(n, '*'))));
      throw new Error(`exclude '${pattern}' is none of the weights: they are ${[...known].join(', ')}`);
    }
  }
  const chosen = candidates.filter(({ names }) =>
    names.every((name) => filter(name) && !exclude.some((pattern) => beginsWith(name, pattern))),
  );
  if (chosen.length === 0) throw new Error('every weight is excluded: nothing is left to quantise');
  const { int4 } = checkQuantizeOptions(options);
  if (int4) checkGroups(chosen, int4.groupSize);
  return new Set(chosen.map(({ name }) => name));
}

/** Tied weights have two names. */
function namesOf({ tieWeights }: GPTConfig, name: string): string[] {
  const tied = tieWeights && parseParameter(name).role === 'embedding';
  return tied ? [name, parameterName('head', 'weight')] : [name];
}

/** The checked options of `quantize`. `int4` null: INT8. */
interface Checked {
  activations: InputPrecision;
  int4: Int4Format | null;
}

/** Throws when the options contradict each other, whatever the model. */
export function checkQuantizeOptions(options: QuantizeOptions): Checked {
  const { bits, activations, groupSize, method, calibration } = complete(quantizeFields, options, 'quantize');
  if (bits === 8) {
    for (const name of ['groupSize', 'method', 'calibration'] as const) {
      const value = options[name];
      if (value === undefined) continue;
      const given = typeof value === 'object' ? name : `${name} ${quoted(value)}`;
      throw new Error(`${given} is for bits 4: INT8 has one scale per row, rounded to the nearest`);
    }
    return { activations, int4: null };
  }
  const int4: Int4Format = { groupSize, method, activations };
  if (int4.method === 'rtn' && calibration) {
    throw new Error(
      'calibration is for method gptq: rtn rounds each weight to the nearest, whatever comes in',
    );
  }
  return { activations, int4 };
}

/** Throws when a row of one of the weights has less than a group of columns. */
function checkGroups(chosen: readonly { name: string; shape: readonly number[] }[], groupSize: number): void {
  const narrow = chosen.filter(({ shape }) => shape[1] < groupSize);
  if (narrow.length === 0) return;
  const columns = narrow.map(({ shape }) => shape[1]);
  const [fewest, most] = [Math.min(...columns), Math.max(...columns)];
  const names = [...new Set(narrow.map(({ name }) => generalName(name, '*')))];
  const fitting = GROUP_SIZES.filter((size) => size <= fewest).map((size) => `groupSize ${size}`);
  const others =
    narrow.length < chosen.length ? [names.map((name) => `exclude '${name}'`).join(' and ')] : [];
  throw new Error(
    `groupSize ${groupSize} is larger than a row of ${names.join(', ')} ` +
      `(${fewest === most ? fewest : `${fewest} to ${most}`} columns), and INT4 has one scale per group: ` +
      `use ${[...fitting, 'bits 8, which has one per row', ...others].join(', or ')}`,
  );
}

function quoted(value: string | number): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function calibrationOf({ calibration }: QuantizeOptions, model: GPT): Batch {
  if (!calibration) {
    throw new Error(
      "method gptq needs calibration, token ids of the training part (data.train): or use method 'rtn'",
    );
  }
  return calibrationBatch(calibration, model.config.blockSize);
}
