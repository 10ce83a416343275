// Inkhorn against PyTorch: logits, loss, every gradient, ten steps of training, as tests of an engine. The
// expected values are in golden/, written by golden.py: read that file first.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { GPTConfig } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { scope } from '../../src/tensor/scope.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { createOptimizer, type OptimizerOptions } from '../../src/train/optimizers.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { accumulateGradients, clipFactor, gradientNorm } from '../../src/train/step.ts';
import type { TestEngine } from '../support/engines.ts';

/** The files of golden/, the smallest last. */
export const cases = ['seed-small', 'modern', 'sgd', 'relu2', 'rope-base', 'gelu-tanh'];

/** Largest accepted differences. PyTorch's own float32 is off by 1e-6. */
interface Tolerance {
  /** As a share of the largest value in a tensor. */
  tensor: number;
  /** Of a loss or norm, as a share of its value. */
  scalar: number;
}
const usual: Tolerance = { tensor: 1e-5, scalar: 2e-6 };
/** Its sums are in float32 throughout. */
const onWebgpu: Tolerance = { tensor: 1e-4, scalar: 1e-5 };
/** Not a divisor of the batch sizes, so that parity includes adding up unequal micro-batches. */
const microBatch = 3;

interface Golden {
  /** B, T */
  batch: [number, number];
  config: GPTConfig;
  training: Partial<OptimizerOptions> & { lr: number; clip: number; labelSmoothing: number };
  losses: number[];
  gradNorms: number[];
  tensors: ReadonlyMap<string, Values>;
}

interface Values {
  shape: readonly number[];
  data: ArrayLike<number>;
}

function readGolden(name: string): Golden {
  const file = (ending: string): URL =>
    new URL(`../../../test/parity/golden/${name}${ending}`, import.meta.url);
  const scalars = JSON.parse(readFileSync(file('.json'), 'utf8')) as Omit<Golden, 'tensors'>;
  return { ...scalars, tensors: readSafetensors(readFileSync(file('.safetensors'))).tensors };
}

/** The tensors whose names begin with `kind/`, by the rest of their names. */
function ofKind({ tensors }: Golden, kind: string): Map<string, Values> {
  const start = `${kind}/`;
  const found = [...tensors].filter(([name]) => name.startsWith(start));
  return new Map(found.map(([name, values]) => [name.slice(start.length), values]));
}

/** The golden model on `backend`. Its parameters must be exactly those of the file, by name and shape. */
function load(golden: Golden, backend: Backend): GPT {
  const model = new GPT(golden.config, { backend });
  const weights = ofKind(golden, 'weights');
  const parameters = namedParameters(model);
  assert.deepEqual([...parameters.keys()].sort(), [...weights.keys()].sort());
  for (const [name, parameter] of parameters) {
    const { shape, data } = weights.get(name)!;
    assert.deepEqual(parameter.shape, shape, name);
    parameter.write(Float32Array.from(data));
  }
  return model;
}

function batchOf({ batch: [B, T], tensors }: Golden, step: number): Batch {
  const part = (name: string): Int32Array =>
    Int32Array.from(tensors.get(name)!.data).slice(step * B * T, (step + 1) * B * T);
  return { B, T, ids: part('ids'), targets: part('targets') };
}

/**
 * Throws, with name and place, unless every difference is at most `share` of the largest expected value.
 */
function assertClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  share: number,
): void {
  assert.equal(actual.length, expected.length, `${name}: number of values`);
  const largest = Array.from(expected).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    // Written this way because NaN must also fail.
    if (!(error <= share * largest)) {
      assert.fail(
        `${name}[${i}] is ${actual[i]}, PyTorch has ${expected[i]} (allowed: ${share} of ${largest})`,
      );
    }
  }
}

function assertScalar(name: string, actual: number, expected: number, { scalar }: Tolerance): void {
  assertClose(name, [actual], [expected], scalar);
}

/** Compares `pick(parameter)` of each parameter with the golden tensors of that kind. */
async function assertParameters(
  golden: Golden,
  model: GPT,
  kind: 'gradients' | 'trained',
  pick: (parameter: Tensor) => Tensor | null,
  tolerance: Tolerance,
): Promise<void> {
  const expected = ofKind(golden, kind);
  for (const [name, parameter] of namedParameters(model)) {
    const values = pick(parameter);
    assert.ok(values, `${name} has no gradient`);
    assertClose(`${kind}/${name}`, await values.data(), expected.get(name)!.data, tolerance.tensor);
  }
}

const gradientsOf = (model: GPT, batch: Batch, { training: { labelSmoothing } }: Golden): Promise<number> =>
  accumulateGradients(model, batch, { microBatch, seed: 0, step: 0, labelSmoothing });

async function checkLogits(golden: Golden, backend: Backend, tolerance: Tolerance): Promise<void> {
  const model = load(golden, backend);
  const { B, T, ids } = batchOf(golden, 0);
  const logits = scope(() => model.forward(tensor(ids, [B, T], backend)));
  assert.deepEqual(logits.shape, golden.tensors.get('logits')!.shape);
  assertClose('logits', await logits.data(), golden.tensors.get('logits')!.data, tolerance.tensor);
  logits.dispose();
  model.dispose();
}

async function checkGradients(golden: Golden, backend: Backend, tolerance: Tolerance): Promise<void> {
  const model = load(golden, backend);
  const loss = await gradientsOf(model, batchOf(golden, 0), golden);
  assertScalar('loss', loss, golden.losses[0], tolerance);
  await assertParameters(golden, model, 'gradients', (p) => p.grad, tolerance);
  model.dispose();
}

async function checkTraining(golden: Golden, backend: Backend, tolerance: Tolerance): Promise<void> {
  const { training, losses, gradNorms } = golden;
  const model = load(golden, backend);
  const parameters = namedParameters(model);
  const optimizer = createOptimizer(parameters, { ...seedSettings, ...training });
  for (let step = 0; step < losses.length; step++) {
    optimizer.zeroGrad();
    const loss = await gradientsOf(model, batchOf(golden, step), golden);
    assertScalar(`loss of step ${step}`, loss, losses[step], tolerance);
    const norm = await gradientNorm(parameters);
    assertScalar(`gradient norm of step ${step}`, norm, gradNorms[step], tolerance);
    optimizer.step(step + 1, 1, clipFactor(norm, training.clip));
  }
  await assertParameters(golden, model, 'trained', (p) => p, tolerance);
  optimizer.dispose();
  model.dispose();
}

/** The tests of an engine, on some of the cases. */
export function parityTests({ name: engine, create, skip }: TestEngine, some = cases): void {
  const tolerance = engine === 'webgpu' ? onWebgpu : usual;
  describe(`parity with PyTorch on ${engine}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      backend = await create();
    });
    after(() => backend.dispose());
    for (const name of some) {
      const golden = readGolden(name);
      test(`${name}: logits`, () => checkLogits(golden, backend, tolerance));
      test(`${name}: loss and every gradient`, () => checkGradients(golden, backend, tolerance));
      test(`${name}: ten steps of ${golden.training.optimizer}`, () =>
        checkTraining(golden, backend, tolerance));
    }
  });
}
