// What a GPT is made of, as one flat record; presets; and the checks that turn a bad one into a clear error.
import type { Activation } from '../backend/contract.ts';

/** Every choice that shapes the model. `config.json` holds exactly these fields. */
export interface GPTConfig {
  /** Tokens in the vocabulary (V). */
  vocabSize: number;
  /** Longest context (T). */
  blockSize: number;
  nLayer: number;
  nHead: number;
  /** Width of the residual stream (C). */
  nEmbd: number;
  /** Columns per head (hs); nHead * headSize need not be nEmbd (the seed: 6 * 38 = 228 on 232). */
  headSize: number;
  /** Hidden width of the MLP as a multiple of nEmbd. */
  mlpRatio: number;
  activation: Activation;
  norm: 'layernorm' | 'rmsnorm';
  position: 'learned' | 'rope' | 'none';
  /** Biases of the attention output, the MLP and the norms. */
  bias: boolean;
  /** Bias of the q, k, v projection. */
  qkvBias: boolean;
  /** Bias of the language model head. */
  headBias: boolean;
  /** The head's weight is the token embedding. */
  tieWeights: boolean;
  /** Probability of dropping attention probabilities and the outputs of attention and MLP while training. */
  dropout: number;
  /** `torch`: PyTorch's defaults (the seed). `gpt2`: N(0, 0.02), residual projections / sqrt(2 nLayer) (Radford et al. 2019). */
  init: 'torch' | 'gpt2';
}
