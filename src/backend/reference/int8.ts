// INT8 weights: a row of numbers becomes integers from -127 to 127 and one scale. The path of the kernels
// ends here. Read next: ../native, or back to ../../model/gpt.ts.
import type { Kernels } from '../contract.ts';
import { f32, i8, i32 } from './buffer.ts';
import { checkIds } from './embedding.ts';

/** No number that an engine may flush to zero (below 2^-126) is half a step of this scale. */
const SMALLEST_SCALE = 2 ** -125;

/**
 * Symmetric, per row: scale[r] = max |x[r, :]| / 127, q = round half to even (x / scale). Where scale[r]
 * would be below 2^-125, row and scale are 0.
 */
export const quantizeRows: Kernels['quantizeRows'] = (q, scale, x, rows, cols) => {
  const Q = i8(q);
  const S = f32(scale);
  const X = f32(x);
  for (let r = 0; r < rows; r++) S[r] = quantizeRow(Q, X, r * cols, cols, r * cols);
};

/** x[r, c] = q[r, c] * scale[r]. */
export const dequantizeRows: Kernels['dequantizeRows'] = (x, q, scale, rows, cols) => {
  const X = f32(x);
  const Q = i8(q);
  const S = f32(scale);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) X[r * cols + c] = Q[r * cols + c] * S[r];
  }
};

/**
 * out[i, j] = scale[j] * sum over p of x[i, p] weight[j, p] (+ bias[j]), i < m, j < n, p < k.
 * `int8`: row i of x is quantised first (x = xq * xs), and the sum is a sum of integers: out[i, j] = xs *
 * scale[j] * sum over p of xq[p] weight[j, p] (+ bias[j]).
 */
export const linearInt8: Kernels['linearInt8'] = (out, x, weight, scale, bias, shape) => {
  const { m, n, k, activations } = shape;
  const O = f32(out);
  const X = f32(x);
  const W = i8(weight);
  const S = f32(scale);
  const start = bias ? f32(bias) : null;
  const quantized = new Int8Array(k);
  for (let i = 0; i < m; i++) {
    let row: Float32Array | Int8Array = X.subarray(i * k, (i + 1) * k);
    let rowScale = 1;
    if (activations === 'int8') {
      rowScale = quantizeRow(quantized, X, i * k, k, 0);
      row = quantized;
    }
    for (let j = 0; j < n; j++) {
      O[i * n + j] = rowScale * S[j] * dot(row, W, j * k, k) + (start ? start[j] : 0);
    }
  }
};

/**
 * As `embedding`, from a table of bytes: out[b, t, :] = tokens[id, :] * scale[id] + positions[start + t, :].
 */
export const embeddingInt8: Kernels['embeddingInt8'] = (out, ids, tokens, scale, positions, shape) => {
  const { B, T, C, start } = shape;
  const O = f32(out);
  const I = i32(ids);
  const E = i8(tokens);
  const V = Math.floor(tokens.length / C);
  const S = f32(scale);
  const P = positions ? f32(positions) : null;
  checkIds('embeddingInt8: ids', I, B * T, V);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const id = I[b * T + t];
      for (let c = 0; c < C; c++) {
        O[(b * T + t) * C + c] = E[id * C + c] * S[id] + (P ? P[(start + t) * C + c] : 0);
      }
    }
  }
};

/**
 * Quantises X[at .. at + cols) into Q[to ..) and returns the scale. Divides and rounds in float32 like every
 * engine, so that all of them give the same bytes.
 */
export function quantizeRow(Q: Int8Array, X: Float32Array, at: number, cols: number, to: number): number {
  let max = 0;
  for (let c = 0; c < cols; c++) max = Math.max(max, Math.abs(X[at + c]));
  const quotient = Math.fround(max / 127);
  const scale = quotient < SMALLEST_SCALE ? 0 : quotient;
  for (let c = 0; c < cols; c++) {
    const steps = scale === 0 ? 0 : roundHalfToEven(Math.fround(X[at + c] / scale));
    Q[to + c] = Math.min(Math.max(steps, -127), 127);
  }
  return scale;
}

/** The nearest whole number, ties to even. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Sum over p < k of row[p] * W[at + p]. */
function dot(row: Float32Array | Int8Array, W: Int8Array, at: number, k: number): number {
  let sum = 0;
  for (let p = 0; p < k; p++) sum += row[p] * W[at + p];
  return sum;
}
