// Pairwise summation (Higham 1993): the gradients of a step's micro-batches are added as a tree of halves,
// ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). A power of two of processes can each compute one branch, and the
// sum has the bits that one process gets. Read next: rank-sum.ts.
import { keep } from '../tensor/scope.ts';
import { type Tensor, zeros } from '../tensor/tensor.ts';

/** Micro-batches `first` .. `first + count` of a step. */
export interface MicroBatches {
  first: number;
  count: number;
}

/** The two halves of a row; the first is not the smaller one. Throws for fewer than two. */
export function halves({ first, count }: MicroBatches): [MicroBatches, MicroBatches] {
  if (count < 2) throw new Error(`${count} micro-batch has no halves`);
  const half = Math.ceil(count / 2);
  return [
    { first, count: half },
    { first: first + half, count: count - half },
  ];
}

/** Throws when a number of ranks is no power of two. */
export function checkRankCount(size: number): void {
  if (Number.isInteger(Math.log2(size))) return;
  throw new Error(
    `${size} ranks cannot halve the sum of the gradients among them: start 1, 2, 4, 8, ... ranks`,
  );
}

/**
 * The branch of the tree over `count` micro-batches that a rank computes. Throws when `size` is no power of
 * two, or there are more ranks than micro-batches.
 */
export function branchOf(count: number, { rank, size }: { rank: number; size: number }): MicroBatches {
  checkRankCount(size);
  if (size > count)
    throw new Error(
      `${size} ranks are more than the ${count} micro-batches of a step: start at most ${2 ** Math.floor(Math.log2(count))}, or lower microBatch`,
    );
  let branch = { first: 0, count };
  for (let below = size / 2; below >= 1; below /= 2) branch = halves(branch)[rank & below ? 1 : 0];
  return branch;
}

/**
 * Adds up the gradients of `branch` in the `grad` of `parameters`, which must be 0. `queue` queues one
 * micro-batch, which adds to them. Takes gradients of all parameters once more per level of the tree.
 */
export async function sumPairwise(
  branch: MicroBatches,
  parameters: readonly Tensor[],
  queue: (index: number) => Promise<void>,
): Promise<void> {
  if (branch.count === 1) {
    await queue(branch.first);
    return;
  }
  const [left, right] = halves(branch);
  await sumPairwise(left, parameters, queue);
  const aside = setAside(parameters);
  try {
    await sumPairwise(right, parameters, queue);
  } finally {
    takeBack(aside);
  }
}

/** Gradients that wait, each with its parameter. */
type Aside = readonly { parameter: Tensor; grad: Tensor }[];

/** Puts gradients of 0 in the place of the present ones. */
function setAside(parameters: readonly Tensor[]): Aside {
  const aside: { parameter: Tensor; grad: Tensor }[] = [];
  for (const parameter of parameters) {
    const { grad, shape, backend } = parameter;
    if (!grad) continue;
    parameter.grad = keep(zeros(shape, 'f32', backend));
    aside.push({ parameter, grad });
  }
  return aside;
}

/** Adds the present gradients to those that waited, which are the present ones again. */
function takeBack(aside: Aside): void {
  for (const { parameter, grad: sum } of aside) {
    const { grad, backend } = parameter;
    if (grad) backend.kernels.add(sum.buffer, sum.buffer, grad.buffer);
    grad?.dispose();
    parameter.grad = sum;
  }
}
