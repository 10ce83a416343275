// How much of a signal INT8 leaves: signal-to-quantisation-noise ratios of weights and of what layers put out.
import type { GPT, Tap } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { QuantizedTensor, type Weight } from '../tensor/quantized.ts';
import { keep, scope } from '../tensor/scope.ts';
import { empty, type Tensor, tensor } from '../tensor/tensor.ts';

/** The ratio of one weight or one value. */
export interface NoiseRatio {
  name: string;
  /** 10 log10(sum of x^2 / sum of (x - y)^2), decibels; null where the two are equal. */
  sqnrDb: number | null;
}

/** 10 log10(sum of x^2 / sum of (x - y)^2) of two arrays of one length; null where they are equal. */
export function sqnr(x: Float32Array, y: Float32Array): number | null {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < x.length; i++) {
    signal += x[i] * x[i];
    noise += (x[i] - y[i]) ** 2;
  }
  return noise === 0 ? null : 10 * Math.log10(signal / noise);
}

/** Of each weight that is INT8 in `after` only, in the order of the model; weights without a counterpart are left out. */
export async function weightNoise(before: GPT, after: GPT): Promise<NoiseRatio[]> {
  const originals = new Map(slots(before).map(({ name, value }) => [name, value]));
  const ratios: NoiseRatio[] = [];
  for (const { name, value } of slots(after)) {
    const original = originals.get(name);
    if (!(value instanceof QuantizedTensor) || !original || original instanceof QuantizedTensor) continue;
    if (original.shape.join() !== value.shape.join()) continue;
    ratios.push({ name, sqnrDb: sqnr(await original.data(), await floats(value)) });
  }
  return ratios;
}

/** The elements of a weight as the layers see them. */
async function floats(weight: Weight): Promise<Float32Array> {
  if (!(weight instanceof QuantizedTensor)) return weight.data();
  const { values, scale, shape } = weight;
  const out = empty(shape, 'f32', values.backend);
  values.backend.kernels.dequantizeRows(out.buffer, values.buffer, scale.buffer, shape[0], shape[1]);
  try {
    return await out.data();
  } finally {
    out.dispose();
  }
}

/**
 * Of the residual stream after each block, and of the logits, while both models read the same `ids` (at most a window).
 * Values that only one model has, or that differ in shape, are left out.
 */
export async function outputNoise(before: GPT, after: GPT, ids: Int32Array): Promise<NoiseRatio[]> {
  const originals = await outputs(before, ids);
  const ratios: NoiseRatio[] = [];
  for (const [name, y] of await outputs(after, ids)) {
    const x = originals.get(name);
    if (x?.length === y.length) ratios.push({ name, sqnrDb: sqnr(x, y) });
  }
  return ratios;
}

async function outputs(model: GPT, ids: Int32Array): Promise<Map<string, Float32Array>> {
  const seen = new Map<string, Tensor>();
  const tap: Tap = {
    wants: (name) => name === 'logits' || /^blocks\.\d+\.out$/.test(name),
    value: (name, x) => seen.set(name, keep(x)),
    gradient() {},
  };
  scope(() => {
    model.forward(tensor(ids, [1, ids.length], model.backend), { tap });
  });
  const read = new Map<string, Float32Array>();
  for (const [name, x] of seen) {
    read.set(name, await x.data());
    x.dispose();
  }
  return read;
}
