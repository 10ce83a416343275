// BPE dropout (Provilkov et al. 2020): the same text in other tokens of the same vocabulary, by leaving
// merges out at random. A model that sees a text in many spellings learns what tokens are made of. Read next:
// bpe.ts (encoding without it).
import type { Pausable } from '../base/slices.ts';
import type { Vocabulary } from './bpe.ts';

/** Which merges are left out. */
export interface BpeDropout {
  /** Probability of leaving a merge out, 0 <= p <= 1. 0: the plain encoding; 1: bytes. */
  p: number;
  /** Draws one number in [0, 1) for every merge that is due. */
  random: { uniform(): number };
}

/**
 * Writes the ids of `bytes`, in chunks that end at `ends`, to `out` from `at` on (room for one id per byte);
 * returns where it stopped. Pauses now and then, and yields which share of `bytes` is about done.
 *
 * In one pass through the merges by rank, and for each through the text from left to right: where its pair of
 * tokens stands, the two are joined with probability 1 - p. (The paper draws again whenever another merge of
 * the word was made. A text that is one chunk has no words, and would get most of its merges back.)
 */
export type DropoutEncoder = (
  bytes: Uint8Array,
  ends: Int32Array,
  out: Int32Array,
  at: number,
  dropout: BpeDropout,
) => Pausable<number>;

/** Places that are visited between two pauses: a few milliseconds. */
const STEP = 2 ** 16;

/** An encoder for one vocabulary. Its time is proportional to the bytes, not to the merges. */
export function makeDropoutEncoder({ merges, ranks, byteIds }: Vocabulary): DropoutEncoder {
  return function* (bytes, ends, out, at, { p, random }) {
    const n = bytes.length;
    const { ids, next, before } = linkBytes(bytes, ends, byteIds);
    // A join makes pairs of higher rank only, so that those of one rank are all known when its turn comes.
    const due = makeBuckets(merges.length, 3 * n);
    const note = (i: number): void => {
      const rank = next[i] < 0 ? -1 : ranks.get(ids[i], ids[next[i]]);
      if (rank >= 0) due.add(rank, i);
    };
    for (let i = 0; i < n; i++) {
      note(i);
      if (i % STEP === STEP - 1) yield 0;
    }
    let visited = 0;
    for (let rank = 0; rank < merges.length; rank++) {
      const [left, right] = merges[rank];
      for (const i of due.of(rank)) {
        if (++visited % STEP === 0) yield rank / merges.length;
        const j = next[i];
        if (ids[i] !== left || j < 0 || ids[j] !== right) continue; // one of them was joined meanwhile
        if (random.uniform() < p) continue;
        ids[i] = 256 + rank;
        ids[j] = -1;
        next[i] = next[j];
        if (next[i] >= 0) before[next[i]] = i;
        if (before[i] >= 0) note(before[i]);
        note(i);
      }
    }
    let end = at;
    for (let i = 0; i < n; i++) if (ids[i] >= 0) out[end++] = ids[i];
    return end;
  };
}

/**
 * One token per byte, at the place of its first byte; `next` and `before` are the places beside it in its
 * chunk, or -1.
 */
function linkBytes(
  bytes: Uint8Array,
  ends: Int32Array,
  byteIds: Int32Array,
): Record<'ids' | 'next' | 'before', Int32Array> {
  const n = bytes.length;
  const [ids, next, before] = [new Int32Array(n), new Int32Array(n), new Int32Array(n)];
  for (let i = 0; i < n; i++) {
    ids[i] = byteIds[bytes[i]];
    next[i] = i + 1;
    before[i] = i - 1;
  }
  for (const end of ends) {
    next[end - 1] = -1;
    if (end < bytes.length) before[end] = -1;
  }
  return { ids, next, before };
}

/** Lists of places, one per rank, in memory for `room` places in all. */
function makeBuckets(
  ranks: number,
  room: number,
): { add(rank: number, place: number): void; of(rank: number): Int32Array } {
  const head = new Int32Array(ranks).fill(-1);
  const count = new Int32Array(ranks);
  const places = new Int32Array(room);
  const link = new Int32Array(room);
  let entries = 0;
  return {
    add(rank, place) {
      places[entries] = place;
      link[entries] = head[rank];
      head[rank] = entries++;
      count[rank]++;
    },
    /** Ascending. */
    of(rank) {
      const found = new Int32Array(count[rank]);
      let i = found.length;
      for (let entry = head[rank]; entry >= 0; entry = link[entry]) found[--i] = places[entry];
      return found.sort();
    },
  };
}
