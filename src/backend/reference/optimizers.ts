// The update of a parameter by its gradient. Read next: statistics.ts.
import type { Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

/**
 * AdamW (Loshchilov & Hutter 2019), elementwise: with g = gradScale * grad,
 * m = beta1 m + (1 - beta1) g and v = beta2 v + (1 - beta2) g^2, then
 * param = param (1 - lr weightDecay) - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).
 */
export const adamw: Kernels['adamw'] = (param, grad, m, v, options) => {
  const { lr, beta1, beta2, eps, weightDecay, t, gradScale } = options;
  const n = param.length;
  const P = f32(param);
  const G = f32(grad);
  const M = f32(m);
  const V = f32(v);
  const mCorrection = 1 - beta1 ** t;
  const vCorrection = 1 - beta2 ** t;
  for (let i = 0; i < n; i++) {
    const g = gradScale * G[i];
    M[i] = beta1 * M[i] + (1 - beta1) * g;
    V[i] = beta2 * V[i] + (1 - beta2) * g * g;
    const step = M[i] / mCorrection / (Math.sqrt(V[i] / vCorrection) + eps);
    P[i] = P[i] * (1 - lr * weightDecay) - lr * step;
  }
};

/**
 * Stochastic gradient descent with momentum, as in PyTorch: g = gradScale * grad + weightDecay * param;
 * velocity = momentum * velocity + g; param -= lr * velocity. With `velocity` null: param -= lr * g.
 */
export const sgd: Kernels['sgd'] = (param, grad, velocity, options) => {
  const { lr, momentum, weightDecay, gradScale } = options;
  const n = param.length;
  const P = f32(param);
  const G = f32(grad);
  const U = velocity ? f32(velocity) : null;
  for (let i = 0; i < n; i++) {
    const g = gradScale * G[i] + weightDecay * P[i];
    const u = U ? momentum * U[i] + g : g;
    if (U) U[i] = u;
    P[i] -= lr * u;
  }
};

/**
 * Nesterov's momentum: g = gradScale * grad; velocity = momentum * velocity + g; out = momentum * velocity +
 * g, which would be the velocity of the next step if its gradient were the same. `out` may be `grad`.
 */
export const nesterov: Kernels['nesterov'] = (out, velocity, grad, { momentum, gradScale }) => {
  const n = out.length;
  const O = f32(out);
  const U = f32(velocity);
  const G = f32(grad);
  for (let i = 0; i < n; i++) {
    const g = gradScale * G[i];
    U[i] = momentum * U[i] + g;
    O[i] = momentum * U[i] + g;
  }
};
