// AdamW, SGD and Muon: what they keep per parameter, and which rule updates which. The arithmetic is in the
// kernels and in muon.ts. Read next: groups.ts.
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
  /** AdamW's averaging of gradients and squared gradients. */
  beta1: number;
  beta2: number;
  eps: number;
  /** SGD's. */
  momentum: number;
  /** Peak learning rate of the matrices that Muon updates. */
  muonLr: number;
  muonMomentum: number;
  /** Decoupled (AdamW, Muon: times the parameter's own rate), or L2 (SGD). */
  weightDecay: number;
}

/** One update rule over a model's parameters, and the moments that it carries from step to step. */
export interface Optimizer {
  /**
   * Update number `t` = 1, 2, ... with `share` of every parameter's peak rate, in [0, 1]; gradients are
   * multiplied by `gradScale` first.
   */
  step(t: number, share: number, gradScale: number): void;
  /** Sets all gradients to zero. */
  zeroGrad(): void;
  /** The moments by name (`blocks.0.mlp.fc.weight.m`), for checkpoints; shared, not copied. */
  state(): Map<string, Tensor>;
  dispose(): void;
}

/** What is done to a parameter that has a gradient. */
interface Rule {
  /** Peak learning rate, before the multiplier of the parameter's layer. */
  peak: number;
  /** What it keeps beside the parameter, of the same shape. */
  moments: readonly string[];
  update(parameter: Tensor, grad: Tensor, moments: readonly Tensor[], call: UpdateCall): void;
}

interface UpdateCall {
  t: number;
  lr: number;
  weightDecay: number;
  gradScale: number;
}

/** A parameter, its rule, and what it has of its own. */
interface Member {
  parameter: Tensor;
  rule: Rule;
  moments: readonly Tensor[];
  peak: number;
  weightDecay: number;
}

/**
 * The optimizer over named parameters. Moments start at zero. Throws when Muon is left with nothing to do.
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
