// The bytes of a model by kind of parameter.
import { BYTES_PER_ELEMENT } from '../backend/pool.ts';
import type { GPT } from '../model/gpt.ts';
import { parseParameter, type Role } from '../model/names.ts';
import { slots } from '../nn/parameters.ts';
import { Int4Tensor, Int8Tensor, int4Bytes } from '../tensor/quantized.ts';
import { sizeOf } from '../tensor/tensor.ts';

/**
 * `linear`: matrices of the blocks. `embeddings`: tokens and positions, including a head that shares the
 * token table.
 */
export type ParameterKind = 'linear' | 'embeddings' | 'head' | 'biases and norms' | 'scales';

export const parameterKinds: readonly ParameterKind[] = [
  'linear',
  'embeddings',
  'head',
  'biases and norms',
  'scales',
];

/** Bytes by storage type. */
export interface Bytes {
  float32: number;
  bfloat16: number;
  int8: number;
  int4: number;
}

/** The storage types, widest first. */
export const storages: readonly (keyof Bytes)[] = ['float32', 'bfloat16', 'int8', 'int4'];

/**
 * Bytes of the parameters of `model` by kind; no other buffers count. Scales of INT4 count as in files
 * (bfloat16).
 */
export function parameterBytes(model: GPT): Record<ParameterKind, Bytes> {
  const bytes = Object.fromEntries(parameterKinds.map((kind) => [kind, { ...nothing }])) as Record<
    ParameterKind,
    Bytes
  >;
  for (const { name, value } of slots(model)) {
    const kind = KINDS[parseParameter(name).role];
    if (value instanceof Int4Tensor) {
      const { codes, scale } = int4Bytes(value.shape, value.groupSize);
      bytes[kind].int4 += codes;
      bytes.scales.bfloat16 += scale;
    } else if (value instanceof Int8Tensor) {
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
  return Object.values(bytes).reduce((sum, kind) => sum + storages.reduce((n, s) => n + kind[s], 0), 0);
}

const nothing: Bytes = { float32: 0, bfloat16: 0, int8: 0, int4: 0 };

const KINDS: Readonly<Record<Role, ParameterKind>> = {
  embedding: 'embeddings',
  positions: 'embeddings',
  matrix: 'linear',
  head: 'head',
  norm: 'biases and norms',
  mix: 'biases and norms',
  bias: 'biases and norms',
};
