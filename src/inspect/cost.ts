// Where the numbers, the bytes and the floating-point operations of a model are, part by part. Counted, not measured.
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { DEFAULT_GROUP_SIZE, int4Bytes } from '../tensor/quantized.ts';
import { sizeOf } from '../tensor/tensor.ts';

/** A part of a model: a layer with its weights, or attention, which has none. */
export interface PartCost {
  /** `tokens`, `blocks.0.attn.qkv`, `blocks.0.attn.mix`, `norm`, `head`. */
  name: string;
  /** The block that it is in; null outside of them. */
  block: number | null;
  /** [out, in] of a matrix. */
  shape: readonly number[] | null;
  parameters: number;
  /** Bytes of the parameters if they are all float32, if matrices are bfloat16, if matrices are INT8 with a float32 scale per row. */
  float32: number;
  bf16: number;
  int8: number;
  /** If they are INT4, with a bfloat16 scale per row and group of 64 columns. */
  int4: number;
  /** Floating-point operations per token: one pass forward, and training on it. See `modelCost`. */
  forward: number;
  training: number;
}

/** What can be added up over parts. */
export type CostTotals = Omit<PartCost, 'name' | 'block' | 'shape'>;

/**
 * The cost of every part, in the order of computation. Operations are those of matrix products, as is usual (Kaplan et al. 2020; Chowdhery et
 * al. 2022, appendix B), a multiplication and an addition counting as two:
 *
 * - a matrix [out, in]: 2 * out * in per token; the token table is looked up, which costs none;
 * - attention over a whole context of T tokens: 4 * T * nHead * headSize, scores and values in full although half is masked;
 * - training: 3 times forward, since the gradients of inputs and of weights are a product each. What is computed again for the
 *   backward is not counted, neither are norms, activations, softmax, dropout and the optimizer.
 *
 * A head that shares the token table has no parameters of its own.
 */
export function modelCost(model: GPT): PartCost[] {
  const { blockSize: T, nHead, headSize, tieWeights, vocabSize, nEmbd } = model.config;
  const parts = new Map<string, PartCost>();
  for (const { name, value } of slots(model)) {
    const owner = name.slice(0, name.lastIndexOf('.'));
    const part = parts.get(owner) ?? emptyPart(owner);
    addWeight(part, value.shape);
    parts.set(owner, part);
    if (owner.endsWith('.attn.qkv'))
      addAttention(parts, owner.replace('.qkv', '.mix'), 4 * T * nHead * headSize);
  }
  if (tieWeights) {
    const head = parts.get('head') ?? emptyPart('head');
    parts.delete('head');
    parts.set('head', { ...head, shape: [vocabSize, nEmbd], ...operations(2 * vocabSize * nEmbd) });
  }
  return [...parts.values()];
}

/** The sum of parts. */
export function totalCost(parts: readonly CostTotals[]): CostTotals {
  const sum = (field: keyof CostTotals): number => parts.reduce((n, part) => n + part[field], 0);
  return {
    ...{
      parameters: sum('parameters'),
      float32: sum('float32'),
      bf16: sum('bf16'),
      int8: sum('int8'),
      int4: sum('int4'),
    },
    ...{ forward: sum('forward'), training: sum('training') },
  };
}

function emptyPart(name: string): PartCost {
  const block = name.match(/^blocks\.(\d+)\./)?.[1];
  return {
    ...{ name, block: block === undefined ? null : Number(block), shape: null },
    ...{ parameters: 0, float32: 0, bf16: 0, int8: 0, int4: 0, forward: 0, training: 0 },
  };
}

function addWeight(part: PartCost, shape: readonly number[]): void {
  const n = sizeOf(shape);
  const matrix = shape.length === 2;
  const table = part.name === 'tokens' || part.name === 'positions';
  part.parameters += n;
  part.float32 += 4 * n;
  part.bf16 += matrix ? 2 * n : 4 * n;
  // Positions are not multiplied, only added, and stay float (quantize/quantize.ts).
  const rounded = matrix && part.name !== 'positions';
  part.int8 += rounded ? n + 4 * shape[0] : 4 * n;
  part.int4 += rounded ? sumOf(int4Bytes(shape, DEFAULT_GROUP_SIZE)) : 4 * n;
  if (!matrix) return;
  part.shape = shape;
  if (!table) Object.assign(part, operations(2 * n));
}

function sumOf({ codes, scale }: ReturnType<typeof int4Bytes>): number {
  return codes + scale;
}

function addAttention(parts: Map<string, PartCost>, name: string, forward: number): void {
  if (!parts.has(name)) parts.set(name, { ...emptyPart(name), ...operations(forward) });
}

function operations(forward: number): Pick<PartCost, 'forward' | 'training'> {
  return { forward, training: 3 * forward };
}
