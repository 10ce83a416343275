// The ids of bpe.ts's `encode` by merging, with the next merge taken from a queue: O(n log n) for any
// vocabulary. Used for vocabularies with very long tokens; for all others bpe-fast.ts is faster.
import { type Pausable, runThrough } from '../base/slices.ts';
import type { ChunkEncoder, Vocabulary } from './bpe.ts';
import { makeHeap } from './heap.ts';

/** Pairs visited between two pauses: a few milliseconds of work. */
const STEP = 2 ** 14;

/** An encoder for one vocabulary. */
export function makeQueueEncoder({ byteIds, ranks }: Vocabulary): ChunkEncoder {
  function* encodeInSteps(
    bytes: Uint8Array,
    start: number,
    end: number,
    out: Int32Array,
    at: number,
  ): Pausable<number> {
    const n = end - start;
    const token = new Int32Array(n);
    const next = new Int32Array(n); // the token that begins at i ends where the next one begins: next[i]
    const previous = new Int32Array(n);
    const rankAt = new Int32Array(n); // the rank of the pair that begins at i; -1 if it does not merge
    const queue = makeHeap((a, b) => a < b); // rank * 2^32 + place: lowest rank first, then left to right

    const offer = (i: number): void => {
      rankAt[i] = next[i] < n ? ranks.get(token[i], token[next[i]]) : -1;
      if (rankAt[i] >= 0) queue.push(rankAt[i] * 2 ** 32 + i);
    };

    for (let i = 0; i < n; i++) {
      token[i] = byteIds[bytes[start + i]];
      next[i] = i + 1;
      previous[i] = i - 1;
      if (i > 0) offer(i - 1);
      if (i % STEP === STEP - 1) yield i / 2;
    }
    if (n > 0) offer(n - 1);
    const waiting = queue.items.length;
    let looked = 0;
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
      if (++looked % STEP === 0) yield (n / 2) * (1 + Math.max(0, 1 - queue.items.length / waiting));
      const rank = Math.floor(item / 2 ** 32);
      const i = item % 2 ** 32;
      if (rankAt[i] !== rank) continue; // one of the two has merged with another token
      rankAt[next[i]] = -1;
      token[i] = 256 + rank;
      next[i] = next[next[i]];
      if (next[i] < n) previous[next[i]] = i;
      offer(i);
      if (previous[i] >= 0) offer(previous[i]);
    }
    for (let i = 0; i < n; i = next[i]) out[at++] = token[i];
    return at;
  }

  return { encode: (...chunk) => runThrough(encodeInSteps(...chunk)), encodeInSteps };
}
