// An exponential moving average of the weights, which is evaluated, sampled and saved instead of them. Read
// next: train.ts.
import { GPT } from '../model/gpt.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A model that holds the average of another model's weights during its training. */
export interface Average {
  model: GPT;
  /** Adds the weights after update number `t` = 1, 2, ... */
  update(t: number): void;
  /** Writes the averages into the trained model. */
  apply(): void;
}

/**
 * The average of `model`'s weights w (Polyak & Juditsky 1992, with forgetting): e_0 = w_0, e_t = d e_(t-1) +
 * (1 - d) w_t with d = `averageDecay(t, decay)`. It has its own memory: dispose of the `model` in the result.
 */
export function createAverage(model: GPT, decay: number): Average {
  const { backend } = model;
  const { kernels } = backend;
  const average = new GPT(model.config, { backend, init: 'blank' });
  average.startToken = model.startToken;
  const averages = namedParameters(average);
  const pairs = [...namedParameters(model)].map(([name, weight]) => ({
    weight: weight.buffer,
    mean: (averages.get(name) as Tensor).buffer,
  }));
  for (const { weight, mean } of pairs) kernels.copy(mean, weight);
  return {
    model: average,
    update(t): void {
      const d = averageDecay(t, decay);
      for (const { weight, mean } of pairs) {
        kernels.scale(mean, mean, d);
        kernels.axpy(mean, weight, 1 - d);
      }
    },
    apply(): void {
      for (const { weight, mean } of pairs) kernels.copy(weight, mean);
    },
  };
}

/**
 * min(decay, (1 + t) / (10 + t)), as in TensorFlow's `ExponentialMovingAverage`. Early averages cover about
 * the last ninth of the steps, so that the initial weights are soon forgotten.
 */
export function averageDecay(t: number, decay: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}
