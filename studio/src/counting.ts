// Numbers about a model before there is one.
import type { GPTConfig } from 'inkhorn';

export function countParameters(config: GPTConfig): number {
  const { nLayer, nEmbd, nHead, headSize, mlpRatio, vocabSize } = config;
  return nLayer * (4 * nEmbd * nHead * headSize + 2 * mlpRatio * nEmbd * nEmbd) + vocabSize * nEmbd;
}
