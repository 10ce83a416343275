// Ranks that train apart for many steps, and then meet: DiLoCo (Douillard et al. 2023, arXiv:2311.08105), for
// connections on which no sum per step would pay. Each rank steps by its own part of every batch; now and
// then the mean of how far they went is the gradient of an outer step. Read next: rank-sum.ts.
import { keep } from '../tensor/scope.ts';
import { type Tensor, zeros } from '../tensor/tensor.ts';
import type { Communicator } from './communicator.ts';
import { bytesOf, gather } from './communicator.ts';
import type { RankSum } from './rank-sum.ts';

/** The outer optimizer of the paper: SGD with Nesterov momentum. */
const OUTER_RATE = 0.7;
const OUTER_MOMENTUM = 0.9;

/** What ranks that train apart keep besides their models. */
export interface LocalSteps {
  /** The outer momentum by name (`blocks.0.mlp.fc.weight.outer`), for checkpoints; shared, not copied. */
  state(): Map<string, Tensor>;
  /** Takes the present parameters for those of the last meeting. */
  begin(): void;
  /**
   * Makes the outer step: afterwards all ranks have the same parameters and moments. Resolves to the largest
   * of the ranks' `nonFinite`. When it rejects, parameters and moments are undefined.
   */
  meet(nonFinite: number, signal?: AbortSignal): Promise<number>;
  dispose(): void;
}

/** A parameter, where it was at the last meeting, how far it went since, and the outer momentum. */
interface Member {
  parameter: Tensor;
  before: Tensor;
  moved: Tensor;
  velocity: Tensor;
}

/**
 * After a meeting all have the same state. The paper leaves the `moments` of the inner optimizer apart; here
 * they are averaged, too, so that a checkpoint has one of each, and not one per rank.
 */
export function createLocalSteps(
  parameters: ReadonlyMap<string, Tensor>,
  moments: readonly Tensor[],
  { ranks, sum }: { ranks: Communicator; sum: RankSum },
): LocalSteps {
  const fresh = ({ shape, backend }: Tensor): Tensor => keep(zeros(shape, 'f32', backend));
  const members = new Map<string, Member>();
  for (const [name, parameter] of parameters) {
    const [before, moved, velocity] = [fresh(parameter), fresh(parameter), fresh(parameter)];
    members.set(name, { parameter, before, moved, velocity });
  }
  const all = [...members.values()];
  return {
    state: () => new Map([...members].map(([name, { velocity }]) => [`${name}.outer`, velocity])),
    begin(): void {
      for (const { parameter, before } of all)
        parameter.backend.kernels.copy(before.buffer, parameter.buffer);
    },
    async meet(nonFinite, signal) {
      for (const { parameter, before, moved } of all) {
        const { kernels } = parameter.backend;
        kernels.copy(moved.buffer, before.buffer);
        kernels.axpy(moved.buffer, parameter.buffer, -1);
      }
      const counts = await gather(ranks, bytesOf(Int32Array.of(nonFinite)), signal);
      const shared = [...all.map(({ moved }) => moved), ...moments];
      await sum(shared, signal);
      // A power of two: the division is exact.
      for (const { buffer, backend } of shared) backend.kernels.scale(buffer, buffer, 1 / ranks.size);
      for (const member of all) outerStep(member);
      return Math.max(...counts.map((bytes) => new Int32Array(bytes.buffer, bytes.byteOffset, 1)[0]));
    },
    dispose(): void {
      for (const { before, moved, velocity } of all)
        for (const tensor of [before, moved, velocity]) tensor.dispose();
    },
  };
}

/** v = momentum v + g, w = w - rate (g + momentum v), with g = `moved`, from where the ranks last met. */
function outerStep({ parameter, before, moved, velocity }: Member): void {
  const { kernels } = parameter.backend;
  kernels.scale(velocity.buffer, velocity.buffer, OUTER_MOMENTUM);
  kernels.axpy(velocity.buffer, moved.buffer, 1);
  kernels.axpy(before.buffer, moved.buffer, -OUTER_RATE);
  kernels.axpy(before.buffer, velocity.buffer, -OUTER_RATE * OUTER_MOMENTUM);
  kernels.copy(parameter.buffer, before.buffer);
}

/** Whether ranks that train apart are together at this step: their weights are the same only then. */
export function areTogether(step: number, { localSteps }: { localSteps: number }): boolean {
  return localSteps === 0 || step % localSteps === 0;
}
