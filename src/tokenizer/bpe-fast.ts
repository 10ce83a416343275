// The ids of bpe.ts's `encode`, without merging: in one pass from left to right, by looking up tokens that
// are already there.
//
// 1. A token forms from its own bytes alone, whatever stands around it, as long as no merge crosses its
//    borders. So ids are the encoding if (and only if) no two neighbours among them would have merged across
//    their border: if all are `stable`.
// 2. Whether two neighbours are stable shows when their merges are undone, latest first: at each moment the
//    tokens that touch the border are known, and a merge that joins them must not have been due yet.
// 3. A text has one encoding only, and so has each of its beginnings. So: take the longest token that is
//    stable after the last one, else a shorter one; where there is none, give the last token up for a shorter
//    one. No place is reached twice.
import type { ChunkEncoder, Vocabulary } from './bpe.ts';
import { makeQueueEncoder } from './bpe-queue.ts';
import { makePairTable } from './pair-table.ts';

/** Tokens that are looked up between two pauses: a few milliseconds. */
const STEP = 2 ** 16;

/**
 * Tokens that are looked up at once where nobody waits: the largest of the integers that engines count
 * fastest with.
 */
const MANY = 2 ** 30 - 1;

/**
 * Up to this many bytes in its longest token a vocabulary is encoded here: the time is at worst proportional
 * to that.
 */
const longestHere = 512;

/** An encoder for one vocabulary. */
export function makeEncoder(vocabulary: Vocabulary): ChunkEncoder {
  const { tokens } = vocabulary;
  if (tokens.some((token) => token.length > longestHere)) return makeQueueEncoder(vocabulary);
  const stable = makeStable(vocabulary);
  const trie = makeTrie(vocabulary, stable);
  const length = Int32Array.from(tokens, (token) => token.length);

  /** Goes on with a chunk from where `reached` says until its end, or until `tokens` more were looked up. */
  function advance(
    reached: Reached,
    bytes: Uint8Array,
    end: number,
    out: Int32Array,
    at: number,
    tokens: number,
  ): void {
    let { place, n } = reached;
    for (; place < end && tokens > 0; tokens--) {
      let token = trie.longest(bytes, place, end);
      while (n > at && !stable(out[n - 1], token)) {
        token = trie.shorter[token];
        while (token < 0) {
          place -= length[out[--n]];
          token = trie.shorter[out[n]];
        }
      }
      out[n++] = token;
      place += length[token];
    }
    reached.place = place;
    reached.n = n;
  }

  const here: Reached = { place: 0, n: 0 }; // one for all: most chunks are a word
  return {
    encode(bytes, start, end, out, at) {
      here.place = start;
      here.n = at;
      do advance(here, bytes, end, out, at, MANY);
      while (here.place < end);
      return here.n;
    },
    *encodeInSteps(bytes, start, end, out, at) {
      const reached = { place: start, n: at };
      for (;;) {
        advance(reached, bytes, end, out, at, STEP);
        if (reached.place === end) return reached.n;
        yield reached.place - start;
      }
    },
  };
}

/** Where the encoding of a chunk stands: `out[at..n)` is that of its bytes up to `place`. */
interface Reached {
  place: number;
  n: number;
}

/**
 * Whether tokens stay apart when one follows the other, as far as merges before token `limit` go (default:
 * all merges).
 */
type Stable = (left: number, right: number, limit?: number) => boolean;

function makeStable({ merges, ranks }: Vocabulary): Stable {
  const leftOf = Int32Array.from({ length: 256 + merges.length }, (_, id) => merges[id - 256]?.[0] ?? -1);
  const rightOf = Int32Array.from({ length: 256 + merges.length }, (_, id) => merges[id - 256]?.[1] ?? -1);
  return (left, right, limit = merges.length + 256) => {
    for (;;) {
      const rank = ranks.get(left, right);
      if (rank >= 0 && 256 + rank < limit) return false;
      if (left > right && left >= 256) {
        limit = left; // at equal rank the merge inside `left` was first: it is further left
        left = rightOf[left];
      } else if (right >= 256) {
        limit = right + 1; // at equal rank the one across the border was first
        right = leftOf[right];
      } else return true;
    }
  };
}

/**
 * Finds tokens in bytes. Tokens that never come out of encoding (files of others may hold some) are left out.
 */
interface Trie {
  /** The longest token at `bytes[place..end)`; there is always one, a byte at least. */
  longest(bytes: Uint8Array, place: number, end: number): number;
  /** The longest other token that a token begins with; -1 for bytes. */
  shorter: Int32Array;
}

function makeTrie({ tokens, merges, byteIds }: Vocabulary, stable: Stable): Trie {
  const children = makePairTable(); // (node, byte) -> node; the first 256 nodes are the bytes
  const tokenAt = Array.from(byteIds); // -1 where a node is no token

  function insert(id: number): void {
    let node = tokens[id][0];
    for (let i = 1; i < tokens[id].length; i++) {
      let child = children.get(node, tokens[id][i]);
      if (child < 0) {
        child = tokenAt.push(-1) - 1;
        children.set(node, tokens[id][i], child);
      }
      node = child;
    }
    tokenAt[node] = id;
  }

  function longest(bytes: Uint8Array, place: number, end: number): number {
    let node = bytes[place];
    let found = tokenAt[node];
    for (let i = place + 1; i < end; i++) {
      node = children.get(node, bytes[i]);
      if (node < 0) break;
      if (tokenAt[node] >= 0) found = tokenAt[node];
    }
    return found;
  }

  const forms = new Uint8Array(tokens.length).fill(1);
  merges.forEach(([left, right], rank) => {
    const id = 256 + rank;
    forms[id] = forms[left] & forms[right] & Number(stable(left, right, id));
    if (forms[id] === 1) insert(id);
  });
  const shorter = Int32Array.from(tokens, (token) =>
    token.length > 1 ? longest(token, 0, token.length - 1) : -1,
  );
  return { longest, shorter };
}
