// How the parts of a model learn: norms of the weights, gradients and updates of each group of parameters in
// one step.
import { median } from '../base/statistics.ts';
import { parseParameter } from '../model/names.ts';
import { keep } from '../tensor/scope.ts';
import { empty, type Tensor, zeros } from '../tensor/tensor.ts';

/** A group of parameters in one step of the optimizer. */
export interface GroupSummary {
  /** `embedding`, `blocks.0.attn`, `blocks.0.mlp`, `blocks.0.norms`, ..., `norm`, `head`. */
  name: string;
  /** Number of weights in its parameters. */
  parameters: number;
  /** L2 norm of the weights before the update. */
  weightNorm: number;
  /** L2 norm of the gradient, before clipping. */
  gradNorm: number;
  /** |update| / |weights|, L2; about 1e-3 is usual in the middle of a run. Null where nothing was updated. */
  updateRatio: number | null;
}

/**
 * The groups over several probes: medians of gradNorm and updateRatio; other fields from the last probe.
 * Medians say more than the last probe, in which the schedule may have brought the learning rate to 0. Probes
 * without groups are skipped; empty when there are no others.
 */
export function typicalGroups(looks: readonly { groups?: readonly GroupSummary[] }[]): GroupSummary[] {
  const all = looks.flatMap(({ groups = [] }) => groups);
  const last = looks.findLast(({ groups }) => groups)?.groups ?? [];
  return last.map((group) => {
    const same = all.filter(({ name }) => name === group.name);
    const ratios = same.flatMap(({ updateRatio }) => updateRatio ?? []);
    return {
      ...group,
      gradNorm: median(same.map(({ gradNorm }) => gradNorm)),
      updateRatio: ratios.length > 0 ? median(ratios) : null,
    };
  });
}

type Members = [name: string, parameter: Tensor][];

function grouped(parameters: ReadonlyMap<string, Tensor>): Map<string, Members> {
  const groups = new Map<string, Members>();
  for (const member of parameters) {
    const name = parseParameter(member[0]).group;
    groups.set(name, [...(groups.get(name) ?? []), member]);
  }
  return groups;
}

/** See `meterGroups`. */
export interface GroupMeter {
  /** Computes the norms. Call it once, after the update. Frees what the meter holds. */
  finish(): Promise<GroupSummary[]>;
}

/** What is summed of each group, in this order. */
const NUMBERS = ['weight', 'gradient', 'update'] as const;

/**
 * Measures the groups of `parameters`, in their order. Call it when the gradients are complete and the
 * weights are not yet updated, and call `finish` after the update. All sums are computed on the engine; three
 * numbers per group are read back. Changes nothing.
 */
export function meterGroups(parameters: ReadonlyMap<string, Tensor>): GroupMeter {
  const groups = grouped(parameters);
  const [{ backend }] = parameters.values();
  const { kernels } = backend;
  const sums = keep(zeros([groups.size * NUMBERS.length], 'f32', backend));
  const sum = keep(empty([1], 'f32', backend));
  const put = (group: number, number: (typeof NUMBERS)[number], tensors: readonly Tensor[]): void => {
    kernels.fill(sum.buffer, 0);
    for (const { buffer } of tensors) kernels.sumSquares(sum.buffer, buffer, true);
    kernels.copy(sums.buffer, sum.buffer, group * NUMBERS.length + NUMBERS.indexOf(number), 0, 1);
  };
  const before = new Map<string, Tensor>();
  for (const [name, parameter] of parameters) {
    const copy = keep(empty(parameter.shape, 'f32', backend));
    kernels.copy(copy.buffer, parameter.buffer);
    before.set(name, copy);
  }
  [...groups.values()].forEach((members, group) => {
    put(
      group,
      'weight',
      members.map(([, parameter]) => parameter),
    );
    put(
      group,
      'gradient',
      members.flatMap(([, { grad }]) => grad ?? []),
    );
  });

  return {
    async finish(): Promise<GroupSummary[]> {
      [...groups.values()].forEach((members, group) => {
        const updates = members.map(([name, parameter]) => {
          const update = before.get(name) as Tensor;
          kernels.axpy(update.buffer, parameter.buffer, -1); // before - after
          return update;
        });
        put(group, 'update', updates);
      });
      const squares = await sums.data();
      for (const tensor of [sums, sum, ...before.values()]) tensor.dispose();
      return [...groups].map(([name, members], group) => {
        const [weightNorm, gradNorm, updateNorm] = squares
          .subarray(group * NUMBERS.length, (group + 1) * NUMBERS.length)
          .map(Math.sqrt);
        const numbers = members.reduce((n, [, parameter]) => n + parameter.size, 0);
        const updateRatio = weightNorm > 0 ? updateNorm / weightNorm : null;
        return { name, parameters: numbers, weightNorm, gradNorm, updateRatio };
      });
    },
  };
}
