// The ids of bpe.ts's `encode` without merging: one pass from left to right that looks up whole tokens.
//
// 1. A token arises from its own bytes, whatever stands around it, as long as no merge crosses its borders.
//    So a sequence of tokens is the encoding if and only if no two neighbours would have merged across their
//    border: if all pairs of neighbours are `stable`.
// 2. Whether two neighbours are stable, only their merges tell: stable.ts undoes them. For most pairs a look
//    at a byte is enough, and what others were told is kept.
// 3. A text has exactly one encoding, and so has each of its prefixes. So take the longest token that is
//    stable after the previous one, else a shorter one. Where none is, replace the previous token by a
//    shorter one. No place is reached twice.
//
// Read next: byte-trie.ts, stable.ts.
import type { ChunkEncoder, Vocabulary } from './bpe.ts';
import { makeQueueEncoder } from './bpe-queue.ts';
import { type ByteTrie, makeByteTrie } from './byte-trie.ts';
import { hashOf } from './pair-table.ts';
import { type FirstBytes, makeFirstBytes, makeStable, type Stable } from './stable.ts';

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
  const shorter = shorterOf(tokens, trie);
  const length = Int32Array.from(tokens, (token) => token.length);
  const firstBytes = makeFirstBytes(vocabulary);
  const { joins } = firstBytes;
  const fitting = makeFitting(stable, shorter, firstBytes);

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
      while (n > at) {
        const left = out[n - 1];
        const byte = bytes[place];
        if (((joins[8 * left + (byte >>> 5)] >>> byte) & 1) === 0) break;
        token = fitting(left, token);
        if (token >= 0) break;
        do {
          token = shorter[out[--n]];
          place -= length[out[n]];
        } while (token < 0);
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

/** Finds tokens in bytes. Leaves out those that encoding never produces; foreign files may contain some. */
function makeTrie({ tokens, merges, byteIds }: Vocabulary, stable: Stable): ByteTrie {
  const forms = new Uint8Array(tokens.length).fill(1);
  merges.forEach(([left, right], rank) => {
    const id = 256 + rank;
    forms[id] = forms[left] & forms[right] & Number(stable(left, right, id));
  });
  const produced = merges.map((_, rank) => 256 + rank).filter((id) => forms[id] === 1);
  return makeByteTrie(tokens, produced, byteIds);
}

/** The longest other token that is a prefix of each token; -1 for bytes. */
function shorterOf(tokens: readonly Uint8Array[], trie: ByteTrie): Int32Array {
  return Int32Array.from(tokens, (token) =>
    token.length > 1 ? trie.longest(token, 0, token.length - 1) : -1,
  );
}

/** Answers that are kept, for each token and in all: up to a megabyte of them. */
const [KEPT, KEPT_AT_MOST] = [16, 2 ** 16];

/**
 * A function from a token and the longest one behind it: the latter, or the longest of those it begins with,
 * that is stable after the former; -1 where none is. Keeps its last answers, each at a place of its own.
 */
function makeFitting(
  stable: Stable,
  shorter: Int32Array,
  { learn }: FirstBytes,
): (left: number, longest: number) => number {
  const places = Math.min(KEPT_AT_MOST, 2 ** Math.ceil(Math.log2(KEPT * shorter.length)));
  const kept = new Int32Array(4 * places).fill(-1); // left, longest, answer, unused: in one cache line
  return (left, longest) => {
    const at = 4 * (hashOf(left, longest) & (places - 1));
    if (kept[at] === left && kept[at + 1] === longest) return kept[at + 2];
    learn(left);
    let token = longest;
    while (token >= 0 && !stable(left, token)) token = shorter[token];
    kept[at] = left;
    kept[at + 1] = longest;
    kept[at + 2] = token;
    return token;
  };
}
