// The definition of bfloat16 products: the inputs of a product are rounded, and nothing else. Used by
// matmul.ts and attention.ts.
import { roundBf16 } from '../../base/bf16.ts';
import type { Precision } from '../contract.ts';

/** Rounds one number before it is multiplied. */
export function rounding(precision: Precision): (x: number) => number {
  return precision === 'bf16' ? roundBf16 : (x) => x;
}

/** The array itself, or with `bf16` a rounded copy. */
export function inPrecision(precision: Precision, x: Float32Array): Float32Array {
  return precision === 'bf16' ? x.map(roundBf16) : x;
}
