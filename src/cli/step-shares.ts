// Where the time of a step goes on this machine, by kernel and by part of the model. Read next:
// kernel-times.ts.
import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import type { GPT } from '../model/gpt.ts';
import { parseParameter } from '../model/names.ts';
import { slots } from '../nn/parameters.ts';
import { Int4Tensor, Int8Tensor, isQuantized, type Weight } from '../tensor/quantized.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import { type KernelTime, timeKernels } from './kernel-times.ts';
import { trainingSteps } from './measure.ts';

/** The times of one step, longest first. */
export interface StepShares {
  /** `training step of 8 x 256 tokens`. */
  what: string;
  engine: string;
  /** Total of all kernels. JavaScript between them does not count. */
  seconds: number;
  kernels: Share[];
  /**
   * Times by part of the model, all blocks together: `attn.qkv`, forward and backward.
   */
  parts: Share[];
}

/** Number of calls and their time. */
export interface Share {
  name: string;
  calls: number;
  seconds: number;
}

/** Sequences per step; one for the reference engine. */
const SEQUENCES = 8;
/** Number of timed steps, after one for warming up. */
const STEPS = 3;

/**
 * Times a training step with AdamW; for a quantised model, one forward pass. Takes the fastest of a few, on
 * random tokens, with every kernel awaited. `load` puts the model on the given engine.
 */
export async function measureStep(
  load: (backend: Backend) => Promise<GPT>,
  engine: Backend,
): Promise<StepShares> {
  let part: (kernel: string, args: readonly unknown[]) => string = () => '';
  const { backend, take } = timeKernels(engine, (kernel, args) => [`${kernel} ${part(kernel, args)}`, 0]);
  const model = await load(backend);
  part = partsOf(model);
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
  return {
    what: `${quantized ? 'forward pass' : 'training step'} of ${B} x ${blockSize} tokens`,
    engine: engine.description,
    seconds: sum(best),
    kernels: sharesBy(best, (kind) => kind.split(' ')[0]),
    parts: sharesBy(best, (kind) => kind.slice(kind.indexOf(' ') + 1)),
  };
}

/** Times added up by kind, longest first. */
function sharesBy(times: ReadonlyMap<string, KernelTime>, nameOf: (kind: string) => string): Share[] {
  const shares = new Map<string, Share>();
  for (const [kind, { calls, seconds }] of times) {
    const name = nameOf(kind);
    const share = shares.get(name) ?? { name, calls: 0, seconds: 0 };
    shares.set(name, { name, calls: share.calls + calls, seconds: share.seconds + seconds });
  }
  return [...shares.values()].sort((a, b) => b.seconds - a.seconds);
}

/**
 * Kernels without weights and their part of the model. All others (sums, dropout) belong to the residual
 * stream.
 */
const WEIGHTLESS: readonly (readonly [kernels: RegExp, part: string])[] = [
  [/^(adamw|sgd|nesterov|normalize|sumSquares)/, 'optimizer'],
  [/^(attention|rope|qkNorm)/, 'attn.mix'],
  [/^activation/, 'mlp.act'],
  [/^shift/, 'token shift'],
  [/^(crossEntropy|softcap)/, 'loss'],
];

/**
 * The part of `model` that a call belongs to: by the weight or gradient among its arguments, or by its
 * kernel.
 */
function partsOf(model: GPT): (kernel: string, args: readonly unknown[]) => string {
  const weights = slots(model).map(({ name, value }) => {
    const { layer, role } = parseParameter(name);
    return { part: layer, role, buffers: () => buffersOf(value) };
  });
  return (kernel, args) => {
    const [, fixed] = WEIGHTLESS.find(([kernels]) => kernels.test(kernel)) ?? [];
    if (fixed) return fixed;
    const owner = weights.find(({ buffers }) => buffers().some((buffer) => args.includes(buffer)));
    // A tied head multiplies by the token table.
    if (owner?.role === 'embedding' && /^(matmul|linear)/.test(kernel)) return 'head';
    return owner?.part ?? 'residual stream';
  };
}

/** A weight and, if it exists, its gradient. */
function buffersOf(weight: Weight): DeviceBuffer[] {
  if (weight instanceof Int8Tensor) return [weight.values.buffer];
  if (weight instanceof Int4Tensor) return [weight.codes.buffer];
  return weight.grad ? [weight.buffer, weight.grad.buffer] : [weight.buffer];
}
