// INT4 weights: neighbours in a row share a scale, group by group. Read next: int8.ts,
// ../../quantize/int4.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import { f32, i8, i32 } from './buffer.ts';
import { checkIds } from './embedding.ts';
import { quantizeRow } from './int8.ts';

/** x[r, c] = (code[r, c] - 8) * scale[floor(c / groupSize), r]. */
export const dequantizeInt4: Kernels['dequantizeInt4'] = (x, codes, scale, { rows, cols, groupSize }) => {
  const X = f32(x);
  const weight = int4(codes, scale, rows, cols, groupSize);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) X[r * cols + c] = weight(r, c);
  }
};

/**
 * out[i, j] = sum over p of x[i, p] weight[j, p] (+ bias[j]), i < m, j < n, p < k. `int8`: row i of x is
 * quantised first, x = xq * xs, and the sum over each group is a sum of integers.
 */
export const linearInt4: Kernels['linearInt4'] = (out, x, codes, scale, bias, shape) => {
  const { m, n, k, groupSize, activations } = shape;
  const O = f32(out);
  const X = f32(x);
  const weight = int4(codes, scale, n, k, groupSize);
  const shift = bias ? f32(bias) : null;
  const quantized = new Int8Array(k);
  for (let i = 0; i < m; i++) {
    let row: Float32Array | Int8Array = X.subarray(i * k, (i + 1) * k);
    let rowScale = 1;
    if (activations === 'int8') {
      rowScale = quantizeRow(quantized, X, i * k, k, 0);
      row = quantized;
    }
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += row[p] * weight(j, p);
      O[i * n + j] = rowScale * sum + (shift ? shift[j] : 0);
    }
  }
};

/** As `embedding`, from a table of four-bit codes. */
export const embeddingInt4: Kernels['embeddingInt4'] = (out, ids, codes, scale, positions, shape) => {
  const { B, T, C, start, groupSize } = shape;
  const V = Math.floor(codes.length / Math.ceil(C / 2));
  const O = f32(out);
  const I = i32(ids);
  const token = int4(codes, scale, V, C, groupSize);
  const P = positions ? f32(positions) : null;
  checkIds('embeddingInt4: ids', I, B * T, V);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let c = 0; c < C; c++) {
        O[(b * T + t) * C + c] = token(I[b * T + t], c) + (P ? P[(start + t) * C + c] : 0);
      }
    }
  }
};

/**
 * Element (r, c) of a matrix [rows, cols] of codes. The byte of columns c and c + 1 (c even) has c in its low
 * half.
 */
function int4(
  codes: DeviceBuffer,
  scale: DeviceBuffer,
  rows: number,
  cols: number,
  groupSize: number,
): (r: number, c: number) => number {
  const rowBytes = Math.ceil(cols / 2);
  const Q = i8(codes);
  const S = f32(scale);
  return (r, c) => {
    const pair = Q[r * rowBytes + (c >> 1)];
    const code = (c % 2 === 0 ? pair : pair >> 4) & 15;
    return (code - 8) * S[Math.floor(c / groupSize) * rows + r];
  };
}
