// BPE dropout (Provilkov et al. 2020): encodes a text with other tokens of the same vocabulary, by leaving
// merges out at random. A model that sees many spellings of a text learns what tokens are made of. Read next:
// bpe.ts (encoding without dropout).
import type { Pausable } from '../base/slices.ts';
import type { Vocabulary } from './bpe.ts';

/** Which merges are left out. */
export interface BpeDropout {
  /** Probability of leaving a merge out, 0 <= p <= 1. 0: the usual encoding; 1: one token per byte. */
  p: number;
  /** Draws one number in [0, 1) for every merge that could be made. */
  random: { uniform(): number };
}

/**
 * Encodes `bytes`, whose chunks end at `ends`. Writes the ids to `out` from `at` on (room for one id per
 * byte) and returns where they end. Pauses now and then, and yields about which share of `bytes` is done.
 *
 * Goes through the merges once, by rank. For each merge it goes through the text from left to right and joins
 * every occurrence of the pair with probability 1 - p. (The paper draws again whenever another merge of the
 * word is made. With pattern `none` the whole text is one word, and would get most of its merges back.)
 */
export type DropoutEncoder = (
  bytes: Uint8Array,
  ends: Int32Array,
  out: Int32Array,
  at: number,
  dropout: BpeDropout,
) => Pausable<number>;

/** Places visited between two pauses: a few milliseconds of work. */
const STEP = 2 ** 16;

/** An encoder for one vocabulary. Its time is proportional to the bytes, not to the merges. */
export function makeDropoutEncoder({ merges, ranks, byteIds }: Vocabulary): DropoutEncoder {
  return function* (bytes, ends, out, at, { p, random }) {
    const n = bytes.length;
    const { ids, next, before } = linkBytes(bytes, ends, byteIds);
    // A join creates only pairs of higher rank. So all pairs of a rank are known when its turn comes.
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
        // One of the two was joined with another token meanwhile.
        if (ids[i] !== left || j < 0 || ids[j] !== right) continue;
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
 * One token per byte, stored at the place of its byte. `next` and `before` are the neighbouring places in the
 * same chunk, or -1.
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

/** A list of places per rank, with memory for `room` places in all. */
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
    /** The places of `rank`, ascending. */
    of(rank) {
      const found = new Int32Array(count[rank]);
      let i = found.length;
      for (let entry = head[rank]; entry >= 0; entry = link[entry]) found[--i] = places[entry];
      return found.sort();
    },
  };
}
