// The ids of bpe.ts's `encode`, fast.
//
// 1. Where no token holds the bytes x y next to each other, no merge ever crosses x|y: the text falls into short pieces there,
//    exactly. Text repeats itself, so most pieces have been seen before, and their ids are copied.
// 2. A new piece is merged with a heap of (rank, place). A merge only makes pairs of higher rank, so the heap gives
//    occurrences in the definition's order: lowest rank first, left to right.
import type { Vocabulary } from './bpe.ts';
import { makeByteTable } from './byte-table.ts';
import { makeHeap } from './heap.ts';

/** Writes the ids of `bytes[start..end)`, one chunk, to `out` from `at` on (room for one id per byte); returns where it stopped. */
export type ChunkEncoder = (
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Int32Array,
  at: number,
) => number;

/** Longest piece that is remembered, and how many bytes of pieces in all: then remembering starts afresh. */
const longest = 64;
const mostBytes = 1 << 22;

/** An encoder with a memory of its own (a few MB at most; it changes the speed, never the ids). */
export function makeEncoder(vocabulary: Vocabulary): ChunkEncoder {
  const joined = joinedBytes(vocabulary);
  const merge = makeMerger(vocabulary);
  let pieces = makeByteTable();
  let ids = new Int32Array(1024); // piece p became ids[ends[p - 1]..ends[p])
  let ends = new Int32Array(1024);

  function encodePiece(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number {
    if (end - start > longest) return merge(bytes, start, end, out, at);
    const known = pieces.size;
    const piece = pieces.add(bytes, start, end);
    const from = piece === 0 ? 0 : ends[piece - 1];
    if (piece === known) {
      const stop = merge(bytes, start, end, out, at);
      remember(piece, from, out.subarray(at, stop));
      return stop;
    }
    let stop = at;
    for (let i = from; i < ends[piece]; i++) out[stop++] = ids[i];
    return stop;
  }

  function remember(piece: number, from: number, found: Int32Array): void {
    if (pieces.byteLength > mostBytes) {
      pieces = makeByteTable();
      return;
    }
    const to = from + found.length;
    if (to > ids.length) ids = grown(ids);
    if (piece >= ends.length) ends = grown(ends);
    ids.set(found, from);
    ends[piece] = to;
  }

  return (bytes, start, end, out, at) => {
    let from = start;
    for (let i = start + 1; i < end; i++) {
      if (joined[(bytes[i - 1] << 8) | bytes[i]] === 1) continue;
      at = encodePiece(bytes, from, i, out, at);
      from = i;
    }
    return from < end ? encodePiece(bytes, from, end, out, at) : at;
  };
}

/** 1 at x * 256 + y if some token holds the bytes x y next to each other. */
function joinedBytes({ merges, tokens }: Vocabulary): Uint8Array {
  const joined = new Uint8Array(65536);
  for (const [left, right] of merges) joined[(tokens[left].at(-1)! << 8) | tokens[right][0]] = 1;
  return joined;
}

/** A ChunkEncoder without memory, O(n log n). */
function makeMerger({ byteIds, ranks }: Vocabulary): ChunkEncoder {
  const heap = makeHeap((a, b) => a < b); // rank * 2^32 + place
  let size = 0;
  let token = new Int32Array(0);
  let next = new Int32Array(0);
  let previous = new Int32Array(0);
  let rankAt = new Int32Array(0); // of the pair that starts here; -1: none

  function offer(i: number, n: number): void {
    rankAt[i] = next[i] < n ? ranks.get(token[i], token[next[i]]) : -1;
    if (rankAt[i] >= 0) heap.push(rankAt[i] * 2 ** 32 + i);
  }

  return (bytes, start, end, out, at) => {
    const n = end - start;
    if (n > size) {
      size = 2 * n;
      [token, next, previous, rankAt] = Array.from({ length: 4 }, () => new Int32Array(size));
    }
    for (let i = 0; i < n; i++) {
      token[i] = byteIds[bytes[start + i]];
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i < n; i++) offer(i, n);
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) {
      const rank = Math.floor(item / 2 ** 32);
      const i = item - rank * 2 ** 32;
      if (rankAt[i] !== rank) continue; // its tokens have merged otherwise
      const gone = next[i];
      token[i] = 256 + rank;
      rankAt[gone] = -1;
      next[i] = next[gone];
      if (next[i] < n) previous[next[i]] = i;
      offer(i, n);
      if (previous[i] >= 0) offer(previous[i], n);
    }
    for (let i = 0; i < n; i = next[i]) out[at++] = token[i];
    return at;
  };
}

function grown(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}
