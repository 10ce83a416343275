// Parameters, bytes and floating-point operations of a model, part by part. Counted, not measured.
import type { GPTConfig } from '../model/config.ts';
import { isQuantizable, nameAt, ownerOf, parseParameter, placeOf } from '../model/names.ts';
import { shapesOf } from '../model/shapes.ts';
import { DEFAULT_GROUP_SIZE, int4Bytes } from '../tensor/quantized.ts';
import { sizeOf } from '../tensor/tensor.ts';

/** A part of a model: a layer with its weights, or attention, which has none. */
export interface PartCost {
  /** `tokens`, `blocks.0.attn.qkv`, `blocks.0.attn.mix`, `norm`, `head`. */
  name: string;
  /** The block that contains it; null outside of blocks. */
  block: number | null;
  /** [out, in] of a matrix. */
  shape: readonly number[] | null;
  parameters: number;
  /**
   * Bytes of the parameters, if all are float32, if matrices are bfloat16, or if matrices are INT8 with a
   * float32 scale per row.
   */
  float32: number;
  bf16: number;
  int8: number;
  /** Bytes if matrices are INT4, with a bfloat16 scale per row and group of 64 columns. */
  int4: number;
  /** Floating-point operations per token: one pass forward, and training on it. See `modelCost`. */
  forward: number;
  training: number;
}

/** The quantities that can be added up over parts. */
export type CostTotals = Omit<PartCost, 'name' | 'block' | 'shape'>;

/**
 * The cost of every part, in the order of computation. Counts the operations of matrix products, as is usual
 * (Kaplan et al. 2020; Chowdhery et al. 2022, appendix B). A multiplication and an addition count as two.
 * - a matrix [out, in]: 2 * out * in per token. The token table is looked up, which costs nothing;
 * - attention over a full context of T tokens: 4 * T * nHead * headSize. Scores and values count in full,
 *   although half of them is masked;
 * - training: 3 times forward, since the gradients of inputs and of weights are one product each. Not
 *   counted: recomputation for the backward, norms, activations, softmax, dropout and the optimizer.
 *
 * A head that shares the token table (tied weights) has no parameters of its own.
 */
export function modelCost(config: GPTConfig): PartCost[] {
  const { blockSize: T, nHead, headSize, tieWeights, vocabSize, nEmbd } = config;
  const parts = new Map<string, PartCost>();
  for (const [name, shape] of shapesOf(config)) {
    const owner = ownerOf(name);
    const part = parts.get(owner) ?? emptyPart(owner);
    addWeight(part, name, shape);
    parts.set(owner, part);
    const { block, layer } = parseParameter(name);
    if (layer === 'attn.qkv') addAttention(parts, nameAt('attn.mix', block), 4 * T * nHead * headSize);
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
    parameters: sum('parameters'),
    float32: sum('float32'),
    bf16: sum('bf16'),
    int8: sum('int8'),
    int4: sum('int4'),
    forward: sum('forward'),
    training: sum('training'),
  };
}

function emptyPart(name: string): PartCost {
  return {
    name,
    block: placeOf(name).block,
    shape: null,
    parameters: 0,
    float32: 0,
    bf16: 0,
    int8: 0,
    int4: 0,
    forward: 0,
    training: 0,
  };
}

function addWeight(part: PartCost, name: string, shape: readonly number[]): void {
  const n = sizeOf(shape);
  const matrix = shape.length === 2;
  const { role } = parseParameter(name);
  const rounded = isQuantizable(name);
  part.parameters += n;
  part.float32 += 4 * n;
  part.bf16 += matrix ? 2 * n : 4 * n;
  part.int8 += rounded ? n + 4 * shape[0] : 4 * n;
  part.int4 += rounded ? sumOf(int4Bytes(shape, DEFAULT_GROUP_SIZE)) : 4 * n;
  if (!matrix) return;
  part.shape = shape;
  if (role === 'matrix' || role === 'head') Object.assign(part, operations(2 * n));
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
