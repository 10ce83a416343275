// INT4: the scale of a group, rounding to nearest, and packing codes into bytes. Read next: gptq.ts.
import { roundBf16 } from '../base/bf16.ts';
import { type Int4Format, Int4Tensor } from '../tensor/quantized.ts';
import { keep } from '../tensor/scope.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';

/** The group sizes, in columns. */
export const GROUP_SIZES: readonly number[] = [32, 64, 128];

/** The code of the value 0. */
export const ZERO = 8;

/**
 * An INT4 matrix [rows, cols] with unpacked codes: x[r, c] = (codes[r, c] - 8) * scale[floor(c / groupSize),
 * r].
 */
export interface Rounded {
  /** [rows, cols], 0 to 15. */
  codes: Uint8Array;
  /** [ceil(cols / groupSize), rows] */
  scale: Float32Array;
}

/**
 * The scale of a group: the weight of largest magnitude becomes the lowest code, -8 steps, so that all 16
 * values are used. Only values above 7.5 steps on the other side are cut off. The scale is negative if that
 * weight is positive. It is a bfloat16.
 */
export function scaleOf(group: ArrayLike<number>): number {
  let extreme = 0;
  for (let c = 0; c < group.length; c++) if (Math.abs(group[c]) > Math.abs(extreme)) extreme = group[c];
  return roundBf16(extreme / -ZERO);
}

/** The code whose value (code - 8) * scale is nearest to `x`. */
export function codeOf(x: number, scale: number): number {
  if (scale === 0) return ZERO;
  return Math.min(Math.max(Math.round(x / scale) + ZERO, 0), 15);
}

/** Rounds each weight of w [rows, cols] to the nearest of its group's 16 values. */
export function roundToNearest(w: Float32Array, [rows, cols]: readonly number[], groupSize: number): Rounded {
  const rounded = blank(rows, cols, groupSize);
  for (let r = 0; r < rows; r++) {
    for (let begin = 0; begin < cols; begin += groupSize) {
      const end = Math.min(begin + groupSize, cols);
      const scale = scaleOf(w.subarray(r * cols + begin, r * cols + end));
      rounded.scale[(begin / groupSize) * rows + r] = scale;
      for (let c = begin; c < end; c++) rounded.codes[r * cols + c] = codeOf(w[r * cols + c], scale);
    }
  }
  return rounded;
}

/** Codes and scales of a matrix, to be filled in. */
export function blank(rows: number, cols: number, groupSize: number): Rounded {
  return {
    codes: new Uint8Array(rows * cols),
    scale: new Float32Array(Math.ceil(cols / groupSize) * rows),
  };
}

/** The matrix that the codes stand for. */
export function dequantize(
  { codes, scale }: Rounded,
  [rows, cols]: readonly number[],
  groupSize: number,
): Float32Array {
  return Float32Array.from(codes, (code, i) => {
    const [r, c] = [Math.floor(i / cols), i % cols];
    return (code - ZERO) * scale[Math.floor(c / groupSize) * rows + r];
  });
}

/**
 * codes [rows, cols] -> [rows, ceil(cols / 2)]: two neighbours per byte, the left one in the low half.
 */
export function pack(codes: Uint8Array, [rows, cols]: readonly number[]): Int8Array {
  const rowBytes = Math.ceil(cols / 2);
  const packed = new Int8Array(rows * rowBytes);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) packed[r * rowBytes + (c >> 1)] |= codes[r * cols + c] << (4 * (c % 2));
  }
  return packed;
}

/** The inverse of `pack`. */
export function unpack(packed: Int8Array, [rows, cols]: readonly number[]): Uint8Array {
  const rowBytes = Math.ceil(cols / 2);
  return Uint8Array.from({ length: rows * cols }, (_, i) => {
    const [r, c] = [Math.floor(i / cols), i % cols];
    return (packed[r * rowBytes + (c >> 1)] >> (4 * (c % 2))) & 15;
  });
}

/** A weight with these codes and scales, in place of `weight`. It belongs to no scope. */
export function int4Tensor(weight: Tensor, { codes, scale }: Rounded, format: Int4Format): Int4Tensor {
  const { backend, shape } = weight;
  const [rows, cols] = shape;
  const packed = keep(tensor(pack(codes, shape), [rows, Math.ceil(cols / 2)], backend));
  const scales = keep(tensor(scale, [scale.length / rows, rows], backend));
  return new Int4Tensor(shape, packed, scales, format);
}
