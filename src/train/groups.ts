// Which parameters an optimizer treats alike: what decays, what Muon takes, and whose rate is multiplied by
// what. Read next: optimizers.ts.
import { type Parameter, parseParameter } from '../model/names.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface GroupOptions {
  /**
   * What decays: every parameter (PyTorch's default, the seed's), or only matrices: no biases, no norms
   * (GPT-2 and after).
   */
  decay: 'all' | 'matrices';
  /**
   * Layer-wise decay of the rate (Howard & Ruder 2018; the depths are those of BEiT, Bao et al. 2021): a
   * parameter at depth d from the top learns at layerDecay^d of the rate. d is 0 for the head and the last
   * norm, nLayer - N for block N, nLayer + 1 for the embeddings. 1: all learn alike.
   */
  layerDecay: number;
  /** Multiplies the rate of the token and position embeddings, and of a head that is tied to them. */
  embedRate: number;
  /** Multiplies the rate of the head, its bias included. */
  headRate: number;
}

/** Whether weight decay acts on it. */
export function decays(parameter: Tensor, decay: GroupOptions['decay']): boolean {
  return decay === 'all' || parameter.shape.length >= 2;
}

/** Whether it is a matrix inside a block, which is what Muon is for. */
export function isHiddenMatrix(name: string): boolean {
  return parseParameter(name).role === 'matrix';
}

/** What each parameter's rate is multiplied by. */
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
