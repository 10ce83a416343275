// LayerNorm and RMSNorm over the last axis, each with its backward. Read next: activation.ts.
import type { Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

/**
 * LayerNorm (Ba et al. 2016): out = n * weight + bias with n = (x - mean) * rstd, rstd = 1 / sqrt(var + eps),
 * with mean and biased variance of each row of x [rows, cols]. Writes mean [rows] and rstd [rows] for the
 * backward.
 */
export const layernorm: Kernels['layernorm'] = (out, mean, rstd, x, weight, bias, shape) => {
  const { rows, cols, eps } = shape;
  const O = f32(out);
  const means = f32(mean);
  const rstds = f32(rstd);
  const X = f32(x);
  const W = f32(weight);
  const shift = bias ? f32(bias) : null;
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += X[row + c];
    const m = sum / cols;
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += (X[row + c] - m) ** 2;
    const s = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) O[row + c] = (X[row + c] - m) * s * W[c] + (shift ? shift[c] : 0);
    means[r] = m;
    rstds[r] = s;
  }
};

/**
 * With n as above and dn = dOut * weight, both over one row: dx = rstd * (dn - average(dn) - n * average(dn *
 * n)); dWeight += sum over rows of dOut * n; dBias += sum of dOut.
 */
export const layernormBackward: Kernels['layernormBackward'] = (
  dx,
  dWeight,
  dBias,
  dOut,
  x,
  weight,
  mean,
  rstd,
  shape,
) => {
  const { rows, cols, accumulate } = shape;
  const dX = f32(dx);
  const dW = f32(dWeight);
  const dB = dBias ? f32(dBias) : null;
  const dO = f32(dOut);
  const X = f32(x);
  const W = f32(weight);
  const means = f32(mean);
  const rstds = f32(rstd);
  const weightSums = new Float64Array(cols);
  const biasSums = new Float64Array(cols);
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    const m = means[r];
    const s = rstds[r];
    let dnSum = 0;
    let dnnSum = 0;
    for (let c = 0; c < cols; c++) {
      const n = (X[row + c] - m) * s;
      const dn = dO[row + c] * W[c];
      dnSum += dn;
      dnnSum += dn * n;
      weightSums[c] += dO[row + c] * n;
      biasSums[c] += dO[row + c];
    }
    for (let c = 0; c < cols; c++) {
      const n = (X[row + c] - m) * s;
      const dn = dO[row + c] * W[c];
      dX[row + c] = (accumulate ? dX[row + c] : 0) + s * (dn - dnSum / cols - (n * dnnSum) / cols);
    }
  }
  for (let c = 0; c < cols; c++) {
    dW[c] += weightSums[c];
    if (dB) dB[c] += biasSums[c];
  }
};

/**
 * RMSNorm (Zhang & Sennrich 2019): out = x * rrms * weight, rrms = 1 / sqrt(average(x^2) + eps) of each row
 * of x [rows, cols]. Writes rrms [rows] for the backward.
 */
export const rmsnorm: Kernels['rmsnorm'] = (out, rrms, x, weight, shape) => {
  const { rows, cols, eps } = shape;
  const O = f32(out);
  const scales = f32(rrms);
  const X = f32(x);
  const W = f32(weight);
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += X[row + c] ** 2;
    const s = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) O[row + c] = X[row + c] * s * W[c];
    scales[r] = s;
  }
};

/**
 * With n = x * rrms and dn = dOut * weight: dx = rrms * (dn - n * average(dn * n)); dWeight += sum over rows
 * of dOut * n.
 */
export const rmsnormBackward: Kernels['rmsnormBackward'] = (dx, dWeight, dOut, x, weight, rrms, shape) => {
  const { rows, cols, accumulate } = shape;
  const dX = f32(dx);
  const dW = f32(dWeight);
  const dO = f32(dOut);
  const X = f32(x);
  const W = f32(weight);
  const scales = f32(rrms);
  const weightSums = new Float64Array(cols);
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    const s = scales[r];
    let dnnSum = 0;
    for (let c = 0; c < cols; c++) {
      const n = X[row + c] * s;
      dnnSum += dO[row + c] * W[c] * n;
      weightSums[c] += dO[row + c] * n;
    }
    for (let c = 0; c < cols; c++) {
      const n = X[row + c] * s;
      dX[row + c] = (accumulate ? dX[row + c] : 0) + s * (dO[row + c] * W[c] - (n * dnnSum) / cols);
    }
  }
  for (let c = 0; c < cols; c++) dW[c] += weightSums[c];
};
