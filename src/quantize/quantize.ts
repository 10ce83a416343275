// From a float model to an INT8 one: which weights, and how. The arithmetic is in the kernels. Read next: compare.ts.
import { GPT } from '../model/gpt.ts';
import { namedParameters, slots } from '../nn/parameters.ts';
import { refuseUnknown } from '../options.ts';
import { QuantizedTensor } from '../tensor/quantized.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/** All may be left out. */
export interface QuantizeOptions {
  /** Bits per weight. Default, and the only width so far: 8. */
  bits?: number;
  /**
   * How a quantised matrix is multiplied. `int8` (default): each row of the input is quantised on the fly, products are
   * summed in int32: fast. `f32`: weight-only, the input stays float: a little more exact.
   */
  activations?: 'f32' | 'int8';
  /**
   * What stays float: the name of a weight or its beginning (`head`, `blocks.0`, `blocks.*.mlp`; `*` stands for one part of the
   * name), or `embeddings`, the token table. The seed excludes `head` and `embeddings`.
   */
  exclude?: readonly string[];
  /** Names that it returns false for stay float too. */
  filter?: (name: string) => boolean;
}

/**
 * A copy of `model` whose matrices are INT8: the weight of every Linear, with one scale per output channel, and the token
 * table, with one per token; symmetric, scale = max |w| / 127, rounded to the nearest (half to even). Biases, norms and
 * positions stay float. The copy shares no memory with `model`, which can be disposed. A weight that the head and the token
 * table share stays shared, and stays float when either is excluded.
 *
 * Throws when an option is unknown or impossible, when `exclude` names nothing, or when the model is quantised already.
 *
 * @example const small = quantize(model, { exclude: ['head'] });
 */
export function quantize(model: GPT, options: QuantizeOptions = {}): GPT {
  const { activations = 'int8' } = checkOptions(options);
  const parameters = namedParameters(model); // throws when the model is quantised
  const chosen = chooseWeights(model, parameters, options);
  const small = new GPT(model.config, { backend: model.backend, init: 'blank' });
  for (const { name, value, replace } of slots(small)) {
    const weight = parameters.get(name) as Tensor;
    if (chosen.has(name)) {
      replace(quantizeWeight(weight, activations));
      value.dispose();
    } else {
      model.backend.kernels.copy((value as Tensor).buffer, weight.buffer);
    }
  }
  return small;
}

/** w [out, in] in INT8 with a scale per row. Belongs to no scope. */
export function quantizeWeight(weight: Tensor, activations: 'f32' | 'int8'): QuantizedTensor {
  const { backend, shape } = weight;
  const [rows, cols] = shape;
  const values = keep(empty(shape, 'i8', backend));
  const scale = keep(empty([rows], 'f32', backend));
  backend.kernels.quantizeRows(values.buffer, scale.buffer, weight.buffer, rows, cols);
  return new QuantizedTensor(values, scale, activations);
}

/** The names of the weights to quantise. */
function chooseWeights(
  model: GPT,
  parameters: ReadonlyMap<string, Tensor>,
  { exclude = [], filter = () => true }: QuantizeOptions,
): Set<string> {
  const matrices = [...parameters.keys()].filter((name) => isMatrix(name, parameters.get(name) as Tensor));
  const candidates = matrices.map((name) => ({ name, names: namesOf(model, name) }));
  for (const pattern of exclude) {
    if (!candidates.some(({ names }) => names.some((name) => matches(name, pattern)))) {
      const known = new Set(candidates.flatMap(({ names }) => names.map((n) => n.replace(/\.\d+\./, '.*.'))));
      throw new Error(`exclude '${pattern}' is none of the weights: they are ${[...known].join(', ')}`);
    }
  }
  const chosen = candidates.filter(({ names }) =>
    names.every((name) => filter(name) && !exclude.some((pattern) => matches(name, pattern))),
  );
  if (chosen.length === 0) throw new Error('every weight is excluded: nothing is left to quantise');
  return new Set(chosen.map(({ name }) => name));
}

/** Positions are not multiplied, only added, and are few: they stay float. */
function isMatrix(name: string, { shape }: Tensor): boolean {
  return shape.length === 2 && name !== 'positions.weight';
}

/** Tied weights go by two names. */
function namesOf(model: GPT, name: string): string[] {
  return name === 'tokens.weight' && model.config.tieWeights ? [name, 'head.weight'] : [name];
}

/** Whether `pattern` is `name` or the beginning of it, part by part. */
function matches(name: string, pattern: string): boolean {
  const wanted = (pattern === 'embeddings' ? 'tokens' : pattern).split('.');
  const parts = name.split('.');
  return wanted.every((part, i) => part === parts[i] || (part === '*' && i < parts.length));
}

function checkOptions(options: QuantizeOptions): QuantizeOptions {
  const { bits = 8, activations = 'int8' } = options;
  refuseUnknown(options, ['bits', 'activations', 'exclude', 'filter'], 'quantize');
  if (bits !== 8) throw new Error(`bits ${bits} is not supported: 8 is`);
  if (activations !== 'f32' && activations !== 'int8') {
    throw new Error(`activations '${String(activations)}' is unknown: use f32 (weight-only) or int8`);
  }
  return options;
}
