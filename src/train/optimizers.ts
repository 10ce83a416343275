// AdamW, SGD and Muon: what they keep per parameter, and which rule updates which. The arithmetic is in the kernels and in
// muon.ts. Read next: groups.ts.
import { keep } from '../tensor/scope.ts';
import { type Tensor, zeros } from '../tensor/tensor.ts';
import { decays, type GroupOptions, isHiddenMatrix, rateMultipliers, stackedParts } from './groups.ts';
import { muonStep } from './muon.ts';

export interface OptimizerOptions extends GroupOptions {
  /** `muon`: Muon for the matrices inside the blocks, AdamW for everything else. */
  optimizer: 'adamw' | 'sgd' | 'muon';
  /** Peak rate; of Muon's run that of AdamW. */
  lr: number;
  /** AdamW's averaging of gradients and squared gradients. */
  beta1: number;
  beta2: number;
  eps: number;
  /** SGD's. */
  momentum: number;
  /** Muon's peak rate; it follows the schedule as `lr` does. */
  muonLr: number;
  muonMomentum: number;
  /** Decoupled (AdamW, Muon: times the parameter's own rate), or L2 (SGD). */
  weightDecay: number;
}

/** One update rule over a model's parameters, and the moments that it carries from step to step. */
export interface Optimizer {
  /** Update number `t` = 1, 2, ... with learning rate `lr`; gradients are multiplied by `gradScale` first. */
  step(t: number, lr: number, gradScale: number): void;
  /** Sets all gradients to zero. */
  zeroGrad(): void;
  /** The moments by name (`blocks.0.mlp.fc.weight.m`), for checkpoints; shared, not copied. */
  state(): Map<string, Tensor>;
  dispose(): void;
}

/** What is done to a parameter that has a gradient. */
interface Rule {
  /** What it keeps beside the parameter, of the same shape. */
  moments: readonly string[];
  update(parameter: Tensor, moments: readonly Tensor[], call: UpdateCall): void;
}

interface UpdateCall {
  name: string;
  t: number;
  lr: number;
  weightDecay: number;
  gradScale: number;
}

/** The optimizer over named parameters. Moments start at zero. Throws when Muon is left with nothing to do. */
export function createOptimizer(
  parameters: ReadonlyMap<string, Tensor>,
  options: OptimizerOptions,
): Optimizer {
  const rules = rulesFor(parameters, options);
  const multipliers = rateMultipliers(parameters.keys(), options);
  const state = new Map<string, Tensor>();
  const momentsOf = new Map<string, Tensor[]>();
  for (const [name, { shape, backend }] of parameters) {
    const suffixes = (rules.get(name) as Rule).moments;
    const moments = suffixes.map(() => keep(zeros(shape, 'f32', backend)));
    for (const [i, suffix] of suffixes.entries()) state.set(`${name}.${suffix}`, moments[i]);
    momentsOf.set(name, moments);
  }
  return {
    step(t, lr, gradScale): void {
      for (const [name, parameter] of parameters) {
        if (!parameter.grad) continue;
        const weightDecay = decays(parameter, options.decay) ? options.weightDecay : 0;
        const call = { name, t, lr: lr * (multipliers.get(name) as number), weightDecay, gradScale };
        rules.get(name)?.update(parameter, momentsOf.get(name) as Tensor[], call);
      }
    },
    zeroGrad(): void {
      for (const { grad } of parameters.values()) if (grad) grad.backend.kernels.fill(grad.buffer, 0);
    },
    state: () => state,
    dispose(): void {
      for (const tensor of state.values()) tensor.dispose();
    },
  };
}

function rulesFor(parameters: ReadonlyMap<string, Tensor>, options: OptimizerOptions): Map<string, Rule> {
  const usual = options.optimizer === 'sgd' ? sgd(options) : adamw(options);
  const rules = new Map([...parameters.keys()].map((name) => [name, usual]));
  if (options.optimizer !== 'muon') return rules;
  const matrices = [...parameters].filter(([name, parameter]) => isHiddenMatrix(name, parameter));
  if (matrices.length === 0) {
    throw new Error(
      `optimizer 'muon' is for matrices inside blocks (blocks.N...), and none of the ${parameters.size} parameters is one: use 'adamw'`,
    );
  }
  const rule = muon(options);
  for (const [name] of matrices) rules.set(name, rule);
  return rules;
}

function adamw({ beta1, beta2, eps }: OptimizerOptions): Rule {
  return {
    moments: ['m', 'v'],
    update({ backend, buffer, grad }, [m, v], { lr, weightDecay, t, gradScale }) {
      const rule = { lr, beta1, beta2, eps, weightDecay, t, gradScale };
      backend.kernels.adamw(buffer, (grad as Tensor).buffer, m.buffer, v.buffer, rule);
    },
  };
}

function sgd({ momentum }: OptimizerOptions): Rule {
  return {
    moments: momentum > 0 ? ['velocity'] : [],
    update({ backend, buffer, grad }, [velocity], { lr, weightDecay, gradScale }) {
      const rule = { lr, momentum, weightDecay, gradScale };
      backend.kernels.sgd(buffer, (grad as Tensor).buffer, velocity?.buffer ?? null, rule);
    },
  };
}

function muon({ lr: peak, muonLr, muonMomentum: momentum }: OptimizerOptions): Rule {
  return {
    moments: ['velocity'],
    update(parameter, [velocity], { name, lr, weightDecay, gradScale }) {
      const parts = stackedParts(name);
      muonStep(parameter, velocity, { parts, lr: muonLr * (lr / peak), momentum, weightDecay, gradScale });
    },
  };
}
