// A learned mixture of a late and an early value of the network.
import type { Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

/**
 * out = a + w * (b - a) in columns `from` to `to` - 1 of each row, w = weight[0]; out = a in the other
 * columns. a, b and out are [rows, cols]. `out` may be `a`.
 */
export const mix: Kernels['mix'] = (out, a, b, weight, shape) => {
  const { rows, cols, from, to } = shape;
  const O = f32(out);
  const A = f32(a);
  const B = f32(b);
  const [w] = f32(weight);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const i = r * cols + c;
      O[i] = c >= from && c < to ? A[i] + w * (B[i] - A[i]) : A[i];
    }
  }
};

/**
 * da = (1 - w) * dOut, db = w * dOut and dWeight += sum of dOut * (b - a) over those columns. In the others
 * da = dOut and db = 0. `accumulate` adds to db. `da` may be `dOut`.
 */
export const mixBackward: Kernels['mixBackward'] = (da, db, dWeight, dOut, a, b, weight, shape) => {
  const { rows, cols, from, to, accumulate } = shape;
  const dA = f32(da);
  const dB = f32(db);
  const dW = f32(dWeight);
  const dO = f32(dOut);
  const A = f32(a);
  const B = f32(b);
  const [w] = f32(weight);
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const i = r * cols + c;
      const d = dO[i];
      const mixed = c >= from && c < to;
      if (mixed) sum += d * (B[i] - A[i]);
      dA[i] = mixed ? (1 - w) * d : d;
      dB[i] = (accumulate ? dB[i] : 0) + (mixed ? w * d : 0);
    }
  }
  dW[0] += sum;
};
