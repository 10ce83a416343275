// The statistics of named values over one batch, as training probes compute them, for a model that is not
// being trained.
import { type Batch, sliceBatch } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { matchTaps } from '../model/taps.ts';
import { slots } from '../nn/parameters.ts';
import { crossEntropy } from '../tensor/ops.ts';
import { isQuantized } from '../tensor/quantized.ts';
import { scope } from '../tensor/scope.ts';
import { withGradients } from '../tensor/tape.ts';
import { tensor } from '../tensor/tensor.ts';
import { createProbe, type Measurement, type ProbeEvent } from './probe.ts';
import { probeTap } from './probe-tap.ts';

/** Sequences per pass. */
const SEQUENCES = 8;

/** The default of a probe: the outputs of the activations. */
export const ACTIVATION_TAPS: readonly string[] = ['blocks.*.mlp.act'];

/**
 * Values, gradients of the batch's mean loss, sparsity and unit activity of the taps that match `patterns`
 * (see `matchTaps`), without dropout. Dead units are counted over this one batch. An INT8 model has no
 * gradients: `gradient` is null. Frees the gradients of the parameters. The step of the event is 0.
 */
export async function measureTaps(
  model: GPT,
  batch: Batch,
  patterns: readonly string[] = ACTIVATION_TAPS,
): Promise<ProbeEvent> {
  const names = new Set(matchTaps(patterns, model.config));
  const weights = slots(model).map(({ value }) => value);
  const quantized = weights.some(isQuantized);
  const probe = createProbe({ activity: true });

  /** Runs one micro-batch forward and backward, and passes its statistics to `sink`. */
  async function pass(first: number, sink: (measurement: Measurement) => void): Promise<void> {
    const { ids, targets, B, T } = sliceBatch(batch, first, SEQUENCES);
    const tap = probeTap(probe, names, sink);
    const forward = () => model.forward(tensor(ids, [B, T], model.backend), { tap }); // [B, T, V]
    if (quantized) scope(() => void forward());
    else {
      const factor = 1 / (batch.B * batch.T);
      withGradients(() => void crossEntropy(forward(), tensor(targets, [B, T], model.backend), factor));
    }
    await tap.collect();
  }

  await pass(0, probe.calibrate); // determines the ranges of the histograms
  for (let first = 0; first < batch.B; first += SEQUENCES) await pass(first, probe.add);
  for (const weight of weights) {
    if (isQuantized(weight)) continue;
    weight.grad?.dispose();
    weight.grad = null;
  }
  return probe.finish(0);
}
