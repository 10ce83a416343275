// LoRA (Hu et al. 2021): instead of a matrix W of a block, two thin matrices A and B are trained, and W = W0
// + B A. Here it is a change of parameters outside of the model: W is computed anew after every step, and the
// gradient of W is turned into those of A and B. So the model stays as it is, and all that reads its weights
// reads the merged ones. Read next: trained.ts.
import { type Adapter, addProduct, modelIdentity, type ThinMatrices } from '../model/adapter.ts';
import type { GPT } from '../model/gpt.ts';
import { adapterName } from '../model/names.ts';
import { namedParameters } from '../nn/parameters.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import { keep } from '../tensor/scope.ts';
import { empty, parameter, type Tensor } from '../tensor/tensor.ts';

/** The adapters of a model. */
export interface Adapters {
  /** A [rank, in] and B [out, rank] of each matrix, by name: `blocks.0.mlp.fc.weight.loraA`. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Adds to the gradients of A and B what follows from the gradient of each W. */
  pullBack(): void;
  /** W = W0 + B A. */
  merge(): void;
  /** What a checkpoint needs besides the moments: A and B, and W0 [out, in] as `....base`. */
  state(): Map<string, Tensor>;
  /** A copy of A and B, apart from the model. */
  apart(): Promise<Adapter>;
  dispose(): void;
}

/** The adapter of one matrix. */
interface Adapted {
  weight: Tensor;
  base: Tensor;
  a: Tensor;
  b: Tensor;
  /** Size of the matrix [out, in]. */
  out: number;
  in: number;
}

/**
 * Adapters of rank `rank` for `weights`, matrices of `model`. A is drawn uniformly within 1 / sqrt(in), B is
 * 0: the model begins as it is. Throws when a matrix is not larger than its adapter would be.
 */
export function createAdapters(
  model: GPT,
  weights: ReadonlyMap<string, Tensor>,
  { rank, seed }: { rank: number; seed: number },
): Adapters {
  const { backend } = model;
  const { kernels } = backend;
  const random = createRandom({ seed, stream: STREAMS.adapters });
  const adapters = new Map<string, Adapted>();
  for (const [name, weight] of weights) {
    const [out, columns] = weight.shape;
    const bound = 1 / Math.sqrt(columns);
    const drawn = Float32Array.from({ length: rank * columns }, () => bound * (2 * random.uniform() - 1));
    const a = withGrad(parameter(drawn, [rank, columns], backend));
    const b = withGrad(parameter(new Float32Array(out * rank), [out, rank], backend));
    const base = keep(empty(weight.shape, 'f32', backend));
    kernels.copy(base.buffer, weight.buffer);
    adapters.set(name, { weight, base, a, b, out, in: columns });
  }
  let identity: Promise<string> | undefined;
  const parameters = new Map<string, Tensor>();
  const bases = new Map<string, Tensor>();
  for (const [name, { a, b, base }] of adapters) {
    parameters.set(adapterName(name, 'loraA'), a).set(adapterName(name, 'loraB'), b);
    bases.set(`${name}.base`, base);
  }
  return {
    parameters,
    pullBack(): void {
      for (const adapter of adapters.values()) pullBack(adapter, rank);
    },
    merge(): void {
      for (const { weight, base, a, b } of adapters.values()) {
        kernels.copy(weight.buffer, base.buffer);
        addProduct(weight, { a, b }, rank);
      }
    },
    state: () => new Map([...parameters, ...bases]),
    async apart(): Promise<Adapter> {
      // What a run does not train stays as it is, so that one look at it is enough.
      identity ??= modelIdentity(
        new Map([...namedParameters(model)].map(([name, w]) => [name, adapters.get(name)?.base ?? w])),
      );
      const matrices = new Map<string, ThinMatrices>();
      for (const [name, { a, b }] of adapters) matrices.set(name, { a: await a.data(), b: await b.data() });
      return { rank, alpha: rank, base: await identity, startToken: model.startToken, matrices };
    },
    dispose(): void {
      for (const tensor of [...parameters.values(), ...bases.values()]) tensor.dispose();
    },
  };
}

/** With W = W0 + B A: dA = B^T dW, dB = dW A^T. */
function pullBack({ weight: { grad, backend }, a, b, out, in: columns }: Adapted, rank: number): void {
  if (!grad) return;
  const { kernels } = backend;
  const [dA, dB] = [a.grad as Tensor, b.grad as Tensor];
  const dims = { m: rank, n: columns, k: out };
  kernels.matmul(dA.buffer, b.buffer, grad.buffer, { ...dims, transA: true, accumulate: true });
  kernels.matmul(dB.buffer, grad.buffer, a.buffer, {
    m: out,
    n: rank,
    k: columns,
    transB: true,
    accumulate: true,
  });
}

function withGrad(tensor: Tensor): Tensor {
  tensor.grad = keep(empty(tensor.shape, 'f32', tensor.backend));
  return tensor;
}
