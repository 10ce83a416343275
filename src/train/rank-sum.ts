// The sum of all ranks' gradients, at every rank: the upper levels of the tree of pairwise.ts. Each pair of
// ranks adds halves for each other, and in the end they swap sums ("recursive halving and doubling",
// Rabenseifner 2004): every rank sends and receives 2 (1 - 1 / size) times the gradients, whatever their
// number, and every element is added in the same order.
import type { Tensor } from '../tensor/tensor.ts';
import { bytesOf, type Communicator } from './communicator.ts';

/** Elements `from` .. `to`. */
interface Range {
  from: number;
  to: number;
}

/** Replaces gradients by their sums over all ranks. */
export type RankSum = (grads: readonly Tensor[], signal?: AbortSignal) => Promise<void>;

/** A sum over `ranks`, with memory of its own for 1.5 times the gradients. */
export function rankSum(ranks: Communicator): RankSum {
  let values = new Float32Array(0);
  let received = new Float32Array(0);
  return async (grads, signal) => {
    const size = grads.reduce((sum, grad) => sum + grad.size, 0);
    if (values.length !== size) {
      values = new Float32Array(size);
      received = new Float32Array(Math.ceil(size / 2));
    }
    const parts = cut(values, grads);
    await Promise.all(grads.map((grad, i) => grad.readInto(parts[i])));
    await sumInPlace(ranks, values, received, signal);
    for (const [i, grad] of grads.entries()) grad.write(parts[i]);
  };
}

function cut(values: Float32Array, grads: readonly Tensor[]): Float32Array[] {
  let at = 0;
  return grads.map(({ size }) => {
    at += size;
    return values.subarray(at - size, at);
  });
}

/**
 * Replaces `values` by their sums over all ranks, ((0 + 1) + (2 + 3)) + ... . `received` has room for half of
 * them.
 */
export async function sumInPlace(
  ranks: Communicator,
  values: Float32Array,
  received: Float32Array,
  signal?: AbortSignal,
): Promise<void> {
  const taken: { peer: number; own: Range; theirs: Range }[] = [];
  let range = { from: 0, to: values.length };
  for (let bit = 1; bit < ranks.size; bit *= 2) {
    const peer = ranks.rank ^ bit;
    const middle = Math.floor((range.from + range.to) / 2);
    const [lower, upper] = [
      { from: range.from, to: middle },
      { from: middle, to: range.to },
    ];
    const [own, theirs] = ranks.rank < peer ? [lower, upper] : [upper, lower];
    const part = received.subarray(0, own.to - own.from);
    await ranks.exchange(peer, bytesIn(values, theirs), bytesOf(part), signal);
    add(values.subarray(own.from, own.to), part);
    taken.push({ peer, own, theirs });
    range = own;
  }
  for (const { peer, own, theirs } of taken.reverse())
    await ranks.exchange(peer, bytesIn(values, own), bytesIn(values, theirs), signal);
}

function bytesIn(values: Float32Array, { from, to }: Range): Uint8Array {
  return bytesOf(values.subarray(from, to));
}

/** a += b. Both ranks of a pair get the same bits: a + b is b + a. */
function add(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}
