// Several processes ("ranks", as MPI calls them) that train one model together, and what they can say to each
// other. src/distributed/ speaks through MPI. Read next: pairwise.ts, rank-sum.ts.
import { concatBytes } from '../base/concat.ts';

/** One rank's end of the connections among all. */
export interface Communicator {
  /** Number of this process, from 0 on. Rank 0 writes and speaks for all. */
  readonly rank: number;
  /** Number of processes, a power of two. */
  readonly size: number;
  /**
   * Sends `send` to the rank `peer` and receives `receive.length` bytes from it, at the same time. `peer`
   * makes the mirrored call. Neither array may be touched before. Rejects when the connection is lost, or
   * with the reason of `signal`; both end the use of the communicator.
   */
  exchange(peer: number, send: Uint8Array, receive: Uint8Array, signal?: AbortSignal): Promise<void>;
}

/**
 * The bytes of every rank, in the order of ranks, at every rank: those that `bytes` are at each. In
 * log2(size) exchanges: after the first, each rank knows those of its pair, then of its four, ...
 */
export async function gather(
  ranks: Communicator,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array[]> {
  let known = [bytes]; // of `known.length` ranks in a row, this one among them
  while (known.length < ranks.size) {
    const count = known.length;
    const peer = ranks.rank ^ count;
    const lengths = Float64Array.from(known, ({ length }) => length);
    const theirs = new Float64Array(count);
    await ranks.exchange(peer, bytesOf(lengths), bytesOf(theirs), signal);
    const received = new Uint8Array(theirs.reduce((sum, length) => sum + length, 0));
    await ranks.exchange(peer, concatBytes(known), received, signal);
    const parts = split(received, theirs);
    known = peer < ranks.rank ? [...parts, ...known] : [...known, ...parts];
  }
  return known;
}

/** The bytes of an array, not copied. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Copies, so that each starts where numbers of 8 bytes may start. */
function split(all: Uint8Array, lengths: Float64Array): Uint8Array[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return all.slice(at - length, at);
  });
}
