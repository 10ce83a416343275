// AdamW and SGD: what they keep per parameter, and which parameters decay. The arithmetic is in the kernels.
import { keep } from '../tensor/scope.ts';
import { type Tensor, zeros } from '../tensor/tensor.ts';

export interface OptimizerOptions {
  optimizer: 'adamw' | 'sgd';
  /** AdamW's averaging of gradients and squared gradients. */
  beta1: number;
  beta2: number;
  eps: number;
  /** SGD's. */
  momentum: number;
  weightDecay: number;
  /** What decays: every parameter (PyTorch's default, the seed's), or only matrices: no biases, no norms (GPT-2 and after). */
  decay: 'all' | 'matrices';
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

type Update = (name: string, parameter: Tensor, t: number, lr: number, gradScale: number) => void;

/** The optimizer over named parameters. Moments start at zero. */
export function createOptimizer(
  parameters: ReadonlyMap<string, Tensor>,
  options: OptimizerOptions,
): Optimizer {
  const state = new Map<string, Tensor>();
  const moment = (name: string, like: Tensor): void => {
    state.set(name, keep(zeros(like.shape, 'f32', like.backend)));
  };
  const suffixes = options.optimizer === 'adamw' ? ['m', 'v'] : options.momentum > 0 ? ['velocity'] : [];
  for (const [name, parameter] of parameters)
    for (const suffix of suffixes) moment(`${name}.${suffix}`, parameter);
  const update = options.optimizer === 'adamw' ? adamw(state, options) : sgd(state, options);
  return {
    step(t, lr, gradScale): void {
      for (const [name, parameter] of parameters) update(name, parameter, t, lr, gradScale);
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

function adamw(state: ReadonlyMap<string, Tensor>, options: OptimizerOptions): Update {
  const { beta1, beta2, eps } = options;
  return (name, parameter, t, lr, gradScale) => {
    if (!parameter.grad) return;
    const m = state.get(`${name}.m`) as Tensor;
    const v = state.get(`${name}.v`) as Tensor;
    const rule = { lr, beta1, beta2, eps, weightDecay: decayOf(parameter, options), t, gradScale };
    parameter.backend.kernels.adamw(parameter.buffer, parameter.grad.buffer, m.buffer, v.buffer, rule);
  };
}

function sgd(state: ReadonlyMap<string, Tensor>, options: OptimizerOptions): Update {
  const { momentum } = options;
  return (name, parameter, _t, lr, gradScale) => {
    if (!parameter.grad) return;
    const velocity = state.get(`${name}.velocity`)?.buffer ?? null;
    const rule = { lr, momentum, weightDecay: decayOf(parameter, options), gradScale };
    parameter.backend.kernels.sgd(parameter.buffer, parameter.grad.buffer, velocity, rule);
  };
}

function decayOf(parameter: Tensor, { decay, weightDecay }: OptimizerOptions): number {
  return decay === 'all' || parameter.shape.length >= 2 ? weightDecay : 0;
}
