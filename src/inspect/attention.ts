// Who looks at whom: the attention probabilities of every head on one sequence, and what kind of head each of
// them is.

import { entropy } from '../base/statistics.ts';
import type { GPT } from '../model/gpt.ts';
import { createRandom } from '../tensor/random.ts';
import { capture } from './capture.ts';
import type { Edit } from './edit.ts';

/** Attention probabilities of T tokens in every head of every block. */
export interface AttentionMaps {
  layers: number;
  heads: number;
  tokens: number;
  /** [layers, heads, T, T]: row t sums to 1 over the tokens s <= t that t attends to. */
  probabilities: Float32Array;
}

/**
 * Runs `ids` (at most `blockSize` of them) through `model` and takes the probabilities of every head. Without
 * dropout.
 */
export async function attentionMaps(
  model: GPT,
  ids: Int32Array,
  options: { edits?: readonly Edit[] } = {},
): Promise<AttentionMaps> {
  const { nLayer, nHead: H } = model.config;
  const T = ids.length;
  const maps = await capture(model, ids, { taps: ['blocks.*.attn.probs'], ...options });
  const probabilities = new Float32Array(nLayer * H * T * T);
  for (const [layer, { value }] of maps.entries()) probabilities.set(value, layer * H * T * T); // [1, H, T, T]
  return { layers: nLayer, heads: H, tokens: T, probabilities };
}

/** What kind of head it is, in numbers. All are means over the positions of a sequence. */
export interface HeadSummary {
  layer: number;
  head: number;
  /**
   * Of the attention of one position as a share of the largest possible, ln(t + 1): 0 looks at one token, 1
   * at all alike.
   */
  entropy: number;
  /** Tokens that it looks back. */
  distance: number;
  /** Probability on the token just before. */
  previous: number;
  /** Probability on the token itself. */
  self: number;
  /** Probability on the first token, where heads look that have nothing to do (Xiao et al. 2023). */
  first: number;
  /**
   * On a random sequence that is repeated: probability on the token that followed the same token the first
   * time (Olsson et al. 2022). Null where the context is too short to repeat anything.
   */
  induction: number | null;
}

/** Kinds of heads that are found again and again, and the score from which one is called so. */
const KINDS: readonly { name: string; score: (head: HeadSummary) => number; from: number }[] = [
  { name: 'previous token', score: ({ previous }) => previous, from: 0.4 },
  { name: 'induction', score: ({ induction }) => induction ?? 0, from: 0.2 },
  { name: 'first token', score: ({ first }) => first, from: 0.4 },
  { name: 'itself', score: ({ self }) => self, from: 0.4 },
];

/**
 * What is worth pointing out about a head: `previous token`, `induction`, `first token`, `itself`, or several
 * of them.
 */
export function kindsOf(head: HeadSummary): string[] {
  return KINDS.filter(({ score, from }) => score(head) >= from).map(({ name }) => name);
}

/** All heads, block by block. `induction` comes from `inductionScores`, [layers * heads]. */
export function summarizeHeads(attention: AttentionMaps, induction: readonly number[] | null): HeadSummary[] {
  const { layers, heads } = attention;
  return Array.from({ length: layers * heads }, (_, i) => ({
    layer: Math.floor(i / heads),
    head: i % heads,
    ...summarizeHead(attention, i),
    induction: induction?.[i] ?? null,
  }));
}

/** The first position has no choice: it is left out, unless it is the only one. */
function summarizeHead(
  attention: AttentionMaps,
  index: number,
): Pick<HeadSummary, 'entropy' | 'distance' | 'previous' | 'self' | 'first'> {
  const T = attention.tokens;
  const sums = { entropy: 0, distance: 0, previous: 0, self: 0, first: 0 };
  const count = Math.max(1, T - 1);
  for (let t = 1; t < T; t++) {
    const row = rowOf(attention, index, t);
    sums.entropy += entropy(row) / Math.log(t + 1) / count;
    sums.distance += row.reduce((sum, p, s) => sum + p * (t - s), 0) / count;
    sums.previous += row[t - 1] / count;
    sums.self += row[t] / count;
    sums.first += row[0] / count;
  }
  return sums;
}

/** Probabilities of position t in one head, [t + 1]. */
function rowOf({ tokens: T, probabilities }: AttentionMaps, index: number, t: number): Float32Array {
  const from = (index * T + t) * T;
  return probabilities.subarray(from, from + t + 1);
}

/** Random sequences, and the longest part that is repeated. */
const SEQUENCES = 4;
const LONGEST_REPEAT = 64;

/**
 * The induction score of every head, [layers * heads]: `SEQUENCES` random sequences of L tokens, each twice
 * in a row; at position t of the second half, the probability on t - L + 1, the token after the one that is
 * the same. A head that looks everywhere alike has about 1 / (1.5 L). Null where the context has no room for
 * 2 x 4 tokens.
 */
export async function inductionScores(
  model: GPT,
  options: { seed?: number; edits?: readonly Edit[] } = {},
): Promise<number[] | null> {
  const { blockSize, vocabSize, nLayer, nHead } = model.config;
  const { seed = 1337, edits } = options;
  const L = Math.min(LONGEST_REPEAT, Math.floor(blockSize / 2));
  if (L < 4) return null;
  const random = createRandom({ seed });
  const scores = new Array<number>(nLayer * nHead).fill(0);
  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    const once = Array.from({ length: L }, () => random.int(vocabSize));
    const attention = await attentionMaps(model, Int32Array.from([...once, ...once]), { edits });
    for (const index of scores.keys()) {
      for (let t = L; t < 2 * L; t++) {
        scores[index] += rowOf(attention, index, t)[t - L + 1] / (L * SEQUENCES);
      }
    }
  }
  return scores;
}
