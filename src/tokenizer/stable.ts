// Whether two tokens stay apart when one follows the other, for bpe-fast.ts, which asks that about each two
// neighbours of a text.
import type { Vocabulary } from './bpe.ts';

/** Considers only merges before token `limit` (default: all). */
export type Stable = (left: number, right: number, limit?: number) => boolean;

/**
 * Undoes the merges of both, latest first. This shows the tokens that touched the border at each moment. The
 * pair is stable if no merge of these had a lower rank.
 */
export function makeStable({ merges, ranks }: Vocabulary): Stable {
  const leftOf = Int32Array.from({ length: 256 + merges.length }, (_, id) => merges[id - 256]?.[0] ?? -1);
  const rightOf = Int32Array.from({ length: 256 + merges.length }, (_, id) => merges[id - 256]?.[1] ?? -1);
  return (left, right, limit = merges.length + 256) => {
    for (;;) {
      const rank = ranks.get(left, right);
      if (rank >= 0 && 256 + rank < limit) return false;
      if (left > right && left >= 256) {
        limit = left; // at equal rank the merge inside `left` comes first: it is further left
        left = rightOf[left];
      } else if (right >= 256) {
        limit = right + 1; // at equal rank the merge across the border comes first
        right = leftOf[right];
      } else return true;
    }
  };
}

/** What most pairs are told apart by, without undoing a merge: the first byte of the second token. */
export interface FirstBytes {
  /**
   * 256 bits for each token, eight numbers: where the bit of a byte is 0, the token stays apart from all that
   * begin with this byte. Until it is asked for by `learn`, all are 1.
   */
  joins: Int32Array;
  /** Finds out the bits of a token. */
  learn(left: number): void;
}

/**
 * A merge across the border joins a token at the right end of the first one, before that became part of a
 * longer token, to one that begins with the first byte of the second.
 */
export function makeFirstBytes({ tokens, merges }: Vocabulary): FirstBytes {
  const joins = new Int32Array(8 * tokens.length).fill(-1);
  const known = new Uint8Array(tokens.length);
  const { starts, order } = mergesByLeft(merges, tokens.length);
  function learn(left: number): void {
    if (known[left]) return;
    known[left] = 1;
    joins.fill(0, 8 * left, 8 * left + 8);
    let limit = tokens.length;
    for (let end = left; ; end = merges[end - 256][1]) {
      for (let k = starts[end]; k < starts[end + 1] && order[k] < limit; k++) {
        const [byte] = tokens[merges[order[k] - 256][1]];
        joins[8 * left + (byte >>> 5)] |= 1 << byte;
      }
      if (end < 256) return;
      limit = end;
    }
  }
  return { joins, learn };
}

/** `order[starts[t]..starts[t + 1])`: the tokens whose merge has t on its left, in ascending order. */
function mergesByLeft(
  merges: Vocabulary['merges'],
  tokens: number,
): { starts: Int32Array; order: Int32Array } {
  const starts = new Int32Array(tokens + 1);
  for (const [left] of merges) starts[left + 1]++;
  for (let t = 0; t < tokens; t++) starts[t + 1] += starts[t];
  const next = starts.slice();
  const order = new Int32Array(merges.length);
  merges.forEach(([left], rank) => {
    order[next[left]++] = 256 + rank;
  });
  return { starts, order };
}
