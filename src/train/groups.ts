// Groups of parameters for optimizers: which decay, which Muon updates, and the multipliers of their learning
// rates. Read next: optimizers.ts.
import { type Parameter, parseParameter } from '../model/names.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface GroupOptions {
  /**
   * Which parameters decay: all (PyTorch's default, the seed's), or matrices only, without biases and norms
   * (GPT-2 and later).
   */
  decay: 'all' | 'matrices';
  /**
   * Layer-wise decay of the learning rate (Howard & Ruder 2018; depths as in BEiT, Bao et al. 2021). The
   * learning rate of a parameter at depth d from the top is multiplied by layerDecay^d. d is 0 for the head
   * and the final norm, nLayer - N for block N, nLayer + 1 for the embeddings. 1: no decay.
   */
  layerDecay: number;
  /** Multiplies the learning rate of the token and position embeddings, and of a tied head. */
  embedRate: number;
  /** Multiplies the learning rate of the head, including its bias. */
  headRate: number;
}

/** Whether weight decay acts on it. */
export function decays(parameter: Tensor, decay: GroupOptions['decay']): boolean {
  return decay === 'all' || parameter.shape.length >= 2;
}

/** Whether it is a matrix inside a block, which Muon can update. */
export function isHiddenMatrix(name: string): boolean {
  return parseParameter(name).role === 'matrix';
}

/** The multiplier of each parameter's learning rate. */
export function rateMultipliers(
  names: Iterable<string>,
  { layerDecay, embedRate, headRate }: Omit<GroupOptions, 'decay'>,
): Map<string, number> {
  const all = [...names].map((name) => ({ name, ...parseParameter(name) }));
  const nLayer = Math.max(0, ...all.map(({ block }) => 1 + (block ?? -1)));
  const multiplier = ({ block, role, layer }: Parameter): number => {
    if (block !== null) return layerDecay ** (nLayer - block);
    if (role === 'embedding' || role === 'positions') return layerDecay ** (nLayer + 1) * embedRate;
    return layer === 'head' ? headRate : 1;
  };
  return new Map(all.map((parameter) => [parameter.name, multiplier(parameter)]));
}
