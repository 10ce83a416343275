// The layers of a GPT: plain classes that hold parameters and call one op. Read next: parameters.ts, initialise.ts.
import type { Backend } from '../backend/contract.ts';
import * as ops from '../tensor/ops.ts';
import type { Weight } from '../tensor/quantized.ts';
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

/** Added to the variance, as in PyTorch. */
export const NORM_EPS = 1e-5;
