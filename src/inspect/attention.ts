// Which token attends to which: the attention probabilities of every head on one sequence, and what kind each
// head is.
import { checkOptions, complete, integer, type Table } from '../base/fields.ts';
import { entropy } from '../base/statistics.ts';
import type { GPT } from '../model/gpt.ts';
import { createRandom } from '../tensor/random.ts';
import { capture } from './capture.ts';
import { type Edit, editsField } from './edit.ts';

/** Attention probabilities of T tokens in every head of every block. */
export interface AttentionMaps {
  layers: number;
  heads: number;
  tokens: number;
  /** [layers, heads, T, T]: row t sums to 1 over the tokens s <= t that t attends to. */
  probabilities: Float32Array;
}

export interface EditedOptions {
  /** Changes to make in the pass. */
  edits?: readonly Edit[];
}

/** The options of `attentionMaps`. */
export const editedFields: Table<EditedOptions> = { edits: editsField };

/**
 * The attention probabilities of every head, from one pass of `ids` (at most `blockSize` of them) through
 * `model`, without dropout.
 */
export async function attentionMaps(
  model: GPT,
  ids: Int32Array,
  options: EditedOptions = {},
): Promise<AttentionMaps> {
  checkOptions(editedFields, options, 'attentionMaps');
  const { nLayer, nHead: H } = model.config;
  const T = ids.length;
  const maps = await capture(model, ids, { taps: ['blocks.*.attn.probs'], ...options });
  const probabilities = new Float32Array(nLayer * H * T * T);
  // [1, H, T, T]
  for (const [layer, { value }] of maps.entries()) probabilities.set(value, layer * H * T * T);
  return { layers: nLayer, heads: H, tokens: T, probabilities };
}

/** The kind of a head, in numbers. All are means over the positions of a sequence. */
export interface HeadSummary {
  layer: number;
  head: number;
  /**
   * Entropy of the attention of a position, divided by the largest possible, ln(t + 1). 0: all on one token;
   * 1: equal on all tokens.
   */
  entropy: number;
  /** Number of tokens between a position and what it attends to. */
  distance: number;
  /** Probability on the previous token. */
  previous: number;
  /** Probability on the token itself. */
  self: number;
  /**
   * Probability on the first token, which heads attend to when there is nothing else to find (Xiao et al.
   * 2023).
   */
  first: number;
  /**
   * On a repeated random sequence: probability on the token that followed the same token the first time
   * (Olsson et al. 2022). Null where the context is too short to repeat a sequence.
   */
  induction: number | null;
}

/** Well-known kinds of heads, and the score from which a head is called one. */
const KINDS: readonly { name: string; score: (head: HeadSummary) => number; from: number }[] = [
  { name: 'previous token', score: ({ previous }) => previous, from: 0.4 },
  { name: 'induction', score: ({ induction }) => induction ?? 0, from: 0.2 },
  { name: 'first token', score: ({ first }) => first, from: 0.4 },
  { name: 'itself', score: ({ self }) => self, from: 0.4 },
];

/**
 * The kinds that a head belongs to: `previous token`, `induction`, `first token`, `itself`. Often none.
 */
export function kindsOf(head: HeadSummary): string[] {
  return KINDS.filter(({ score, from }) => score(head) >= from).map(({ name }) => name);
}

/**
 * All heads, block by block. `induction` are the scores of `inductionScores` [layers * heads]; null: not
 * measured.
 */
export function summarizeHeads(attention: AttentionMaps, induction: readonly number[] | null): HeadSummary[] {
  const { layers, heads } = attention;
  return Array.from({ length: layers * heads }, (_, i) => ({
    layer: Math.floor(i / heads),
    head: i % heads,
    ...summarizeHead(attention, i),
    induction: induction?.[i] ?? null,
  }));
}

/** The first position can attend only to itself, so it is left out, unless it is the only one. */
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
    sums.distance += meanDistance(row) / count;
    sums.previous += row[t - 1] / count;
    sums.self += row[t] / count;
    sums.first += row[0] / count;
  }
  return sums;
}

/** The mean number of tokens between a position and what it attends to, of its row [t + 1]. */
function meanDistance(row: Float32Array): number {
  const t = row.length - 1;
  let sum = 0;
  for (let s = 0; s < t; s++) sum += row[s] * (t - s);
  return sum;
}

/** Attention probabilities of position t in one head, [t + 1]. */
function rowOf({ tokens: T, probabilities }: AttentionMaps, index: number, t: number): Float32Array {
  const from = (index * T + t) * T;
  return probabilities.subarray(from, from + t + 1);
}

/** Number of random sequences, and the length of the longest repeated part. */
const SEQUENCES = 4;
const LONGEST_REPEAT = 64;

export interface InductionOptions extends EditedOptions {
  /** Decides the random sequences. Default 1337. */
  seed?: number;
}

/** The options of `inductionScores`. */
export const inductionFields: Table<InductionOptions, 'seed'> = {
  seed: integer({ about: 'decides the random sequences', min: 0, default: 1337 }),
  ...editedFields,
};

/**
 * The induction score of every head, [layers * heads]. Reads `SEQUENCES` random sequences of L tokens, each
 * twice in a row. At position t of the second half the score is the probability on t - L + 1, the token after
 * the previous occurrence of the same token. A head that attends equally everywhere has about 1 / (1.5 L).
 * Null where the context has no room for 2 x 4 tokens.
 */
export async function inductionScores(model: GPT, options: InductionOptions = {}): Promise<number[] | null> {
  const { blockSize, vocabSize, nLayer, nHead } = model.config;
  const { seed, edits } = complete(inductionFields, options, 'inductionScores');
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
