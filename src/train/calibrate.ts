// How sure a model should be: the temperature by which its logits predict a text best. Read next:
// evaluate.ts.
import type { Tokens } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { logitScales, refuseCap, scaleLogits } from '../model/logits.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';

/** What a temperature would do for a model on a text. */
export interface Calibration {
  /** The logits should be divided by this, to 1 %; above 1 where the model is too sure. */
  temperature: number;
  /** Mean nats per token then. */
  loss: number;
}

/** The temperatures among which one is sought, as logarithms; those that `logitTemperature` may have. */
const RANGE = Math.log(10);

/** The golden section, (sqrt(5) - 1) / 2. */
const SECTION = 0.618;

/** About how many evaluations a calibration takes. */
export const EVALUATIONS = 15;

/**
 * The temperature T that makes the loss of `model` on `ids` least, from 0.1 to 10 (temperature scaling: Guo
 * et al. 2017). The loss is convex in 1 / T, so it has one minimum, which a golden-section search over log T
 * finds (Kiefer 1953). The model is as before afterwards. Choose T on a text that neither trained the model
 * nor is to judge it. Throws as `evaluate`, for a model with a logit cap, and when a loss is not finite.
 */
export async function calibrate(
  model: GPT,
  ids: Tokens,
  options: EvaluateOptions = {},
): Promise<Calibration> {
  refuseCap(model.config, 'a calibration');
  const before = await Promise.all(
    logitScales(model).map(async (parameter) => ({ parameter, values: await parameter.data() })),
  );
  const lossAt = async (logT: number): Promise<{ logT: number; loss: number }> => {
    scaleLogits(model, Math.exp(-logT));
    try {
      const { loss } = await evaluate(model, ids, options);
      if (Number.isFinite(loss)) return { logT, loss };
      throw new Error(`the loss is ${loss} at temperature ${Math.exp(logT)}: the model is damaged`);
    } finally {
      for (const { parameter, values } of before) parameter.write(values);
    }
  };
  let [low, high] = [-RANGE, RANGE];
  let [left, right] = [
    await lossAt(high - SECTION * (high - low)),
    await lossAt(low + SECTION * (high - low)),
  ];
  while (high - low > 0.01) {
    if (left.loss <= right.loss) {
      [high, right] = [right.logT, left];
      left = await lossAt(high - SECTION * (high - low));
    } else {
      [low, left] = [left.logT, right];
      right = await lossAt(low + SECTION * (high - low));
    }
  }
  const { logT, loss } = left.loss <= right.loss ? left : right;
  return { temperature: Math.exp(logT), loss };
}
