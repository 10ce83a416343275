// AdamW, SGD and Muon: their state per parameter, and which rule updates which parameter. The arithmetic is
// in the kernels and in muon.ts. Read next: groups.ts.
import { parseParameter } from '../model/names.ts';
import { keep } from '../tensor/scope.ts';
import { type Tensor, zeros } from '../tensor/tensor.ts';
import { decays, type GroupOptions, isHiddenMatrix, rateMultipliers } from './groups.ts';
import { muonStep } from './muon.ts';

export interface OptimizerOptions extends GroupOptions {
  /** `muon`: Muon for the matrices inside the blocks, AdamW for everything else. */
  optimizer: 'adamw' | 'sgd' | 'muon';
  /** Peak learning rate of AdamW and SGD; with `muon`, of the parameters that AdamW updates. */
  lr: number;
  /** AdamW's decay rates of the averages of gradients and squared gradients. */
  beta1: number;
  beta2: number;
  eps: number;
  /** Momentum of SGD. */
  momentum: number;
  /** Peak learning rate of the matrices that Muon updates. */
  muonLr: number;
  muonMomentum: number;
  /** Weight decay: decoupled for AdamW and Muon (times the parameter's learning rate), L2 for SGD. */
  weightDecay: number;
}

/** An optimizer over a model's parameters, with the moments that it keeps between steps. */
export interface Optimizer {
  /**
   * Update number `t` = 1, 2, ... `share`, in [0, 1], multiplies every parameter's peak learning rate.
   * Gradients are multiplied by `gradScale` first.
   */
  step(t: number, share: number, gradScale: number): void;
  /** Sets all gradients to zero. */
  zeroGrad(): void;
  /** The moments by name (`blocks.0.mlp.fc.weight.m`), for checkpoints; shared, not copied. */
  state(): Map<string, Tensor>;
  dispose(): void;
}

/** The update of one parameter by its gradient. */
interface Rule {
  /** Peak learning rate, before the multiplier of the parameter. */
  peak: number;
  /** Its state besides the parameter, tensors of the same shape. */
  moments: readonly string[];
  update(parameter: Tensor, grad: Tensor, moments: readonly Tensor[], call: UpdateCall): void;
}

interface UpdateCall {
  t: number;
  lr: number;
  weightDecay: number;
  gradScale: number;
}

/** A parameter, its rule, and its state. */
interface Member {
  parameter: Tensor;
  rule: Rule;
  moments: readonly Tensor[];
  peak: number;
  weightDecay: number;
}

/**
 * The optimizer of named parameters. Moments start at zero. Throws when Muon would have no matrix to update.
 */
export function createOptimizer(
  parameters: ReadonlyMap<string, Tensor>,
  options: OptimizerOptions,
): Optimizer {
  const ruleOf = rulesFor(parameters, options);
  const multipliers = rateMultipliers(parameters.keys(), options);
  const state = new Map<string, Tensor>();
  const members: Member[] = [];
  for (const [name, parameter] of parameters) {
    const rule = ruleOf(name);
    const { shape, backend } = parameter;
    const moments = rule.moments.map(() => keep(zeros(shape, 'f32', backend)));
    for (const [i, suffix] of rule.moments.entries()) state.set(`${name}.${suffix}`, moments[i]);
    const peak = rule.peak * (multipliers.get(name) ?? 1);
    const weightDecay = decays(parameter, options.decay) ? options.weightDecay : 0;
    members.push({ parameter, rule, moments, peak, weightDecay });
  }
  return {
    step(t, share, gradScale): void {
      for (const { parameter, rule, moments, peak, weightDecay } of members) {
        const { grad } = parameter;
        if (grad) rule.update(parameter, grad, moments, { t, lr: peak * share, weightDecay, gradScale });
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

/** The rule of each parameter by its name. */
function rulesFor(
  parameters: ReadonlyMap<string, Tensor>,
  options: OptimizerOptions,
): (name: string) => Rule {
  const usual = options.optimizer === 'sgd' ? sgd(options) : adamw(options);
  if (options.optimizer !== 'muon') return () => usual;
  if (![...parameters.keys()].some(isHiddenMatrix)) {
    throw new Error(
      `optimizer 'muon' is for matrices inside blocks (blocks.N...), and none of the ${parameters.size} parameters is one: use 'adamw'`,
    );
  }
  return (name) => (isHiddenMatrix(name) ? muon(options, parseParameter(name).stacked) : usual);
}

function adamw({ lr: peak, beta1, beta2, eps }: OptimizerOptions): Rule {
  return {
    peak,
    moments: ['m', 'v'],
    update({ backend, buffer }, grad, [m, v], { lr, weightDecay, t, gradScale }) {
      const rule = { lr, beta1, beta2, eps, weightDecay, t, gradScale };
      backend.kernels.adamw(buffer, grad.buffer, m.buffer, v.buffer, rule);
    },
  };
}

function sgd({ lr: peak, momentum }: OptimizerOptions): Rule {
  return {
    peak,
    moments: momentum > 0 ? ['velocity'] : [],
    update({ backend, buffer }, grad, [velocity], { lr, weightDecay, gradScale }) {
      const rule = { lr, momentum, weightDecay, gradScale };
      backend.kernels.sgd(buffer, grad.buffer, velocity?.buffer ?? null, rule);
    },
  };
}

function muon({ muonLr: peak, muonMomentum: momentum }: OptimizerOptions, parts: number): Rule {
  return {
    peak,
    moments: ['velocity'],
    update(parameter, grad, [velocity], { lr, weightDecay, gradScale }) {
      muonStep(parameter, grad, velocity, { parts, lr, momentum, weightDecay, gradScale });
    },
  };
}
