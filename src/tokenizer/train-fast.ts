// The merges of train.ts, bit for bit, without recounting the text for each one.
//
// 1. A token is stored at the place of its first byte, and a pair's occurrences are a list of such places. A
//    pair with token X can arise only in the step that makes X. So each list is written once, in order, and
//    afterwards only loses entries.
// 2. Hence counts only fall and first places only move right: in a queue ordered by (count, first place) a
//    pair can only sink. Counts in the queue may be out of date as long as the pair at its head is recounted
//    before it is used.
// 3. Equal chunks are stored once, at the place of the first, with a weight. This changes no count and no
//    order of first occurrence.
import { type Pausable, runThrough } from '../base/slices.ts';
import { makeByteTable } from './byte-table.ts';
import { type Heap, makeHeap } from './heap.ts';
import type { MergeStep } from './train.ts';

/** The chunks of a text, each distinct one once, with counts: what merges are learnt from. */
export interface ChunkCounts {
  /** Bytes of all chunks, equal ones included. */
  readonly byteLength: number;
  /** Number of chunks. */
  readonly all: number;
  /** Number of distinct chunks, and their bytes. */
  readonly distinct: number;
  readonly distinctBytes: number;
  /** Adds the chunk `bytes[start..end)`, `times` times (once). */
  add(bytes: Uint8Array, start: number, end: number, times?: number): void;
  /** Calls `visit` for each distinct chunk, in the order of first occurrence. */
  forEach(visit: (chunk: Uint8Array, copies: number) => void): void;
}

/** An empty table of chunks. */
export function makeChunkCounts(): ChunkCounts {
  const chunks = makeByteTable();
  const copies: number[] = [];
  let [byteLength, all] = [0, 0];
  return {
    get byteLength() {
      return byteLength;
    },
    get all() {
      return all;
    },
    get distinct() {
      return chunks.size;
    },
    get distinctBytes() {
      return chunks.byteLength;
    },
    add(bytes, start, end, times = 1) {
      const chunk = chunks.add(bytes, start, end);
      copies[chunk] = (copies[chunk] ?? 0) + times;
      byteLength += times * (end - start);
      all += times;
    },
    forEach(visit) {
      copies.forEach((n, chunk) => {
        visit(chunks.bytes(chunk), n);
      });
    },
  };
}

/** As `train`. Chunk k is `bytes[ends[k - 1]..ends[k])`; the first one starts at 0. */
export function trainFast(
  bytes: Uint8Array,
  ends: Int32Array,
  merges: number,
  onMerge?: (step: MergeStep) => void,
): MergeStep[] {
  const counts = makeChunkCounts();
  ends.forEach((end, k) => {
    counts.add(bytes, k === 0 ? 0 : ends[k - 1], end);
  });
  return runThrough(trainOnCounts(counts, merges, onMerge));
}

/** Places visited between two pauses: a few milliseconds of work. */
const STEP = 2 ** 18;

/**
 * As `trainFast`, from chunks that are already counted. Pauses after every merge and within long steps, and
 * yields the merges made so far. Ends before the first merge that `isWanted` does not want. Time: about
 * proportional to the bytes that merge. Memory: about 30 bytes for each byte of the distinct chunks.
 */
export function* trainOnCounts(
  counts: ChunkCounts,
  merges: number,
  onMerge?: (step: MergeStep) => void,
  isWanted: (step: MergeStep) => boolean = () => true,
): Pausable<MergeStep[]> {
  const text = layOut(counts, merges);
  const pairs = makePairs(text, merges);
  const queue = makeHeap((p, q) => {
    const order = pairs.count[p] - pairs.count[q];
    return order > 0 || (order === 0 && pairs.places[pairs.begin[p]] < pairs.places[pairs.begin[q]]);
  });
  yield 0;
  for (const _ of addBytePairs(text, pairs)) yield 0;
  const steps: MergeStep[] = [];
  for (let queued = 0; steps.length < merges; yield steps.length) {
    for (; queued < pairs.left.length; queued++) queue.push(queued);
    const best = takeBest(text, pairs, queue);
    if (best === undefined) break;
    const [left, right, count] = [pairs.left[best], pairs.right[best], pairs.count[best]];
    const step: MergeStep = { pair: [left, right], id: 256 + steps.length, count };
    if (!isWanted(step)) break;
    for (const _ of mergePair(text, pairs, best, step.id)) yield steps.length;
    steps.push(step);
    onMerge?.(step);
  }
  return steps;
}

/** The distinct chunks one after another, with a border before, between and after them. */
interface Text {
  /**
   * A token's id, stored at its first and at its last byte; -1 at borders. The entries between are never
   * read.
   */
  token: Int32Array;
  /** How many equal chunks each byte stands for; null if no two chunks are equal. */
  weight: Int32Array | null;
  /** The length of each token in bytes. */
  length: Int32Array;
}

/**
 * Every pair that ever occurred, one column per property. The occurrences of p are
 * `places[begin[p]..end[p])`, ascending.
 */
interface Pairs {
  left: number[];
  right: number[];
  begin: number[];
  end: number[];
  /** Weighted number of occurrences when last counted. */
  count: number[];
  places: Int32Array;
  used: number;
  /** Scratch for `addPairs`: one entry per occurrence to add, then one per key. */
  keys: Int32Array;
  at: Int32Array;
  size: Int32Array;
  weight: Float64Array;
}

function layOut(counts: ChunkCounts, merges: number): Text {
  const { all, distinct } = counts;
  const n = counts.distinctBytes + distinct + 1;
  const token = new Int32Array(n).fill(-1);
  const weight = distinct < all ? new Int32Array(n) : null;
  let place = 1;
  counts.forEach((chunk, copies) => {
    token.set(chunk, place);
    weight?.fill(copies, place, place + chunk.length);
    place += chunk.length + 1;
  });
  return { token, weight, length: new Int32Array(256 + merges).fill(1) };
}

function makePairs({ token }: Text, merges: number): Pairs {
  const n = token.length;
  // n byte pairs, then at most two new ones for each of at most n merged places.
  const places = new Int32Array(3 * n);
  const [keys, at] = [new Int32Array(n), new Int32Array(n)];
  const nKeys = Math.max(65536, 256 + merges);
  const [size, weight] = [new Int32Array(nKeys), new Float64Array(nKeys)];
  return { left: [], right: [], begin: [], end: [], count: [], places, used: 0, keys, at, size, weight };
}

/** Adds the pairs of bytes, before the first merge. */
function* addBytePairs(text: Text, pairs: Pairs): Pauses {
  const { token } = text;
  const { keys, at } = pairs;
  const last = token.length - 1; // the final border
  let n = 0;
  for (let i = 0; i < last; yield) {
    for (const stop = Math.min(last, i + STEP); i < stop; i++) {
      if (token[i] < 0 || token[i + 1] < 0) continue;
      keys[n] = (token[i] << 8) | token[i + 1];
      at[n++] = i;
    }
  }
  yield* addPairs(text, pairs, 0, n, (key) => [key >> 8, key & 255]);
}

/** Work that can pause and yields nothing. */
type Pauses = Pausable<void, void>;

/**
 * Adds the occurrences `at[from..to)`, ascending within each of their `keys`. A counting sort by key; each
 * distinct key becomes one pair.
 */
function* addPairs(
  text: Text,
  pairs: Pairs,
  from: number,
  to: number,
  pairOf: (key: number) => [number, number],
): Pauses {
  const { size, weight } = pairs;
  const distinct: number[] = [];
  for (let k = from; k < to; k += STEP) {
    countKeys(text, pairs, k, Math.min(to, k + STEP), distinct);
    if (k + STEP < to) yield;
  }
  for (const key of distinct) {
    const [left, right] = pairOf(key);
    pairs.left.push(left);
    pairs.right.push(right);
    pairs.count.push(weight[key]);
    pairs.begin.push(pairs.used);
    pairs.end.push(pairs.used + size[key]);
    pairs.used += size[key];
    size[key] = pairs.used - size[key]; // from here on: where the next place of this key goes
  }
  for (let k = from; k < to; k += STEP) {
    placeKeys(pairs, k, Math.min(to, k + STEP));
    if (k + STEP < to) yield;
  }
  for (const key of distinct) {
    size[key] = 0;
    weight[key] = 0;
  }
}

/** Counts the keys of the entries `from` to `to`, and adds those that are new to `distinct`. */
function countKeys(text: Text, pairs: Pairs, from: number, to: number, distinct: number[]): void {
  const { keys, at, size, weight } = pairs;
  for (let k = from; k < to; k++) {
    const key = keys[k];
    if (size[key]++ === 0) distinct.push(key);
    weight[key] += text.weight ? text.weight[at[k]] : 1;
  }
}

/** Puts the places of the entries `from` to `to` where those of their keys go. */
function placeKeys({ keys, at, size, places }: Pairs, from: number, to: number): void {
  for (let k = from; k < to; k++) places[size[keys[k]]++] = at[k];
}

/**
 * Removes and returns the pair with the highest count now, the first seen among equals; undefined when none
 * is left.
 */
function takeBest(text: Text, pairs: Pairs, queue: Heap): number | undefined {
  while (queue.items.length > 0) {
    const pair = queue.items[0];
    const count = recount(text, pairs, pair);
    if (count === pairs.count[pair]) return queue.pop();
    pairs.count[pair] = count;
    if (count > 0) queue.settle();
    else queue.pop();
  }
  return undefined;
}

/** Drops the occurrences that other merges have destroyed; returns the weight of those left. */
function recount({ token, weight, length }: Text, pairs: Pairs, pair: number): number {
  const { places, left, right, begin, end } = pairs;
  const [l, r, width] = [left[pair], right[pair], length[left[pair]]];
  let kept = begin[pair];
  let count = 0;
  for (let k = kept; k < end[pair]; k++) {
    const i = places[k];
    if (token[i] !== l || token[i + width] !== r) continue;
    places[kept++] = i;
    count += weight ? weight[i] : 1;
  }
  end[pair] = kept;
  return count;
}

/**
 * Joins every occurrence of `pair`, left to right, into token `id`, and adds the pairs that `id` forms with
 * its neighbours.
 */
function* mergePair(text: Text, pairs: Pairs, pair: number, id: number): Pauses {
  const { token, length } = text;
  const { places, keys, at } = pairs;
  const [l, r] = [pairs.left[pair], pairs.right[pair]];
  const [lWidth, width] = [length[l], length[l] + length[r]];
  length[id] = width;
  const half = keys.length >> 1; // left neighbours are gathered from 0 on, right ones from here on
  let lefts = 0;
  let rights = half;
  for (let k = pairs.begin[pair]; k < pairs.end[pair]; k++) {
    const i = places[k];
    if (token[i] !== l || token[i + lWidth] !== r) continue; // overlaps the one before: `aaa` is `X a`
    token[i + lWidth] = -1; // no token begins here any more
    token[i] = id;
    token[i + width - 1] = id;
    const before = token[i - 1];
    if (before >= 0) {
      keys[lefts] = before;
      at[lefts++] = i - length[before];
    }
    // Its neighbour has become `id`: `before` says so.
    if (rights > half && at[rights - 1] === i - width) rights--;
    const after = token[i + width];
    if (after >= 0) {
      keys[rights] = after;
      at[rights++] = i;
    }
  }
  yield* addPairs(text, pairs, 0, lefts, (neighbour) => [neighbour, id]);
  yield* addPairs(text, pairs, half, rights, (neighbour) => [id, neighbour]);
}
