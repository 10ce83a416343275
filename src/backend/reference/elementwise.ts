// Filling, copying, adding, summing. Read next: matmul.ts.
import type { Kernels } from '../contract.ts';
import { f32, type HostBuffer } from './buffer.ts';

/** out[i] = value, for any dtype. */
export const fill: Kernels['fill'] = (out, value) => {
  (out as HostBuffer).array.fill(value);
};

/**
 * out[outOffset + i] = x[xOffset + i], for any dtype. Both may be one buffer, and the ranges may overlap.
 */
export const copy: Kernels['copy'] = (out, x, outOffset = 0, xOffset = 0, length = x.length - xOffset) => {
  if (out.dtype !== x.dtype)
    throw new Error(`copy: out is ${out.dtype}, x is ${x.dtype}: they must be alike`);
  (out as HostBuffer).array.set((x as HostBuffer).array.subarray(xOffset, xOffset + length), outOffset);
};

/** out = a + b. `out` may be `a` or `b`. */
export const add: Kernels['add'] = (out, a, b) => {
  const n = out.length;
  const O = f32(out);
  const A = f32(a);
  const B = f32(b);
  for (let i = 0; i < n; i++) O[i] = A[i] + B[i];
};

/** out += factor * x. */
export const axpy: Kernels['axpy'] = (out, x, factor) => {
  const n = out.length;
  const O = f32(out);
  const X = f32(x);
  for (let i = 0; i < n; i++) O[i] += factor * X[i];
};

/** out = factor * x. `out` may be `x`. */
export const scale: Kernels['scale'] = (out, x, factor) => {
  const n = out.length;
  const O = f32(out);
  const X = f32(x);
  for (let i = 0; i < n; i++) O[i] = factor * X[i];
};

/** out[0] = sum of x[i]^2, added to out[0] with `accumulate`. */
export const sumSquares: Kernels['sumSquares'] = (out, x, accumulate) => {
  const O = f32(out);
  const X = f32(x);
  let sum = 0;
  for (let i = 0; i < X.length; i++) sum += X[i] * X[i];
  O[0] = (accumulate ? O[0] : 0) + sum;
};

/** out = x / (sqrt(squares[0]) + eps). `out` may be `x`. */
export const normalize: Kernels['normalize'] = (out, x, squares, eps) => {
  const n = out.length;
  const O = f32(out);
  const X = f32(x);
  const [sum] = f32(squares);
  const norm = Math.sqrt(sum) + eps;
  for (let i = 0; i < n; i++) O[i] = X[i] / norm;
};

/** out[c] += sum over r of x[r, c]. */
export const sumRows: Kernels['sumRows'] = (out, x, rows, cols) => {
  const O = f32(out);
  const X = f32(x);
  const sums = new Float64Array(cols);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) sums[c] += X[r * cols + c];
  }
  for (let c = 0; c < cols; c++) O[c] += sums[c];
};
