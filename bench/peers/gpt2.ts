// The model of ../finetune.ts, the same as that of pytorch_gpt2.py.
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';

/** GPT-2 (124M), as `inkhorn import` would make it; nothing is dropped. */
export const GPT2: GPTConfig = makeConfig(presets.seed, 50_257, {
  ...{ nLayer: 12, nHead: 12, nEmbd: 768, headSize: 64, blockSize: 1024, dropout: 0 },
  ...{ activation: 'gelu-tanh', qkvBias: true, headBias: false, tieWeights: true },
});
