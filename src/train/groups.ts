// Which parameters an optimizer treats alike: what decays, what Muon takes, and whose rate is multiplied by what.
// Parameters are told apart by name and shape. Read next: optimizers.ts.
import type { Tensor } from '../tensor/tensor.ts';

export interface GroupOptions {
  /** What decays: every parameter (PyTorch's default, the seed's), or only matrices: no biases, no norms (GPT-2 and after). */
  decay: 'all' | 'matrices';
  /**
   * Layer-wise decay of the rate (Howard & Ruder 2018; the depths are those of BEiT, Bao et al. 2021): a parameter at depth d
   * from the top learns at layerDecay^d of the rate. d is 0 for the head and the last norm, nLayer - N for block N,
   * nLayer + 1 for the embeddings. 1: all learn alike.
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
export function isHiddenMatrix(name: string, { shape }: Tensor): boolean {
  return name.startsWith('blocks.') && shape.length === 2;
}

/**
 * Matrices stacked in one: queries, keys and values are three. Taken as one they would share its unit singular values in
 * proportion to their gradients: queries and keys then get 0.4 of what each gets by itself, values 0.7 (a `shakespeare` model
 * after 100 steps).
 */
export function stackedParts(name: string): number {
  return name.endsWith('.attn.qkv.weight') ? 3 : 1;
}

/** What each parameter's rate is multiplied by. */
export function rateMultipliers(
  names: Iterable<string>,
  { layerDecay, embedRate, headRate }: Omit<GroupOptions, 'decay'>,
): Map<string, number> {
  const all = [...names];
  const nLayer = Math.max(0, ...all.map((name) => 1 + (blockOf(name) ?? -1)));
  const multiplier = (name: string): number => {
    const block = blockOf(name);
    if (block !== null) return layerDecay ** (nLayer - block);
    if (isEmbedding(name)) return layerDecay ** (nLayer + 1) * embedRate;
    return name.startsWith('head.') ? headRate : 1;
  };
  return new Map(all.map((name) => [name, multiplier(name)]));
}

function blockOf(name: string): number | null {
  const found = /^blocks\.(\d+)\./.exec(name);
  return found ? Number(found[1]) : null;
}

function isEmbedding(name: string): boolean {
  return name.startsWith('tokens.') || name.startsWith('positions.');
}
