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
  /** A weight [out, in]. */
  linear(outputs: number, inputs: number): Tensor;
  /** A weight [out, in] whose product is added to the residual stream. */
  residual(outputs: number, inputs: number): Tensor;
  /** A bias [out] of a layer with that many inputs. */
  bias(outputs: number, inputs: number): Tensor;
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
    return {
      table: (rows, cols) => drawn(backend, [rows, cols], () => random.normal()),
      linear: (outputs, inputs) => uniform([outputs, inputs], inputs),
      residual: (outputs, inputs) => uniform([outputs, inputs], inputs),
      bias: (outputs, inputs) => uniform([outputs], inputs),
      norm: (config) => freshNorm(config, backend),
    };
  },
  gpt2: ({ nLayer }, backend, random) => {
    const normal = (shape: number[], std: number): Tensor =>
      drawn(backend, shape, () => random.normal() * std);
    return {
      table: (rows, cols) => normal([rows, cols], 0.02),
      linear: (outputs, inputs) => normal([outputs, inputs], 0.02),
      // Two additions per block: the variance of the stream then does not grow with depth.
      residual: (outputs, inputs) => normal([outputs, inputs], 0.02 / Math.sqrt(2 * nLayer)),
      bias: (outputs) => drawn(backend, [outputs], () => 0),
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
    linear: blank,
    residual: blank,
    bias: (outputs) => blank(outputs),
    norm: ({ norm, nEmbd, bias }) =>
      new Norm(norm, blank(nEmbd), norm === 'layernorm' && bias ? blank(nEmbd) : null),
  };
}

/** The identity up to normalisation: weight 1, bias 0. */
function freshNorm({ norm, nEmbd: C, bias }: GPTConfig, backend: Backend): Norm {
  const shift = norm === 'layernorm' && bias ? drawn(backend, [C], () => 0) : null;
  return new Norm(
    norm,
    drawn(backend, [C], () => 1),
    shift,
  );
}
