// Where the time of a step goes on this machine, kernel by kernel. Read next: kernel-times.ts.
import type { Backend } from '../backend/contract.ts';
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { isQuantized } from '../tensor/quantized.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import { type KernelTime, timeKernels } from './kernel-times.ts';
import { trainingSteps } from './measure.ts';

/** The kernels of one step, the longest first. */
export interface StepShares {
  /** `training step of 8 x 256 tokens`. */
  what: string;
  engine: string;
  /** Of all kernels; JavaScript between them is not counted. */
  seconds: number;
  kernels: { name: string; calls: number; seconds: number }[];
}

/** Sequences of a step; the plain engine gets one. */
const SEQUENCES = 8;
/** After one to warm up. */
const STEPS = 3;

/**
 * Times a training step with AdamW, or of an INT8 model, which cannot be trained, a forward pass: the quickest of a few, on random
 * tokens, every kernel waited for. `load` puts the model on the engine that it is given.
 */
export async function measureStep(
  load: (backend: Backend) => Promise<GPT>,
  engine: Backend,
): Promise<StepShares> {
  const { backend, take } = timeKernels(engine);
  const model = await load(backend);
  const { blockSize, vocabSize } = model.config;
  const B = engine.name === 'reference' ? 1 : SEQUENCES;
  const quantized = slots(model).some(({ value }) => isQuantized(value));
  const rounds: Map<string, KernelTime>[] = [];
  take();
  if (quantized) {
    const ids = Int32Array.from({ length: B * blockSize }, (_, i) => (i * 7919) % vocabSize);
    while (rounds.length <= STEPS) {
      scope(() => void model.forward(tensor(ids, [B, blockSize], backend)));
      rounds.push(take());
    }
  } else {
    for await (const _ of trainingSteps(model, { batchSize: B })) {
      if (rounds.push(take()) > STEPS) break;
    }
  }
  model.dispose();
  const sum = (round: Map<string, KernelTime>): number =>
    [...round.values()].reduce((n, { seconds }) => n + seconds, 0);
  const best = rounds.slice(1).reduce((a, b) => (sum(b) < sum(a) ? b : a));
  const kernels = [...best].map(([name, { calls, seconds }]) => ({ name, calls, seconds }));
  return {
    what: `${quantized ? 'forward pass' : 'training step'} of ${B} x ${blockSize} tokens`,
    engine: engine.description,
    seconds: sum(best),
    kernels: kernels.sort((a, b) => b.seconds - a.seconds),
  };
}
