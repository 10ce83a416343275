// One optimizer step: forward and backward of the batch in micro-batches, the norm of the gradient, the
// update. Read next: pairwise.ts.
import type { HostArray } from '../backend/contract.ts';
import type { BatchTap } from '../inspect/probe-tap.ts';
import { type Batch, sliceBatch } from '../model/batch.ts';
import type { GPT, Teaching } from '../model/gpt.ts';
import { withGradients } from '../tensor/tape.ts';
import { empty, type Tensor, tensor } from '../tensor/tensor.ts';
import { cancellable } from './cancel.ts';
import { bytesOf, type Communicator, gather } from './communicator.ts';
import { branchOf, type MicroBatches, sumPairwise } from './pairwise.ts';
import type { RankSum } from './rank-sum.ts';

/** How the gradient of a batch is computed. */
export interface GradientOptions {
  /** Sequences per micro-batch, so that memory does not grow with the batch. */
  microBatch: number;
  /** They determine the dropout masks. */
  seed: number;
  step: number;
  /** Number of the first sequence in the batch of the step, of which `batch` is a part. Default: 0. */
  firstSequence?: number;
  /** Dropout to use instead of the model's own. */
  dropout?: number;
  labelSmoothing?: number;
  teaching?: Teaching | null;
  /** As in `ForwardOptions`. */
  checkpointActivations?: boolean;
  tap?: BatchTap;
  /** Adds the gradients of the micro-batches in pairs (pairwise.ts), not one after the other. */
  pairwise?: Pairwise;
  /** Aborts half-way: the promise rejects, and the contents of the gradients are undefined. */
  signal?: AbortSignal;
}

/** A sum of gradients in pairs. */
export interface Pairwise {
  /** The parameters whose gradients the pass adds to. */
  parameters: readonly Tensor[];
  /** The processes that share the micro-batches. Every one gets the same gradient and the same loss. */
  shared?: { ranks: Communicator; sum: RankSum };
}

/**
 * Adds the gradient of the mean loss of `batch` to the `grad` of the parameters. Resolves to that loss, nats
 * per token. The event loop turns between micro-batches.
 */
export function accumulateGradients(model: GPT, batch: Batch, options: GradientOptions): Promise<number> {
  return cancellable(model.backend, options.signal, () => accumulate(model, batch, options));
}

async function accumulate(model: GPT, batch: Batch, options: GradientOptions): Promise<number> {
  const { microBatch, pairwise, signal } = options;
  const count = Math.ceil(batch.B / microBatch);
  const reads: Promise<HostArray>[] = [];
  const queue = async (index: number): Promise<void> => {
    reads.push(queueMicroBatch(model, batch, index * microBatch, options));
    // Queues one micro-batch ahead, so that the engine never waits for kernels.
    await reads.at(-2);
    await options.tap?.collect();
    signal?.throwIfAborted();
  };
  try {
    if (pairwise)
      return (await accumulatePairwise(count, pairwise, queue, reads, signal)) / (batch.B * batch.T);
    for (let index = 0; index < count; index++) await queue(index);
    let sum = 0;
    for (const read of reads) for (const loss of await read) sum += loss;
    return sum / (batch.B * batch.T);
  } finally {
    await Promise.allSettled(reads);
  }
}

/** The same in pairs, of all micro-batches or of those of this rank. Resolves to the sum of all losses. */
async function accumulatePairwise(
  count: number,
  { parameters, shared }: Pairwise,
  queue: (index: number) => Promise<void>,
  reads: readonly Promise<HostArray>[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const branch: MicroBatches = shared ? branchOf(count, shared.ranks) : { first: 0, count };
  await sumPairwise(branch, parameters, queue);
  const sums = new Float64Array(reads.length);
  for (const [i, read] of reads.entries()) for (const loss of await read) sums[i] += loss;
  if (!shared) return total(sums);
  // The losses come first: who waits for the slowest rank waits here, not in the midst of the gradients.
  const all = await gather(shared.ranks, bytesOf(sums), signal);
  const grads = parameters.flatMap(({ grad }) => grad ?? []);
  await shared.sum(grads, signal);
  return total(
    all.flatMap((bytes) => [...new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)]),
  );
}

function total(sums: Iterable<number>): number {
  let sum = 0;
  for (const part of sums) sum += part;
  return sum;
}

/**
 * Queues forward and backward of the sequences from `first` on. Resolves to their losses when they have run.
 */
async function queueMicroBatch(
  model: GPT,
  batch: Batch,
  first: number,
  options: GradientOptions,
): Promise<HostArray> {
  const { seed, step, firstSequence: before = 0, dropout, labelSmoothing } = options;
  const { microBatch, checkpointActivations, teaching, tap } = options;
  const { ids, targets, B, T } = sliceBatch(batch, first, microBatch);
  const losses = withGradients(() => {
    const training = { seed, step, firstSequence: before + first, dropout };
    const [read, wanted] = [ids, targets].map((array) => tensor(array, [B, T], model.backend));
    const loss = { factor: 1 / (batch.B * batch.T), smoothing: labelSmoothing, teaching };
    return model.losses(read, wanted, { training, tap, checkpointActivations }, loss);
  });
  try {
    return await losses.data();
  } finally {
    losses.dispose();
  }
}

/** L2 norm of the gradients of all parameters. */
export async function gradientNorm(parameters: ReadonlyMap<string, Tensor>): Promise<number> {
  const [first] = parameters.values();
  const total = empty([1], 'f32', first.backend);
  const { kernels } = first.backend;
  kernels.fill(total.buffer, 0);
  for (const { grad } of parameters.values()) if (grad) kernels.sumSquares(total.buffer, grad.buffer, true);
  const [sum] = await total.data();
  total.dispose();
  return Math.sqrt(sum);
}

/**
 * The factor that scales gradients to a norm of at most `clip`, as in PyTorch's clip_grad_norm_. 0: no
 * clipping.
 */
export function clipFactor(norm: number, clip: number): number {
  return clip > 0 ? Math.min(1, clip / (norm + 1e-6)) : 1;
}
