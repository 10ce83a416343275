// The ids of bpe.ts's `encode` without merging: one pass from left to right that looks up whole tokens.
//
// 1. A token arises from its own bytes, whatever stands around it, as long as no merge crosses its borders.
//    So a sequence of tokens is the encoding if and only if no two neighbours would have merged across their
//    border: if all pairs of neighbours are `stable`.
// 2. To test whether two neighbours are stable, their merges are undone, latest first. This shows the tokens
//    that touched the border at each moment. The pair is stable if no merge of these had a lower rank.
// 3. A text has exactly one encoding, and so has each of its prefixes. So take the longest token that is
//    stable after the previous one, else a shorter one. Where none is, replace the previous token by a
//    shorter one. No place is reached twice.
import type { ChunkEncoder, Vocabulary } from './bpe.ts';
import { makeQueueEncoder } from './bpe-queue.ts';
import { makePairTable } from './pair-table.ts';

/** Tokens looked up between two pauses: a few milliseconds of work. */
const STEP = 2 ** 16;

/**
 * Tokens looked up in one go where no pause is needed: the largest integer that JavaScript engines count with
 * quickly.
 */
const MANY = 2 ** 30 - 1;

/**
 * Vocabularies whose longest token has at most this many bytes are encoded here. In the worst case the time
 * is proportional to that length.
 */
const longestHere = 512;

/** An encoder for one vocabulary. */
export function makeEncoder(vocabulary: Vocabulary): ChunkEncoder {
  const { tokens } = vocabulary;
  if (tokens.some((token) => token.length > longestHere)) return makeQueueEncoder(vocabulary);
  const stable = makeStable(vocabulary);
  const trie = makeTrie(vocabulary, stable);
  const length = Int32Array.from(tokens, (token) => token.length);

  /** Continues a chunk from `reached` to its end, or until `tokens` more tokens were looked up. */
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

  const here: Reached = { place: 0, n: 0 }; // one object for all chunks: most are single words
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

/** Progress within a chunk: `out[at..n)` is the encoding of its bytes up to `place`. */
interface Reached {
  place: number;
  n: number;
}

/**
 * Whether two tokens stay apart when one follows the other. Considers only merges before token `limit`
 * (default: all).
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
        limit = left; // at equal rank the merge inside `left` comes first: it is further left
        left = rightOf[left];
      } else if (right >= 256) {
        limit = right + 1; // at equal rank the merge across the border comes first
        right = leftOf[right];
      } else return true;
    }
  };
}

/**
 * Finds tokens in bytes. Leaves out tokens that encoding never produces; foreign files may contain some.
 */
interface Trie {
  /** The longest token at `bytes[place..end)`: a single byte at least. */
  longest(bytes: Uint8Array, place: number, end: number): number;
  /** The longest other token that is a prefix of a token; -1 for bytes. */
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
