// Optimizers against the same formulas in plain float64 loops, on every engine of this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { parameter, type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { rateMultipliers } from '../../src/train/groups.ts';
import { orthogonalize } from '../../src/train/muon.ts';
import { createOptimizer, type OptimizerOptions } from '../../src/train/optimizers.ts';
import { checkSuited, seedSettings } from '../../src/train/settings.ts';
import { assertClose } from '../conformance/support.ts';
import { engines, onEveryEngine } from '../support/engines.ts';

const random = createRandom({ seed: 11 });
const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());

const options: OptimizerOptions = {
  ...seedSettings,
  optimizer: 'muon',
  lr: 0.01,
  muonLr: 0.03,
  weightDecay: 0.1,
};

await onEveryEngine('optimizers', (backend) => {
  for (const [m, n] of [
    [1, 1],
    [1, 7],
    [12, 12],
    [20, 33],
    [33, 20],
    [64, 17],
  ]) {
    test(`Newton-Schulz of ${m} x ${n} is the quintic, five times, in float64`, async () => {
      const values = normals(m * n);
      const x = tensor(Float32Array.from(values), [m, n], backend);
      orthogonalize(x);
      assertClose(await x.data(), newtonSchulz(Float64Array.from(values, Math.fround), m, n), 'O', 1e-4);
      x.dispose();
    });
  }

  test('Newton-Schulz brings all singular values near 1, from far apart', async () => {
    const [m, n] = [24, 40];
    const x = tensor(
      Float32Array.from(normals(m * n), (v, i) => v * 0.9 ** Math.floor(i / n)),
      [m, n],
      backend,
    );
    orthogonalize(x);
    const o = Float64Array.from(await x.data());
    x.dispose();
    const squares = eigenvalues(multiply(o, transpose(o, m, n), m, m, n), m);
    assert.equal(squares.length, m);
    for (const square of squares) {
      const s = Math.sqrt(square);
      assert.ok(s > 0.68 && s < 1.21, `singular value ${s}`);
    }
  });

  test('Newton-Schulz leaves zeros alone, whatever the scale is indifferent, and vectors are refused', async () => {
    const zero = tensor(new Float32Array(6), [2, 3], backend);
    orthogonalize(zero);
    assert.deepEqual([...(await zero.data())], [0, 0, 0, 0, 0, 0]);
    const values = Float32Array.from(normals(6));
    const [small, large] = [1e-3, 1e3].map((f) =>
      tensor(
        values.map((v) => f * v),
        [2, 3],
        backend,
      ),
    );
    orthogonalize(small);
    orthogonalize(large);
    assertClose(await small.data(), await large.data(), 'scaled', 1e-3);
    const vector = tensor(values, [6], backend);
    assert.throws(() => orthogonalize(vector), /Tensor\(f32 \[6\]\) is not a matrix: .* AdamW/);
    for (const t of [zero, small, large, vector]) t.dispose();
  });

  test('Muon: three steps by the book, AdamW for the rest, both rates on the schedule', async () => {
    const shapes: Record<string, number[]> = {
      'tokens.weight': [9, 6],
      'blocks.0.attn.qkv.weight': [18, 6],
      'blocks.0.attn.qkv.bias': [18],
      'blocks.0.mlp.fc.weight': [24, 6],
      'blocks.0.mlp.proj.weight': [6, 24],
    };
    const { parameters, mirror } = makeParameters(shapes, backend);
    const optimizer = createOptimizer(parameters, { ...options, decay: 'matrices' });
    for (const [t, share] of [0.5, 1, 0.25].entries()) {
      const grads = giveGradients(parameters);
      optimizer.step(t + 1, share, 0.5);
      for (const [key, p] of mirror) {
        const rule = p.shape.length === 2 && key.startsWith('blocks.') ? muonByTheBook : adamwByTheBook;
        rule(p, grads.get(key) as Float64Array, t + 1, share);
      }
    }
    for (const [key, p] of mirror) assertClose(await data(parameters, key), p.values, key, 2e-4);
    optimizer.dispose();
    for (const p of parameters.values()) p.dispose();
  });

  test('Muon moves the matrices where AdamW has a rate of 0', async () => {
    const shapes = { 'tokens.weight': [3, 4], 'blocks.0.mlp.fc.weight': [6, 4] };
    const { parameters, mirror } = makeParameters(shapes, backend);
    const optimizer = createOptimizer(parameters, { ...options, lr: 0 });
    const grads = giveGradients(parameters);
    optimizer.step(1, 0.5, 0.5);
    const matrix = mirror.get('blocks.0.mlp.fc.weight') as Mirror;
    const still = (mirror.get('tokens.weight') as Mirror).values;
    assert.deepEqual(Float64Array.from(await data(parameters, 'tokens.weight')), still);
    muonByTheBook(matrix, grads.get('blocks.0.mlp.fc.weight') as Float64Array, 1, 0.5);
    assertClose(await data(parameters, 'blocks.0.mlp.fc.weight'), matrix.values, 'matrix', 2e-4);
    optimizer.dispose();
    for (const p of parameters.values()) p.dispose();
  });

  test('layerDecay and the multipliers act on the rates', async () => {
    const shapes = {
      'tokens.weight': [3, 4],
      'blocks.0.norm1.weight': [4],
      'blocks.1.norm1.weight': [4],
      'head.weight': [3, 4],
    };
    const { parameters, mirror } = makeParameters(shapes, backend);
    const groups = { layerDecay: 0.5, embedRate: 3, headRate: 0.1, decay: 'all' } as const;
    const optimizer = createOptimizer(parameters, { ...options, ...groups, optimizer: 'adamw' });
    const rates = [3 / 8, 1 / 4, 1 / 2, 1 / 10];
    const grads = giveGradients(parameters);
    optimizer.step(1, 1, 0.5);
    for (const [i, [key, p]] of [...mirror].entries()) {
      adamwByTheBook(p, grads.get(key) as Float64Array, 1, rates[i]);
      assertClose(await data(parameters, key), p.values, key, 1e-6);
    }
    optimizer.dispose();
    for (const p of parameters.values()) p.dispose();
  });
});

test('a model without matrices in blocks is no work for Muon', async () => {
  const [{ create }] = (await engines()).filter((e) => e.name === 'reference');
  const backend = await create();
  const { parameters } = makeParameters({ 'tokens.weight': [3, 4], 'blocks.0.norm1.weight': [4] }, backend);
  assert.throws(
    () => createOptimizer(parameters, options),
    /'muon' is for matrices inside blocks.*none of the 2.*'adamw'/,
  );
});

test('a rate for a head that there is not is refused', () => {
  const rates = { layerDecay: 1, embedRate: 1, headRate: 0.5, dropoutRise: 0, logitTemperature: 1 };
  const tied = { tieWeights: true, headBias: false, dropout: 0, logitCap: 0 };
  assert.throws(() => checkSuited(rates, tied), /headRate 0.5 acts on nothing: .* embedRate/);
  checkSuited({ ...rates, headRate: 1 }, tied);
  checkSuited(rates, { ...tied, headBias: true });
  assert.equal(rateMultipliers(['tokens.weight', 'head.bias'], rates).get('head.bias'), 0.5);
});

test('rates by depth: the head and the last norm learn fully, each layer below a step less', async () => {
  const [{ create }] = (await engines()).filter((e) => e.name === 'reference');
  const backend = await create();
  const model = new GPT(makeConfig(presets.tiny, 300, { nLayer: 3 }), { backend });
  const rates = rateMultipliers(namedParameters(model).keys(), {
    layerDecay: 0.5,
    embedRate: 1,
    headRate: 1,
  });
  const of = (key: string): number | undefined => rates.get(key);
  assert.deepEqual(
    [
      'norm.weight',
      'blocks.2.mlp.fc.weight',
      'blocks.1.norm1.weight',
      'blocks.0.attn.qkv.weight',
      'tokens.weight',
    ].map(of),
    [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16],
  );
  model.dispose();
});

// ---- the formulas ----------------------------------------------------------------------------------------

interface Mirror {
  values: Float64Array;
  shape: readonly number[];
  first: Float64Array;
  second: Float64Array;
}

function makeParameters(
  shapes: Readonly<Record<string, readonly number[]>>,
  backend: Backend,
): { parameters: Map<string, Tensor>; mirror: Map<string, Mirror> } {
  const parameters = new Map<string, Tensor>();
  const mirror = new Map<string, Mirror>();
  for (const [key, shape] of Object.entries(shapes)) {
    const values = Float32Array.from(normals(shape.reduce((x, y) => x * y, 1)));
    parameters.set(key, parameter(values, shape, backend));
    const [first, second] = [new Float64Array(values.length), new Float64Array(values.length)];
    mirror.set(key, { values: Float64Array.from(values), shape, first, second });
  }
  return { parameters, mirror };
}

function giveGradients(parameters: ReadonlyMap<string, Tensor>): Map<string, Float64Array> {
  const grads = new Map<string, Float64Array>();
  for (const [key, p] of parameters) {
    const grad = Float32Array.from(normals(p.size));
    p.grad?.dispose();
    p.grad = tensor(grad, p.shape, p.backend);
    grads.set(key, Float64Array.from(grad));
  }
  return grads;
}

async function data(parameters: ReadonlyMap<string, Tensor>, key: string): Promise<Float32Array> {
  return (parameters.get(key) as Tensor).data();
}

function adamwByTheBook(p: Mirror, grad: Float64Array, t: number, share: number): void {
  const { beta1, beta2, eps, weightDecay } = options;
  const lr = share * options.lr;
  grad.forEach((raw, i) => {
    const g = 0.5 * raw;
    p.first[i] = beta1 * p.first[i] + (1 - beta1) * g;
    p.second[i] = beta2 * p.second[i] + (1 - beta2) * g * g;
    const decay = p.shape.length === 2 || p.shape[0] === 4 ? weightDecay : 0;
    p.values[i] *= 1 - lr * decay;
    p.values[i] -= (lr * (p.first[i] / (1 - beta1 ** t))) / (Math.sqrt(p.second[i] / (1 - beta2 ** t)) + eps);
  });
}

function muonByTheBook(p: Mirror, grad: Float64Array, _t: number, share: number): void {
  const { muonMomentum: mu, weightDecay } = options;
  const lr = share * options.muonLr;
  const direction = grad.map((raw, i) => {
    p.first[i] = mu * p.first[i] + 0.5 * raw;
    return 0.5 * raw + mu * p.first[i];
  });
  // Queries, keys and values separately.
  const [rows, cols] = [p.shape[0] === 18 ? 6 : p.shape[0], p.shape[1]];
  for (let at = 0; at < direction.length; at += rows * cols) {
    const o = newtonSchulz(direction.slice(at, at + rows * cols), rows, cols);
    o.forEach((v, i) => {
      const old = p.values[at + i] * (1 - lr * weightDecay);
      p.values[at + i] = old - lr * Math.sqrt(Math.max(1, rows / cols)) * v;
    });
  }
}

/** As Jordan et al. write it: transposed first if there are more rows than columns. */
function newtonSchulz(g: Float64Array, m: number, n: number): Float64Array {
  if (m > n) return transpose(newtonSchulz(transpose(g, m, n), n, m), n, m);
  const norm = Math.sqrt(g.reduce((sum, v) => sum + v * v, 0)) + 1e-7;
  let x = g.map((v) => v / norm);
  for (let round = 0; round < 5; round++) {
    const gram = multiply(x, transpose(x, m, n), m, m, n);
    const square = multiply(gram, gram, m, m, m);
    const poly = gram.map((v, i) => -4.775 * v + 2.0315 * square[i]);
    const px = multiply(poly, x, m, n, m);
    x = x.map((v, i) => 3.4445 * v + px[i]);
  }
  return x;
}

/** a [m, k] b [k, n] -> [m, n] */
function multiply(a: Float64Array, b: Float64Array, m: number, n: number, k: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) for (let p = 0; p < k; p++) out[i * n + j] += a[i * k + p] * b[p * n + j];
  return out;
}

/** [m, n] -> [n, m] */
function transpose(x: Float64Array, m: number, n: number): Float64Array {
  return Float64Array.from(x, (_, i) => x[(i % m) * n + Math.floor(i / m)]);
}

/** Eigenvalues of a symmetric matrix [n, n], by Jacobi rotations. */
function eigenvalues(matrix: Float64Array, n: number): number[] {
  const a = Float64Array.from(matrix);
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const angle = 0.5 * Math.atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        for (let i = 0; i < n; i++) {
          const [x, y] = [a[i * n + p], a[i * n + q]];
          a[i * n + p] = cos * x - sin * y;
          a[i * n + q] = sin * x + cos * y;
        }
        for (let i = 0; i < n; i++) {
          const [x, y] = [a[p * n + i], a[q * n + i]];
          a[p * n + i] = cos * x - sin * y;
          a[q * n + i] = sin * x + cos * y;
        }
      }
    }
  }
  return Array.from({ length: n }, (_, i) => a[i * n + i]);
}
