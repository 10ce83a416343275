// The ids of bpe.ts's `encode` by merging, as there, but with the next merge taken from a queue: O(n log n) whatever the tokens.
// bpe-fast.ts is faster and leaves to it the vocabularies with very long tokens.
import type { Vocabulary } from './bpe.ts';
import type { ChunkEncoder } from './bpe-fast.ts';
import { makeHeap } from './heap.ts';

/** An encoder for one vocabulary. */
export function makeQueueEncoder({ byteIds, ranks }: Vocabulary): ChunkEncoder {
  return (bytes, start, end, out, at) => {
    const n = end - start;
    const token = Int32Array.from({ length: n }, (_, i) => byteIds[bytes[start + i]]);
    const next = Int32Array.from(token, (_, i) => i + 1); // of the token that begins at i: where the next one begins
    const previous = Int32Array.from(token, (_, i) => i - 1);
    const rankAt = new Int32Array(n); // of the pair that begins at i, -1 if it does not merge
    const queue = makeHeap((a, b) => a < b); // rank * 2^32 + place: lowest rank first, then left to right

    const offer = (i: number): void => {
      rankAt[i] = next[i] < n ? ranks.get(token[i], token[next[i]]) : -1;
      if (rankAt[i] >= 0) queue.push(rankAt[i] * 2 ** 32 + i);
    };

    for (let i = 0; i < n; i++) offer(i);
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
      const rank = Math.floor(item / 2 ** 32);
      const i = item % 2 ** 32;
      if (rankAt[i] !== rank) continue; // one of its tokens has merged otherwise
      rankAt[next[i]] = -1;
      token[i] = 256 + rank;
      next[i] = next[next[i]];
      if (next[i] < n) previous[next[i]] = i;
      offer(i);
      if (previous[i] >= 0) offer(previous[i]);
    }
    for (let i = 0; i < n; i = next[i]) out[at++] = token[i];
    return at;
  };
}
