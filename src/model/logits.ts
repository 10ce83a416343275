// Logits as an array, for those that compute with them on the host; and logits that are more or less sure.
import { slots } from '../nn/parameters.ts';
import { scope } from '../tensor/scope.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import type { Batch } from './batch.ts';
import type { GPTConfig } from './config.ts';
import type { GPT } from './gpt.ts';
import type { ForwardOptions } from './gpt-options.ts';
import { isLogitScale } from './names.ts';

/** The logits of a pass over `batch`: [B * T, V], row-major. */
export async function logitsOf(
  model: GPT,
  { ids, B, T }: Pick<Batch, 'ids' | 'B' | 'T'>,
  options: ForwardOptions = {},
): Promise<Float32Array> {
  const logits = scope(() => model.forward(tensor(ids, [B, T], model.backend), options)); // [B, T, V]
  try {
    return await logits.data();
  } finally {
    logits.dispose();
  }
}

/**
 * Multiplies all logits of `model`, which may be quantised, by `factor`, by way of the last norm and the
 * head's bias. 1 / T is a temperature T that stays in the model. Throws when `factor` is not a number above
 * 0, and for a model with a logit cap.
 */
export function scaleLogits(model: GPT, factor: number): void {
  refuseCap(model.config, `scaleLogits(model, ${factor})`);
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new Error(`scaleLogits: the factor ${factor} is not a number above 0`);
  const { kernels } = model.backend;
  for (const { buffer } of logitScales(model)) kernels.scale(buffer, buffer, factor);
}

/** The parameters that `scaleLogits` changes; floats in a quantised model, too. */
export function logitScales(model: GPT): Tensor[] {
  return slots(model).flatMap(({ name, value }) => (isLogitScale(name) ? [value as Tensor] : []));
}

/** Throws where the logits are not proportional to any weights. `what`: what was asked for. */
export function refuseCap({ logitCap }: Pick<GPTConfig, 'logitCap'>, what: string): void {
  if (logitCap > 0)
    throw new Error(
      `${what} needs logits that are proportional to weights: logitCap ${logitCap} bends them; only models with logitCap 0 can`,
    );
}
