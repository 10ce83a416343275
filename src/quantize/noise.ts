// Signal-to-quantisation-noise ratios of weights and of layers' outputs.
import { capture } from '../inspect/capture.ts';
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { isQuantized, weightValues } from '../tensor/quantized.ts';

/** The ratio for one weight or one value. */
export interface NoiseRatio {
  name: string;
  /** 10 log10(sum of x^2 / sum of (x - y)^2), decibels; null if the two are equal. */
  sqnrDb: number | null;
}

/** 10 log10(sum of x^2 / sum of (x - y)^2) of two arrays of equal length; null if they are equal. */
export function sqnr(x: Float32Array, y: Float32Array): number | null {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < x.length; i++) {
    signal += x[i] * x[i];
    noise += (x[i] - y[i]) ** 2;
  }
  return noise === 0 ? null : 10 * Math.log10(signal / noise);
}

/**
 * The ratios of the weights that are quantised in `after` only, in the order of the model. Weights without a
 * counterpart are left out.
 */
export async function weightNoise(before: GPT, after: GPT): Promise<NoiseRatio[]> {
  const originals = new Map(slots(before).map(({ name, value }) => [name, value]));
  const ratios: NoiseRatio[] = [];
  for (const { name, value } of slots(after)) {
    const original = originals.get(name);
    if (!isQuantized(value) || !original || isQuantized(original)) continue;
    if (original.shape.join() !== value.shape.join()) continue;
    ratios.push({ name, sqnrDb: sqnr(await original.data(), await weightValues(value)) });
  }
  return ratios;
}

/**
 * The ratios of the residual stream after each block, and of the logits, while both models read the same
 * `ids` (at most a window). Values that only one model has, or that differ in shape, are left out.
 */
export async function outputNoise(before: GPT, after: GPT, ids: Int32Array): Promise<NoiseRatio[]> {
  const taps = ['blocks.*.out', 'logits'];
  const originals = new Map((await capture(before, ids, { taps })).map(({ name, value }) => [name, value]));
  const ratios: NoiseRatio[] = [];
  for (const { name, value } of await capture(after, ids, { taps })) {
    const x = originals.get(name);
    if (x?.length === value.length) ratios.push({ name, sqnrDb: sqnr(x, value) });
  }
  return ratios;
}
