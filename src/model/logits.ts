// Logits as an array, for those that compute with them on the host.
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import type { Batch } from './batch.ts';
import type { GPT } from './gpt.ts';
import type { ForwardOptions } from './gpt-options.ts';

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
