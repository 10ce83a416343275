// Byte-pair encoding, the definition: what training means, in forty lines. Slow, and kept as the oracle of
// train-fast.ts, which must give the same merges. Read next: bpe.ts (what a tokenizer does with the merges).

/** One merge as training makes it. */
export interface MergeStep {
  /** The tokens that were joined. */
  pair: readonly [number, number];
  /** The token they became: 256 for the first merge, 257 for the second, ... */
  id: number;
  /** How often the pair stood in the sequence just before (overlaps count: `aaa` holds `aa` twice). */
  count: number;
}

/**
 * Starts from one token per byte and, `merges` times, joins the pair of neighbours that occurs most often;
 * among equals the one seen first in the current sequence wins. Merges never cross a chunk (Sennrich et al.
 * 2016, on bytes as in GPT-2). Ends early when every chunk is one token.
 *
 * `aaabdaaabac` -> (a,a) 4 times = 256, then (256,a) twice = 257, then (257,b) twice = 258: `258 d 258 a c`
 */
export function train(
  chunks: readonly Uint8Array[],
  merges: number,
  onMerge?: (step: MergeStep) => void,
): MergeStep[] {
  const V = 256 + merges; // the pair (l, r) is counted under l * V + r
  let sequences = chunks.map((bytes) => Array.from(bytes));
  const steps: MergeStep[] = [];
  while (steps.length < merges) {
    let [best, most] = [-1, 0];
    for (const [pair, count] of countPairs(sequences, V)) if (count > most) [best, most] = [pair, count];
    if (best < 0) break;
    const [left, right] = [Math.floor(best / V), best % V];
    const step: MergeStep = { pair: [left, right], id: 256 + steps.length, count: most };
    sequences = sequences.map((ids) => replacePair(ids, left, right, step.id));
    steps.push(step);
    onMerge?.(step);
  }
  return steps;
}

/** How often each pair of neighbours occurs, in the order in which they are first seen. */
function countPairs(sequences: readonly number[][], V: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const ids of sequences)
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1] * V + ids[i];
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  return counts;
}

/** Replaces every `left right` by `id`, from left to right: `aaa` with (a,a) -> X becomes `X a`. */
export function replacePair(ids: readonly number[], left: number, right: number, id: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const found = ids[i] === left && ids[i + 1] === right;
    out.push(found ? id : ids[i]);
    if (found) i++;
  }
  return out;
}
