// The statistics of a layer's inputs: the mean of x^T x, which says how much a change of each weight matters.
// Read next: gptq.ts.

import { formatAmount } from '../base/format.ts';
import { type Batch, sliceBatch, type Tokens } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { inputTap, type Tap } from '../model/taps.ts';
import { Linear } from '../nn/layers.ts';
import { type Slot, slots } from '../nn/parameters.ts';
import { keep, scope } from '../tensor/scope.ts';
import { type Tensor, tensor, zeros } from '../tensor/tensor.ts';
import { randomBatch } from '../train/data.ts';

/** Number of sequences for calibration, and per forward pass. */
const SEQUENCES = 32;
const AT_ONCE = 8;

/** Random windows of a text; always the same ones. Throws when the text is shorter than one window. */
export function calibrationBatch(ids: Tokens, blockSize: number): Batch {
  if (ids.length < blockSize + 1) {
    throw new Error(
      `calibration has ${formatAmount(ids.length, 'token')}, a window needs ${blockSize + 1}: give more of the training part`,
    );
  }
  return randomBatch(ids, SEQUENCES, blockSize, { seed: 1337, index: 0 });
}

/** The layer that multiplies by a weight; undefined for a token table that is not shared by the head. */
export function linearOf({ owners }: Slot): Linear | undefined {
  return owners.find((owner) => owner instanceof Linear);
}

/**
 * H [in, in] of the layers with these weights: the mean of x^T x over the inputs of each while `model` reads
 * `batch`. The products are computed by the engine in float32; the caller factors them in float64. Throws the
 * reason of `signal` once it is aborted.
 */
export async function hessians(
  model: GPT,
  batch: Batch,
  weights: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Float64Array>> {
  const { backend } = model;
  const sums = new Map<string, Tensor>(); // by the name of the inputs
  const wanted = new Set(weights.map(inputTap));
  const add = (name: string, x: Tensor): void => {
    const k = x.shape.at(-1) as number;
    const sum = sums.get(name) ?? keep(zeros([k, k], 'f32', backend));
    sums.set(name, sum);
    const shape = { m: k, n: k, k: x.size / k, transA: true, accumulate: true };
    backend.kernels.matmul(sum.buffer, x.buffer, x.buffer, shape); // [k, B * T] [B * T, k]
  };
  const tap: Tap = { wants: (name) => wanted.has(name), value: add };
  try {
    for (let first = 0; first < batch.B; first += AT_ONCE) {
      signal?.throwIfAborted();
      const { ids, B, T } = sliceBatch(batch, first, AT_ONCE);
      scope(() => void model.forward(tensor(ids, [B, T], backend), { tap }));
      await backend.sync();
    }
    const positions = batch.B * batch.T;
    const found = new Map<string, Float64Array>();
    for (const weight of weights) {
      const sum = sums.get(inputTap(weight)) as Tensor;
      found.set(
        weight,
        Float64Array.from(await sum.data(), (x) => x / positions),
      );
    }
    return found;
  } finally {
    for (const sum of sums.values()) sum.dispose();
  }
}

/** The layers of a model by the names of their weights. */
export function linears(model: GPT): Map<string, Linear> {
  const found = new Map<string, Linear>();
  for (const slot of slots(model)) {
    const layer = linearOf(slot);
    if (layer && slot.value.shape.length === 2) found.set(slot.name, layer);
  }
  return found;
}
