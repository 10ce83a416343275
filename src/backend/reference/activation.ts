// The activation functions of the MLP, each with its derivative. Read next: dropout.ts, then attention.ts.
import type { Activation, Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

/** f(x) and f'(x). */
export interface Curve {
  f(x: number): number;
  derivative(x: number): number;
}

const curves: Record<Activation, Curve> = {
  // max(x, 0); the derivative at 0 is defined as 0
  relu: { f: (x) => Math.max(x, 0), derivative: (x) => (x > 0 ? 1 : 0) },
  // max(x, 0)^2 (So et al. 2021)
  relu2: { f: (x) => Math.max(x, 0) ** 2, derivative: (x) => (x > 0 ? 2 * x : 0) },
  // x * Phi(x) (Hendrycks & Gimpel 2016), exact; Phi' is the density of the normal distribution
  gelu: { f: (x) => x * normalCdf(x), derivative: (x) => normalCdf(x) + x * normalDensity(x) },
  // x * sigmoid(x) (Elfwing et al. 2018)
  silu: {
    f: (x) => x * sigmoid(x),
    derivative: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  // GPT-2's approximation of gelu (Hendrycks & Gimpel 2016), by tanh: differs from gelu by up to 5e-4
  'gelu-tanh': {
    f: (x) => 0.5 * x * (1 + Math.tanh(tanhArgument(x))),
    derivative(x) {
      const t = Math.tanh(tanhArgument(x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT_2_PI * (1 + 3 * CUBIC * x * x);
    },
  },
};

/** out = f(x), with f given by name. `out` may be `x`. */
export const activation: Kernels['activation'] = (out, x, kind) => {
  const n = x.length;
  const O = f32(out);
  const X = f32(x);
  const { f } = curveOf(kind);
  for (let i = 0; i < n; i++) O[i] = f(X[i]);
};

/** dx = dOut * f'(x). `dx` may be `dOut`. */
export const activationBackward: Kernels['activationBackward'] = (dx, dOut, x, kind) => {
  const n = x.length;
  const dX = f32(dx);
  const dO = f32(dOut);
  const X = f32(x);
  const { derivative } = curveOf(kind);
  for (let i = 0; i < n; i++) dX[i] = dO[i] * derivative(X[i]);
};

/**
 * out = cap * tanh(x / cap): nearly x where |x| is small compared with `cap`, never beyond it. `out` may be
 * `x`.
 */
export const softcap: Kernels['softcap'] = (out, x, cap) => {
  const n = x.length;
  const O = f32(out);
  const X = f32(x);
  for (let i = 0; i < n; i++) O[i] = cap * Math.tanh(X[i] / cap);
};

/** dx = dOut * (1 - (y / cap)^2), where y is the output of `softcap`. `dx` may be `dOut`. */
export const softcapBackward: Kernels['softcapBackward'] = (dx, dOut, y, cap) => {
  const n = y.length;
  const dX = f32(dx);
  const dO = f32(dOut);
  const Y = f32(y);
  for (let i = 0; i < n; i++) dX[i] = dO[i] * (1 - (Y[i] / cap) ** 2);
};

/** Throws for an unknown kind. */
export function curveOf(kind: Activation): Curve {
  const curve = curves[kind];
  if (!curve) throw new Error(`activation '${kind}' is unknown: use ${Object.keys(curves).join(', ')}`);
  return curve;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
}

const ROOT_2_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** The argument of tanh in gelu-tanh. */
function tanhArgument(x: number): number {
  return ROOT_2_PI * x * (1 + CUBIC * x * x);
}

/**
 * Phi(x) = 1/2 + density(x) * (x + x^3/3 + x^5/(3*5) + x^7/(3*5*7) + ...) (Marsaglia 2004), to about 1e-16.
 */
function normalCdf(x: number): number {
  if (!(Math.abs(x) < 9)) return x < 0 ? 0 : x > 0 ? 1 : x; // NaN stays NaN
  let sum = 0;
  let term = x;
  for (let odd = 3; sum + term !== sum; odd += 2) {
    sum += term;
    term *= (x * x) / odd;
  }
  return 0.5 + normalDensity(x) * sum;
}
