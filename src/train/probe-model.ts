// The statistics of a model's MLP activations over one batch, as training probes them, for a model that is not being trained.
import { createProbe, type Measurement } from '../inspect/probe.ts';
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { crossEntropy } from '../tensor/ops.ts';
import { QuantizedTensor } from '../tensor/quantized.ts';
import { scope } from '../tensor/scope.ts';
import { withGradients } from '../tensor/tape.ts';
import { tensor } from '../tensor/tensor.ts';
import { type Batch, sliceBatch } from './data.ts';
import type { ProbeEvent } from './events.ts';
import { probeTap } from './probe-tap.ts';

/** Sequences per pass. */
const SEQUENCES = 8;

/**
 * Values, gradients of the batch's mean loss, sparsity and dead units of every block's activation, without dropout. The batch
 * is the window over which dead units are counted. An INT8 model has no gradients: `gradient` is null. The parameters' own
 * gradients are freed. The event's step is 0.
 */
export async function probeModel(model: GPT, batch: Batch): Promise<ProbeEvent> {
  const weights = slots(model).map(({ value }) => value);
  const quantized = weights.some((weight) => weight instanceof QuantizedTensor);
  const probe = createProbe();

  /** Runs one micro-batch, forward and backward, and hands its statistics to `sink`. */
  async function pass(first: number, sink: (measurement: Measurement) => void): Promise<void> {
    const { ids, targets, B, T } = sliceBatch(batch, first, SEQUENCES);
    const tap = probeTap(probe, sink);
    const forward = () => model.forward(tensor(ids, [B, T], model.backend), { tap }); // [B, T, V]
    if (quantized) scope(() => void forward());
    else {
      const factor = 1 / (batch.B * batch.T);
      withGradients(() => void crossEntropy(forward(), tensor(targets, [B, T], model.backend), factor));
    }
    await tap.collect(B * T);
  }

  await pass(0, probe.calibrate); // finds out where the histograms should reach
  for (let first = 0; first < batch.B; first += SEQUENCES) await pass(first, probe.add);
  for (const weight of weights) {
    if (weight instanceof QuantizedTensor) continue;
    weight.grad?.dispose();
    weight.grad = null;
  }
  return probe.finish(0);
}
