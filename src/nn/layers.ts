// The layers of a GPT: plain classes that hold parameters. Most call one op with them. Read next:
// parameters.ts.
import type { Backend } from '../backend/contract.ts';
import * as ops from '../tensor/ops.ts';
import type { Weight } from '../tensor/quantized.ts';
import { parameter, type Tensor } from '../tensor/tensor.ts';

/** A vector or matrix whose elements are drawn by `draw`. */
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
  /** Added to the variance before the root. */
  readonly eps: number;

  constructor(kind: 'layernorm' | 'rmsnorm', weight: Tensor, bias: Tensor | null, eps: number) {
    this.kind = kind;
    this.weight = weight;
    this.bias = bias;
    this.eps = eps;
  }

  forward(x: Tensor): Tensor {
    if (this.kind === 'rmsnorm') return ops.rmsnorm(x, this.weight, this.eps);
    return ops.layernorm(x, this.weight, this.bias, this.eps);
  }
}

/**
 * RMSNorm of every query and key separately (Henry et al. 2020; Dehghani et al. 2023), which bounds their
 * products.
 */
export class QKNorm {
  /** [2 * hs]: the weight of queries, then of keys; shared by all heads. */
  weight: Tensor;
  /** Added to the mean square before the root. */
  readonly eps: number;

  constructor(weight: Tensor, eps: number) {
    this.weight = weight;
    this.eps = eps;
  }

  /** qkv [B, T, 3 * H * hs] */
  forward(qkv: Tensor, H: number): Tensor {
    return ops.qkNorm(qkv, this.weight, { H, hs: this.weight.size / 2, eps: this.eps });
  }
}

/** a + w (b - a): mixes in a learned share of an earlier value, in all columns or some. */
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
