// The error that each method of rounding causes in each layer's output: the picture beside the comparison.
// Read next: hessian.ts.
import { complete, type Table } from '../base/fields.ts';
import type { Tokens } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { weightValues } from '../tensor/quantized.ts';
import { scope } from '../tensor/scope.ts';
import { empty, tensor } from '../tensor/tensor.ts';
import { calibrationBatch, hessians, linears } from './hessian.ts';
import { type QuantizeOptions, quantize, quantizeFields } from './quantize.ts';

/** One layer, and its noise for each method of storing its weight. */
export interface LayerErrors {
  /** The name of the weight: `blocks.0.attn.qkv.weight`. */
  name: string;
  /**
   * By method: 10 log10 of tr(W H W^T) / tr(E H E^T), the power of the layer's output divided by the power of
   * the change that rounding this weight causes in it, decibels; null where nothing changes.
   */
  sqnrDb: Record<string, number | null>;
}

/**
 * The errors of every layer of `before` for each of `ways` (models of the same shape), on windows of `ids`. H
 * is that of `before`, so each error is caused by its own layer only.
 */
export async function layerErrors(
  before: GPT,
  ways: Readonly<Record<string, GPT>>,
  ids: Tokens,
): Promise<LayerErrors[]> {
  const layers = linears(before);
  const known = await hessians(before, calibrationBatch(ids, before.config.blockSize), [...layers.keys()]);
  const weights = Object.entries(ways).map(([way, model]) => {
    return { way, byName: new Map(slots(model).map(({ name, value }) => [name, value])) };
  });
  const errors: LayerErrors[] = [];
  for (const [name, layer] of layers) {
    const hessian = Float32Array.from(known.get(name) as Float64Array);
    const w = await weightValues(layer.weight);
    const signal = await power(before, w, hessian);
    const sqnrDb: LayerErrors['sqnrDb'] = {};
    for (const { way, byName } of weights) {
      const other = byName.get(name);
      if (!other) continue;
      const rounded = await weightValues(other);
      const noise = await power(
        before,
        w.map((x, i) => x - rounded[i]),
        hessian,
      );
      sqnrDb[way] = noise > 0 ? 10 * Math.log10(signal / noise) : null;
    }
    errors.push({ name, sqnrDb });
  }
  return errors;
}

/** tr(E H E^T). The engine computes the product: a loop over all pairs of 900 columns would be too slow. */
async function power({ backend }: GPT, e: Float32Array, hessian: Float32Array): Promise<number> {
  const k = Math.sqrt(hessian.length);
  const product = scope(() => {
    const out = empty([e.length / k, k], 'f32', backend);
    const [a, b] = [tensor(e, out.shape, backend), tensor(hessian, [k, k], backend)];
    backend.kernels.matmul(out.buffer, a.buffer, b.buffer, { m: e.length / k, n: k, k });
    return out; // [n, k]
  });
  const eH = await product.data();
  product.dispose();
  return eH.reduce((sum, x, i) => sum + x * e[i], 0);
}

/** How a copy was quantised. */
export type QuantizedAs = Pick<QuantizeOptions, 'bits' | 'groupSize' | 'method' | 'exclude'>;

const { bits, groupSize, method, exclude } = quantizeFields;

/** The options of `compareLayers`. */
export const quantizedAsFields: Table<QuantizedAs, keyof QuantizedAs> = { bits, groupSize, method, exclude };

/**
 * `layerErrors` of `after`, made by `quantize` with `options`, and of simpler methods: INT8, and, for INT4 by
 * GPTQ, rounding the same groups to nearest. Weights excluded from `after` stay float in all of them. `ids`:
 * a text for the inputs of the layers, usually of the training part; empty where they are shorter than a
 * window.
 */
export async function compareLayers(
  before: GPT,
  after: GPT,
  ids: Tokens,
  options: QuantizedAs = {},
): Promise<LayerErrors[]> {
  const { bits, groupSize, method, exclude } = complete(quantizedAsFields, options, 'compareLayers');
  if (ids.length <= before.config.blockSize) return [];
  if (bits === 8) return layerErrors(before, { INT8: after }, ids);
  const own = { [`INT4 ${method}`]: after };
  const simpler: Record<string, GPT> = { INT8: await quantize(before, { exclude }) };
  if (method === 'gptq')
    simpler['INT4 rtn'] = await quantize(before, { bits: 4, groupSize, method: 'rtn', exclude });
  try {
    return await layerErrors(before, { ...simpler, ...own }, ids);
  } finally {
    for (const model of Object.values(simpler)) model.dispose();
  }
}
