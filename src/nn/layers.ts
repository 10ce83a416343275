// The layers of a GPT: plain classes that hold parameters and call one op. Read next: parameters.ts, initialise.ts.
import type { Activation, Backend } from '../backend/contract.ts';
import * as ops from '../tensor/ops.ts';
import { isQuantized, type Weight } from '../tensor/quantized.ts';
import { parameter, type Tensor } from '../tensor/tensor.ts';

/** A vector or matrix with every element drawn by `draw`. */
export function drawn(backend: Backend, shape: readonly number[], draw: () => number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return parameter(
    Float32Array.from({ length: size }, () => draw()),
    shape,
    backend,
  );
}

/** y [..., out] = x [..., in] W^T + b. */
export class Linear {
  /** [out, in] */
  weight: Weight;
  /** [out] */
  bias: Tensor | null;

  constructor(weight: Weight, bias: Tensor | null) {
    this.weight = weight;
    this.bias = bias;
  }

  forward(x: Tensor): Tensor {
    return ops.linear(x, this.weight, this.bias);
  }
}

/** proj(f(fc(x))), as one op where the weights are floats: to the same bits, with fewer passes over memory. */
export function mlp(x: Tensor, fc: Linear, kind: Activation, proj: Linear): Tensor {
  const [W1, W2] = [fc.weight, proj.weight];
  if (isQuantized(W1) || isQuantized(W2)) return proj.forward(ops.activation(fc.forward(x), kind));
  return ops.mlp(x, { weight: W1, bias: fc.bias }, kind, { weight: W2, bias: proj.bias });
}

/** A table of vectors, one row per token. */
export class Embedding {
  /** [V, C] */
  weight: Weight;

  constructor(weight: Weight) {
    this.weight = weight;
  }
}

/** A table of vectors, one row per position. */
export class Positions {
  /** [blockSize, C] */
  weight: Tensor;

  constructor(weight: Tensor) {
    this.weight = weight;
  }
}

/** LayerNorm, or RMSNorm, over the last axis. */
export class Norm {
  readonly kind: 'layernorm' | 'rmsnorm';
  /** [C] */
  weight: Tensor;
  /** [C]; RMSNorm has none. */
  bias: Tensor | null;

  constructor(kind: 'layernorm' | 'rmsnorm', weight: Tensor, bias: Tensor | null) {
    this.kind = kind;
    this.weight = weight;
    this.bias = bias;
  }

  forward(x: Tensor): Tensor {
    if (this.kind === 'rmsnorm') return ops.rmsnorm(x, this.weight, NORM_EPS);
    return ops.layernorm(x, this.weight, this.bias, NORM_EPS);
  }
}

/** RMSNorm of every query and key on its own (Henry et al. 2020; Dehghani et al. 2023): their products stay bounded. */
export class QKNorm {
  /** [2 * hs]: of queries, then of keys; all heads share it. */
  weight: Tensor;

  constructor(weight: Tensor) {
    this.weight = weight;
  }

  /** qkv [B, T, 3 * H * hs] */
  forward(qkv: Tensor, H: number): Tensor {
    return ops.qkNorm(qkv, this.weight, { H, hs: this.weight.size / 2, eps: NORM_EPS });
  }
}

/** a + w (b - a): a learned share of an earlier value, in some of the columns or all. */
export class Mix {
  /** [1] */
  weight: Tensor;

  constructor(weight: Tensor) {
    this.weight = weight;
  }

  forward(a: Tensor, b: Tensor, columns: { from?: number; to?: number } = {}): Tensor {
    return ops.mix(a, b, this.weight, columns);
  }
}

/** Added to the variance, as in PyTorch. */
export const NORM_EPS = 1e-5;
