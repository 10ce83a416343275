// The initial parameters of a model. Two recipes: PyTorch's defaults, as in the seed, and GPT-2's.
import type { Backend } from '../backend/contract.ts';
import { drawn, Linear, Mix, Norm, QKNorm } from '../nn/layers.ts';
import type { Random } from '../tensor/random.ts';
import { sizeOf, Tensor } from '../tensor/tensor.ts';
import type { GPTConfig } from './config.ts';
import {
  type Field,
  type LayerName,
  nameAt,
  type Parameter,
  parameterName,
  parseParameter,
} from './names.ts';
import { shapesOf } from './shapes.ts';

/** How parameters get their initial values. `blank`: the contents are undefined. */
export type Init = GPTConfig['init'] | 'blank';

/**
 * The parameters of a model, for its layers. Their existence and shapes follow from the config.
 */
export class FreshParameters {
  readonly config: GPTConfig;
  readonly #all = new Map<string, Tensor>();

  /** Draws all of them, in the order of `shapesOf`. */
  constructor(config: GPTConfig, backend: Backend, init: Init, random: Random) {
    this.config = config;
    const draw = recipes[init](config, backend, random);
    const shapes = new Map(shapesOf(config));
    for (const [name, shape] of shapes) {
      const parameter = parseParameter(name);
      // A bias is drawn by the number of its layer's inputs; a tied head uses the token table.
      const weight = shapes.get(nameAt(`${parameter.layer}.weight`, parameter.block)) ?? shapes.get(TABLE);
      this.#all.set(name, draw(parameter, shape, weight?.[1] ?? null));
    }
  }

  /** Throws if the config's model has no such parameter. */
  take(layer: LayerName, block: number | null = null, field: Field = 'weight'): Tensor {
    const found = this.find(layer, block, field);
    if (!found) throw new Error(`the model has no ${nameAt(`${layer}.${field}`, block)}`);
    return found;
  }

  find(layer: LayerName, block: number | null = null, field: Field = 'weight'): Tensor | null {
    return this.#all.get(nameAt(`${layer}.${field}`, block)) ?? null;
  }

  linear(layer: LayerName, block: number | null = null): Linear {
    return new Linear(this.take(layer, block), this.find(layer, block, 'bias'));
  }

  norm(layer: LayerName, block: number | null = null): Norm {
    const { norm, normEps } = this.config;
    return new Norm(norm, this.take(layer, block), this.find(layer, block, 'bias'), normEps);
  }

  qkNorm(block: number): QKNorm | null {
    const weight = this.find('attn.qkNorm', block);
    return weight && new QKNorm(weight, this.config.normEps);
  }

  mix(layer: LayerName, block: number): Mix | null {
    const weight = this.find(layer, block);
    return weight && new Mix(weight);
  }
}

const TABLE = parameterName('tokens', 'weight');

/**
 * Draws one parameter of a layer with this number of inputs (null: it has no matrix). The order of the calls
 * determines the random numbers.
 */
type Draw = (parameter: Parameter, shape: readonly number[], inputs: number | null) => Tensor;

const recipes: Readonly<Record<Init, (config: GPTConfig, backend: Backend, random: Random) => Draw>> = {
  torch(_config, backend, random) {
    const normal = (shape: readonly number[]): Tensor => drawn(backend, shape, () => random.normal());
    const uniform = (shape: readonly number[], inputs: number): Tensor => {
      const bound = 1 / Math.sqrt(inputs);
      return drawn(backend, shape, () => (2 * random.uniform() - 1) * bound);
    };
    return (parameter, shape, inputs) => {
      const { role } = parameter;
      if (role === 'embedding' || role === 'positions') return normal(shape);
      return inputs === null ? constant(backend, startOf(parameter), shape) : uniform(shape, inputs);
    };
  },
  gpt2({ nLayer, initStd, embedStd, residualInit, positionInit }, backend, random) {
    const normal = (shape: readonly number[], std: number): Tensor =>
      drawn(backend, shape, () => random.normal() * std);
    // Each block adds twice to the stream; so its variance does not grow with depth.
    const residualStd = residualInit === 'zero' ? 0 : initStd / Math.sqrt(2 * nLayer);
    return (parameter, shape) => {
      const { role, residual } = parameter;
      if (role === 'positions' && positionInit === 'sinusoidal') return sinusoids(backend, shape, embedStd);
      if (role === 'embedding' || role === 'positions') return normal(shape, embedStd);
      if (role === 'matrix' || role === 'head') return normal(shape, residual ? residualStd : initStd);
      return constant(backend, startOf(parameter), shape);
    };
  },
  blank: (_config, backend) => (_parameter, shape) =>
    new Tensor(backend, backend.alloc('f32', sizeOf(shape)), shape, true),
};

/**
 * The initial values of parameters that are not drawn: norms and skips begin as the identity, values as half
 * their own and half those of block 0.
 */
function startOf({ role, layer }: Parameter): number {
  if (role === 'norm') return 1;
  return role === 'mix' && layer === 'attn.valueMix' ? 0.5 : 0;
}

function constant(backend: Backend, value: number, shape: readonly number[]): Tensor {
  return drawn(backend, shape, () => value);
}

/**
 * Column 2i of position t is sin(t / 10000^(2i / C)), column 2i + 1 the cosine (Vaswani et al. 2017), scaled
 * to the mean square std^2. Neighbouring positions begin with similar vectors. Shape [T, C].
 */
function sinusoids(backend: Backend, shape: readonly number[], std: number): Tensor {
  const [, C] = shape;
  let at = 0;
  return drawn(backend, shape, () => {
    const [t, c] = [Math.floor(at / C), at++ % C];
    const angle = t / 10000 ** ((c - (c % 2)) / C);
    return Math.SQRT2 * std * (c % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
}
