// How fresh weights are drawn. Two recipes: PyTorch's defaults, which the seed has, and GPT-2's.
import type { Backend } from '../backend/contract.ts';
import { drawn, Norm } from '../nn/layers.ts';
import type { Random } from '../tensor/random.ts';
import { sizeOf, Tensor } from '../tensor/tensor.ts';
import type { GPTConfig } from './config.ts';

/** Draws each kind of parameter; the random numbers are used up in the order of the calls. */
export interface Initialiser {
  /** An embedding table [rows, cols]. */
  table(rows: number, cols: number): Tensor;
  /** A table of positions [rows, cols]. */
  positions(rows: number, cols: number): Tensor;
  /** A weight [out, in]. */
  linear(outputs: number, inputs: number): Tensor;
  /** A weight [out, in] whose product is added to the residual stream. */
  residual(outputs: number, inputs: number): Tensor;
  /** A bias [out] of a layer with that many inputs. */
  bias(outputs: number, inputs: number): Tensor;
  /** A parameter [length] that starts at one value. */
  constant(value: number, length: number): Tensor;
  norm(config: GPTConfig): Norm;
}

type Recipe = (config: GPTConfig, backend: Backend, random: Random) => Initialiser;

/** By the config's `init`; `blank` leaves the contents undefined. */
export const initialisers: Readonly<Record<GPTConfig['init'] | 'blank', Recipe>> = {
  torch: (_config, backend, random) => {
    const uniform = (shape: number[], inputs: number): Tensor => {
      const bound = 1 / Math.sqrt(inputs);
      return drawn(backend, shape, () => (2 * random.uniform() - 1) * bound);
    };
    const table = (rows: number, cols: number): Tensor => drawn(backend, [rows, cols], () => random.normal());
    return {
      table,
      positions: table,
      linear: (outputs, inputs) => uniform([outputs, inputs], inputs),
      residual: (outputs, inputs) => uniform([outputs, inputs], inputs),
      bias: (outputs, inputs) => uniform([outputs], inputs),
      constant: (value, length) => constant(backend, value, length),
      norm: (config) => freshNorm(config, backend),
    };
  },
  gpt2: ({ nLayer, initStd, embedStd, residualInit, positionInit }, backend, random) => {
    const normal = (shape: number[], std: number): Tensor =>
      drawn(backend, shape, () => random.normal() * std);
    // Two additions per block: the variance of the stream then does not grow with depth.
    const residualStd = residualInit === 'zero' ? 0 : initStd / Math.sqrt(2 * nLayer);
    const table = (rows: number, cols: number): Tensor => normal([rows, cols], embedStd);
    return {
      table,
      positions: positionInit === 'sinusoidal' ? (T, C) => sinusoids(backend, T, C, embedStd) : table,
      linear: (outputs, inputs) => normal([outputs, inputs], initStd),
      residual: (outputs, inputs) => normal([outputs, inputs], residualStd),
      bias: (outputs) => constant(backend, 0, outputs),
      constant: (value, length) => constant(backend, value, length),
      norm: (config) => freshNorm(config, backend),
    };
  },
  blank: (_config, backend) => blankInitialiser(backend),
};

/** Parameters whose contents are undefined. */
function blankInitialiser(backend: Backend): Initialiser {
  const blank = (...shape: number[]): Tensor =>
    new Tensor(backend, backend.alloc('f32', sizeOf(shape)), shape, true);
  return {
    table: blank,
    positions: blank,
    linear: blank,
    residual: blank,
    bias: (outputs) => blank(outputs),
    constant: (_value, length) => blank(length),
    norm: ({ norm, nEmbd, bias }) =>
      new Norm(norm, blank(nEmbd), norm === 'layernorm' && bias ? blank(nEmbd) : null),
  };
}

/** The identity up to normalisation: weight 1, bias 0. */
function freshNorm({ norm, nEmbd: C, bias }: GPTConfig, backend: Backend): Norm {
  const shift = norm === 'layernorm' && bias ? constant(backend, 0, C) : null;
  return new Norm(norm, constant(backend, 1, C), shift);
}

function constant(backend: Backend, value: number, length: number): Tensor {
  return drawn(backend, [length], () => value);
}

/**
 * Column 2i of position t is sin(t / 10000^(2i / C)), column 2i + 1 the cosine (Vaswani et al. 2017), scaled so that the
 * mean square of all is std^2: positions that are near each other begin alike.
 */
function sinusoids(backend: Backend, T: number, C: number, std: number): Tensor {
  let at = 0;
  return drawn(backend, [T, C], () => {
    const [t, c] = [Math.floor(at / C), at++ % C];
    const angle = t / 10000 ** ((c - (c % 2)) / C);
    return Math.SQRT2 * std * (c % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
}
