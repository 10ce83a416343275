// Where a model's bytes are, by kind of parameter.
import { BYTES_PER_ELEMENT } from '../backend/pool.ts';
import type { GPT } from '../model/gpt.ts';
import { slots } from '../nn/parameters.ts';
import { QuantizedTensor } from '../tensor/quantized.ts';
import { sizeOf } from '../tensor/tensor.ts';

/** `linear`: matrices of the blocks. `embeddings`: tokens and positions. A head that shares the token table counts there. */
export type ParameterKind = 'linear' | 'embeddings' | 'head' | 'biases and norms' | 'scales';

export const parameterKinds: readonly ParameterKind[] = [
  ...(['linear', 'embeddings', 'head', 'biases and norms', 'scales'] as const),
];

/** Bytes by storage. */
export interface Bytes {
  float32: number;
  int8: number;
}

/** Bytes of the parameters of `model` by kind; no other buffers count. Scales are those of INT8 weights. */
export function parameterBytes(model: GPT): Record<ParameterKind, Bytes> {
  const bytes = Object.fromEntries(parameterKinds.map((kind) => [kind, { float32: 0, int8: 0 }])) as Record<
    ParameterKind,
    Bytes
  >;
  for (const { name, value } of slots(model)) {
    const kind = kindOf(name, value.shape);
    if (value instanceof QuantizedTensor) {
      bytes[kind].int8 += sizeOf(value.shape) * BYTES_PER_ELEMENT.i8;
      bytes.scales.float32 += value.scale.size * BYTES_PER_ELEMENT.f32;
    } else {
      bytes[kind].float32 += value.size * BYTES_PER_ELEMENT.f32;
    }
  }
  return bytes;
}

/** Of all kinds together. */
export function totalBytes(bytes: Record<ParameterKind, Bytes>): number {
  return Object.values(bytes).reduce((sum, { float32, int8 }) => sum + float32 + int8, 0);
}

function kindOf(name: string, shape: readonly number[]): ParameterKind {
  if (shape.length < 2) return 'biases and norms';
  if (name === 'tokens.weight' || name === 'positions.weight') return 'embeddings';
  return name === 'head.weight' ? 'head' : 'linear';
}
