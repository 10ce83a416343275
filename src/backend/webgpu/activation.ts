// The activation functions of the MLP, each with its derivative, and the soft cap. Read next: matmul.ts,
// which includes them.
import { ACTIVATION_KINDS, type Activation, type Kernels } from '../contract.ts';
import { quads } from './elementwise.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { isNan, safeTanh } from './wgsl.ts';

/** The kind that `curve` and `slope` take. */
export const kindNumber = (kind: Activation): number => ACTIVATION_KINDS.indexOf(kind);

/**
 * `curve(kind, x)` is f(x), `slope(kind, x)` its derivative, where the kinds are relu, gelu, relu2, silu,
 * gelu-tanh. Arguments of exp are kept from overflowing; NaN stays.
 */
export const curves: string = `${isNan}
const ROOT_2_PI = 0.7978845608028654;
const CUBIC = 0.044715;
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }
fn density(x: f32) -> f32 { return 0.3989422804014327 * exp(max(-0.5 * x * x, -80.0)); }
// erfc by a Chebyshev polynomial (Press et al., Numerical Recipes), to 1.2e-7 of its value; Phi from it.
fn normal_cdf(x: f32) -> f32 {
  let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.5 * z);
  let power = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
    + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let tail = 0.5 * t * exp(max(power - z * z, -85.0));
  return select(tail, 1.0 - tail, x > 0.0);
}
// (1 + tanh(z)) / 2 is sigmoid(2 z), which keeps its digits where tanh is nearly -1.
fn tanh_argument(x: f32) -> f32 { return ROOT_2_PI * x * (1.0 + CUBIC * x * x); }
fn curve(kind: u32, x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (kind == 0u) { return max(x, 0.0); }
  if (kind == 1u) { return x * normal_cdf(x); }
  if (kind == 2u) { return max(x, 0.0) * max(x, 0.0); }
  if (kind == 3u) { return x * sigmoid(x); }
  return x * sigmoid(2.0 * tanh_argument(x));
}
fn slope(kind: u32, x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (kind == 0u) { return select(0.0, 1.0, x > 0.0); }
  if (kind == 1u) { return normal_cdf(x) + x * density(x); }
  if (kind == 2u) { return 2.0 * max(x, 0.0); }
  if (kind == 3u) { return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))); }
  let s = sigmoid(2.0 * tanh_argument(x));
  return s + 2.0 * x * s * (1.0 - s) * ROOT_2_PI * (1.0 + 3.0 * CUBIC * x * x);
}
`;

const activationShader = shader({
  name: 'activation',
  buffers: { out: '>vec4f', x: 'vec4f' },
  numbers: { kind: 'u32' },
  code: `${curves}
    fn run(i: u32) { for (var c = 0u; c < 4u; c++) { out[i][c] = curve(u.kind, x[i][c]); } }`,
});

const activationBackwardShader = shader({
  name: 'activationBackward',
  buffers: { dx: '>vec4f', dOut: 'vec4f', x: 'vec4f' },
  numbers: { kind: 'u32' },
  code: `${curves}
    fn run(i: u32) { for (var c = 0u; c < 4u; c++) { dx[i][c] = dOut[i][c] * slope(u.kind, x[i][c]); } }`,
});

const softcapShader = shader({
  name: 'softcap',
  buffers: { out: '>vec4f', x: 'vec4f' },
  numbers: { cap: 'f32' },
  code: `${isNan}${safeTanh}
    fn run(i: u32) {
      let y = x[i] / u.cap;
      out[i] = u.cap * vec4f(safe_tanh(y.x), safe_tanh(y.y), safe_tanh(y.z), safe_tanh(y.w));
    }`,
});

const softcapBackwardShader = shader({
  name: 'softcapBackward',
  buffers: { dx: '>vec4f', dOut: 'vec4f', y: 'vec4f' },
  numbers: { cap: 'f32' },
  code: 'fn run(i: u32) { let t = y[i] / u.cap; dx[i] = dOut[i] * (1.0 - t * t); }',
});

type OfActivation = 'activation' | 'activationBackward' | 'softcap' | 'softcapBackward';

export function activationKernels(queue: Queue): Pick<Kernels, OfActivation> {
  const all = (n: number) => ({ count: quads(n), work: 30 * n });
  return {
    activation: (out, x, kind) =>
      queue.run(activationShader, { out, x }, { kind: kindNumber(kind) }, all(out.length)),
    activationBackward: (dx, dOut, x, kind) =>
      queue.run(activationBackwardShader, { dx, dOut, x }, { kind: kindNumber(kind) }, all(dx.length)),
    softcap: (out, x, cap) => queue.run(softcapShader, { out, x }, { cap }, { count: quads(out.length) }),
    softcapBackward: (dx, dOut, y, cap) =>
      queue.run(softcapBackwardShader, { dx, dOut, y }, { cap }, { count: quads(dx.length) }),
  };
}
