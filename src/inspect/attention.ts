// Who looks at whom: the attention probabilities of a trained model on one sequence.
import type { GPT, Tap } from '../model/gpt.ts';
import { keep, scope } from '../tensor/scope.ts';
import { empty, type Tensor, tensor } from '../tensor/tensor.ts';

/** Attention probabilities of T tokens in every head of every block. */
export interface Attention {
  layers: number;
  heads: number;
  tokens: number;
  /** [layers, heads, T, T]: row t sums to 1 over the tokens s <= t that t attends to. */
  probabilities: Float32Array;
}

/** Runs `ids` (at most `blockSize` of them) through `model` and takes the probabilities of every head. Without dropout. */
export async function attentionMaps(model: GPT, ids: Int32Array): Promise<Attention> {
  const { nLayer, nHead: H, headSize: hs } = model.config;
  const T = ids.length;
  const maps: Tensor[] = [];
  const tap: Tap = {
    wants: (name) => name.endsWith('.attn.qkv'),
    value(_, qkv) {
      const probs = keep(empty([1, H, T, T], 'f32', model.backend)); // [B, T, 3, H, hs] -> [B, H, T, T]
      const shape = { B: 1, T, H, hs, scale: 1 / Math.sqrt(hs) };
      model.backend.kernels.attentionProbabilities(probs.buffer, qkv.buffer, shape);
      maps.push(probs);
    },
    gradient() {},
  };
  scope(() => {
    model.forward(tensor(ids, [1, T], model.backend), { tap, logits: 'last' });
  });
  const probabilities = new Float32Array(nLayer * H * T * T);
  for (const [layer, map] of maps.entries()) {
    probabilities.set(await map.data(), layer * H * T * T);
    map.dispose();
  }
  return { layers: nLayer, heads: H, tokens: T, probabilities };
}
