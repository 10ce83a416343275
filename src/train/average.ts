// The model that is evaluated, sampled and saved instead of the one that is trained: a moving average of its
// weights, whose logits may be divided by a temperature. Read next: train.ts.
import { GPT } from '../model/gpt.ts';
import { isLogitScale } from '../model/names.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { TrainSettings } from './settings.ts';

/** A model that holds the average of another model's weights during its training. */
export interface Average {
  /** Its memory; `fresh` has the values. */
  model: GPT;
  /** Adds the weights after update number `t` = 1, 2, ... */
  update(t: number): void;
  /** The model as after the last update. */
  fresh(): GPT;
  /** Writes it into the trained model. */
  apply(): void;
}

/**
 * The average of `model`'s weights w (Polyak & Juditsky 1992, with forgetting): e_0 = w_0, e_t = d e_(t-1) +
 * (1 - d) w_t with d = `averageDecay(t, emaDecay)`, and its logits divided by `logitTemperature`. It has its
 * own memory: dispose of the `model` in the result. Null where both settings are without effect.
 */
export function createAverage(
  model: GPT,
  { emaDecay, logitTemperature }: Pick<TrainSettings, 'emaDecay' | 'logitTemperature'>,
): Average | null {
  if (emaDecay === 0 && logitTemperature === 1) return null;
  const { backend } = model;
  const { kernels } = backend;
  const average = new GPT(model.config, { backend, init: 'blank' });
  average.startToken = model.startToken;
  const averages = namedParameters(average);
  const pairs = [...namedParameters(model)].map(([name, weight]) => ({
    weight: weight.buffer,
    mean: (averages.get(name) as Tensor).buffer,
    factor: isLogitScale(name) ? 1 / logitTemperature : 1,
  }));
  // Without a decay only the last weights count: they are copied when somebody looks.
  let copied = false;
  const fresh = (): GPT => {
    if (!copied) for (const { weight, mean, factor } of pairs) kernels.scale(mean, weight, factor);
    copied = true;
    return average;
  };
  fresh();
  return {
    model: average,
    fresh,
    update(t): void {
      const d = averageDecay(t, emaDecay);
      if (d === 0) {
        copied = false;
        return;
      }
      for (const { weight, mean, factor } of pairs) {
        kernels.scale(mean, mean, d);
        kernels.axpy(mean, weight, (1 - d) * factor);
      }
    },
    apply(): void {
      fresh();
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
