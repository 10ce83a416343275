// The loss: how surprised the model is by the actual next token. Read next: optimizers.ts.
import type { Kernels } from '../contract.ts';
import { f32, i32 } from './buffer.ts';
import { checkIds } from './embedding.ts';

/**
 * losses[r] = lse[r] - logits[r, targets[r]] in nats, lse[r] = log of the sum of exp(logits[r, :]), which is
 * -log softmax(logits[r])[targets[r]]. The row's maximum is subtracted before exp, so that nothing overflows.
 * With label smoothing (Szegedy et al. 2016) the target counts 1 - smoothing, and all columns share the rest
 * equally.
 */
export const crossEntropy: Kernels['crossEntropy'] = (losses, lse, logits, targets, shape) => {
  const { rows, cols, smoothing = 0 } = shape;
  const L = f32(losses);
  const S = f32(lse);
  const Z = f32(logits);
  const Y = i32(targets);
  checkIds('crossEntropy: targets', Y, rows, cols);
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    let max = -Infinity;
    for (let v = 0; v < cols; v++) max = Math.max(max, Z[row + v]);
    let sum = 0;
    for (let v = 0; v < cols; v++) sum += Math.exp(Z[row + v] - max);
    const s = max + Math.log(sum);
    let loss = s - (1 - smoothing) * Z[row + Y[r]];
    if (smoothing > 0) for (let v = 0; v < cols; v++) loss -= (smoothing / cols) * Z[row + v];
    L[r] = loss;
    S[r] = s;
  }
};

/**
 * dLogits[r, v] = factor * (softmax(logits[r])[v] - q[r, v]), softmax = exp(logits - lse). q is 1 at
 * targets[r] and 0 elsewhere; with smoothing it is 1 - smoothing at targets[r], plus smoothing / cols
 * everywhere. `dLogits` may be `logits`.
 */
export const crossEntropyBackward: Kernels['crossEntropyBackward'] = (
  dLogits,
  logits,
  lse,
  targets,
  shape,
) => {
  const { rows, cols, factor, smoothing = 0 } = shape;
  const dZ = f32(dLogits);
  const Z = f32(logits);
  const S = f32(lse);
  const Y = i32(targets);
  checkIds('crossEntropyBackward: targets', Y, rows, cols);
  for (let r = 0; r < rows; r++) {
    const row = r * cols;
    for (let v = 0; v < cols; v++) {
      const p = Math.exp(Z[row + v] - S[r]);
      const q = (v === Y[r] ? 1 - smoothing : 0) + smoothing / cols;
      dZ[row + v] = factor * (p - q);
    }
  }
};
