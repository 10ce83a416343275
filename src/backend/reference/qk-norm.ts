// RMSNorm of queries and keys: attention whose scores cannot grow without bound. Read next: rope.ts.
import type { Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

/**
 * RMSNorm of every query and key of qkv [B, T, 3, H, hs] separately (Henry et al. 2020; with a weight as in
 * Dehghani et al. 2023): out = x * rrms * weight, rrms = 1 / sqrt(average(x^2) + eps) over its hs columns. v
 * is copied. weight [2, hs]: of queries, then of keys, for all heads. Writes rrms [rows, 2, H] for the
 * backward; rows = B * T.
 */
export const qkNorm: Kernels['qkNorm'] = (out, rrms, qkv, weight, shape) => {
  const { rows, H, hs, eps } = shape;
  const O = f32(out);
  const scales = f32(rrms);
  const X = f32(qkv);
  const W = f32(weight);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < 3 * H; j++) {
      const at = (r * 3 * H + j) * hs;
      if (j >= 2 * H) {
        for (let c = 0; c < hs; c++) O[at + c] = X[at + c]; // a value
        continue;
      }
      const w = j < H ? 0 : hs;
      let squares = 0;
      for (let c = 0; c < hs; c++) squares += X[at + c] ** 2;
      const s = 1 / Math.sqrt(squares / hs + eps);
      for (let c = 0; c < hs; c++) O[at + c] = X[at + c] * s * W[w + c];
      scales[r * 2 * H + j] = s;
    }
  }
};

/**
 * With n = x * rrms and dn = dOut * weight of one query or key: dx = rrms * (dn - n * average(dn * n));
 * dWeight += sum over rows and heads of dOut * n. The gradient of v is copied from dOut. `dqkv` may be
 * `dOut`.
 */
export const qkNormBackward: Kernels['qkNormBackward'] = (dqkv, dWeight, dOut, qkv, weight, rrms, shape) => {
  const { rows, H, hs } = shape;
  const dX = f32(dqkv);
  const dW = f32(dWeight);
  const dO = f32(dOut);
  const X = f32(qkv);
  const W = f32(weight);
  const scales = f32(rrms);
  const sums = new Float64Array(2 * hs);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < 3 * H; j++) {
      const at = (r * 3 * H + j) * hs;
      if (j >= 2 * H) {
        for (let c = 0; c < hs; c++) dX[at + c] = dO[at + c];
        continue;
      }
      const w = j < H ? 0 : hs;
      const s = scales[r * 2 * H + j];
      let dnnSum = 0;
      for (let c = 0; c < hs; c++) {
        const n = X[at + c] * s;
        dnnSum += dO[at + c] * W[w + c] * n;
        sums[w + c] += dO[at + c] * n;
      }
      for (let c = 0; c < hs; c++) {
        const n = X[at + c] * s;
        dX[at + c] = s * (dO[at + c] * W[w + c] - (n * dnnSum) / hs);
      }
    }
  }
  for (let c = 0; c < 2 * hs; c++) dW[c] += sums[c];
};
