// Parts of a text in which windows may lie: all of it, or its documents. Read next: draws.ts.
import { formatCount } from '../base/format.ts';
import type { Tokens } from '../model/batch.ts';

/** Parts of a text in which windows may lie: where they start, and their lengths in tokens. */
export interface Stretches {
  starts: Float64Array;
  lengths: Float64Array;
}

/** All of a text. */
export function oneStretch(length: number): Stretches {
  return { starts: Float64Array.of(0), lengths: Float64Array.of(length) };
}

/** Tokens that are looked through at a time. */
const LOOK = 2 ** 16;

/**
 * The documents of `ids` that have a window of T tokens and its last target, each with the separator that
 * ends it. Throws where there is no separator, or no such document.
 */
export function documentsOf(ids: Tokens, separator: number | undefined, T: number): Stretches {
  if (separator === undefined)
    throw new Error(
      "withinDocuments needs documents with a special token between them: --special '<|endoftext|>', or separator of dataset()",
    );
  const starts: number[] = [];
  const lengths: number[] = [];
  let [start, longest] = [0, 0];
  const end = (at: number): void => {
    longest = Math.max(longest, at - start);
    if (at - start > T) {
      starts.push(start);
      lengths.push(at - start);
    }
    start = at;
  };
  for (let from = 0; from < ids.length; from += LOOK) {
    const some = ids.subarray(from, Math.min(ids.length, from + LOOK));
    for (let i = some.indexOf(separator); i >= 0; i = some.indexOf(separator, i + 1)) end(from + i + 1);
  }
  end(ids.length);
  if (starts.length === 0)
    throw new Error(
      `withinDocuments: the longest document has ${formatCount(longest)} tokens, a window needs ${T + 1}: lower blockSize to ${longest - 1}, or leave it out`,
    );
  return { starts: Float64Array.from(starts), lengths: Float64Array.from(lengths) };
}

/** The sums of the first 0, 1, 2, ... of `counts`. */
export function running(counts: Float64Array): Float64Array {
  const sums = new Float64Array(counts.length + 1);
  for (let k = 0; k < counts.length; k++) sums[k + 1] = sums[k] + counts[k];
  return sums;
}

/** The k for which `before[k] <= r < before[k + 1]`, by bisection. */
export function stretchOf(before: Float64Array, r: number): number {
  let [low, high] = [0, before.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (before[middle] <= r) low = middle;
    else high = middle;
  }
  return low;
}
