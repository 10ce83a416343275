// Filling, copying, adding, summing. Read next: matmul.ts.
import type { Kernels } from '../contract.ts';
import { checkRange, checkSameLength, f32, type HostBuffer } from './buffer.ts';

/** out[i] = value, for any dtype. */
export const fill: Kernels['fill'] = (out, value) => {
  (out as HostBuffer).array.fill(value);
};

/** out[outOffset + i] = x[xOffset + i], for any dtype; the two may be one buffer and overlap. */
export const copy: Kernels['copy'] = (out, x, outOffset = 0, xOffset = 0, length = x.length - xOffset) => {
  if (out.dtype !== x.dtype)
    throw new Error(`copy: out is ${out.dtype}, x is ${x.dtype}: they must be alike`);
  checkRange('copy: out', out, outOffset, length);
  checkRange('copy: x', x, xOffset, length);
  (out as HostBuffer).array.set((x as HostBuffer).array.subarray(xOffset, xOffset + length), outOffset);
};

/** out = a + b. `out` may be `a` or `b`. */
export const add: Kernels['add'] = (out, a, b) => {
  checkSameLength('add', out, a, b);
  const n = out.length;
  const O = f32(out, 'add: out', n);
  const A = f32(a, 'add: a', n);
  const B = f32(b, 'add: b', n);
  for (let i = 0; i < n; i++) O[i] = A[i] + B[i];
};

/** out += factor * x. */
export const axpy: Kernels['axpy'] = (out, x, factor) => {
  checkSameLength('axpy', out, x);
  const n = out.length;
  const O = f32(out, 'axpy: out', n);
  const X = f32(x, 'axpy: x', n);
  for (let i = 0; i < n; i++) O[i] += factor * X[i];
};

/** out = factor * x. `out` may be `x`. */
export const scale: Kernels['scale'] = (out, x, factor) => {
  checkSameLength('scale', out, x);
  const n = out.length;
  const O = f32(out, 'scale: out', n);
  const X = f32(x, 'scale: x', n);
  for (let i = 0; i < n; i++) O[i] = factor * X[i];
};

/** out[0] = sum of x[i]^2, added to out[0] with `accumulate`. */
export const sumSquares: Kernels['sumSquares'] = (out, x, accumulate) => {
  const O = f32(out, 'sumSquares: out', 1);
  const X = f32(x, 'sumSquares: x', x.length);
  let sum = 0;
  for (let i = 0; i < X.length; i++) sum += X[i] * X[i];
  O[0] = (accumulate ? O[0] : 0) + sum;
};

/** out = x / (sqrt(squares[0]) + eps). `out` may be `x`. */
export const normalize: Kernels['normalize'] = (out, x, squares, eps) => {
  checkSameLength('normalize', out, x);
  const n = out.length;
  const O = f32(out, 'normalize: out', n);
  const X = f32(x, 'normalize: x', n);
  const [sum] = f32(squares, 'normalize: squares', 1);
  const norm = Math.sqrt(sum) + eps;
  for (let i = 0; i < n; i++) O[i] = X[i] / norm;
};

/** out[c] += sum over r of x[r, c]. */
export const sumRows: Kernels['sumRows'] = (out, x, rows, cols) => {
  const O = f32(out, 'sumRows: out', cols);
  const X = f32(x, 'sumRows: x', rows * cols);
  const sums = new Float64Array(cols);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) sums[c] += X[r * cols + c];
  }
  for (let c = 0; c < cols; c++) O[c] += sums[c];
};
