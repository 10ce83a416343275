// A trained model under a config that differs in what no weight depends on.
import { namedParameters } from '../nn/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GPTConfig } from './config.ts';
import { GPT } from './gpt.ts';

/**
 * The model with another dropout or a context that is not longer: itself if they are its own, else a copy,
 * and the model is freed. A table of positions loses its last rows. Throws when the model is quantised.
 */
export function recast(model: GPT, { dropout, blockSize }: Pick<GPTConfig, 'dropout' | 'blockSize'>): GPT {
  const { config, backend, startToken } = model;
  const weights = namedParameters(model);
  if (dropout === config.dropout && blockSize === config.blockSize) return model;
  const copy = new GPT({ ...config, dropout, blockSize }, { backend, init: 'blank' });
  copy.startToken = startToken;
  for (const [name, { buffer, size }] of namedParameters(copy)) {
    const from = weights.get(name) as Tensor;
    backend.kernels.copy(buffer, from.buffer, 0, 0, size);
  }
  model.dispose();
  return copy;
}
