// Every op's backward against finite differences: a step along the gradient must change the loss as
// predicted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACTIVATION_KINDS } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import * as ops from '../../src/tensor/ops.ts';
import { Int8Tensor } from '../../src/tensor/quantized.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { scope } from '../../src/tensor/scope.ts';
import { withGradients } from '../../src/tensor/tape.ts';
import { empty, parameter, sizeOf, type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { engines } from '../support/engines.ts';
import { valuesOf } from '../support/values.ts';

const backend = createReference();
const B = 2;
const T = 5;
const C = 6;
const H = 2;
const hs = 3;

/** Inputs by shape, and the op. Its result is read as logits, with random targets. */
type Case = [name: string, shapes: number[][], op: (...inputs: Tensor[]) => Tensor];

const mask = { p: 0.4, seed: 3, step: 1, site: 2, offset: 70 };
const shape = { B, T, H, hs, scale: 0.7 };

const cases: Case[] = [
  ['linear', [[B, T, C], [4, C], [4]], (x, w, b) => ops.linear(x, w, b)],
  [
    'linear without bias',
    [
      [B, T, C],
      [4, C],
    ],
    (x, w) => ops.linear(x, w, null),
  ],
  [
    'embedding with positions',
    [
      [9, C],
      [T + 2, C],
    ],
    (w, p) => ops.embedding(ids(), w, p, 0),
  ],
  ['embedding', [[9, C]], (w) => ops.embedding(ids(), w, null, 0)],
  ['layernorm', [[B, T, C], [C], [C]], (x, w, b) => ops.layernorm(x, w, b, 1e-5)],
  ['layernorm without bias', [[B, T, C], [C]], (x, w) => ops.layernorm(x, w, null, 1e-5)],
  ['rmsnorm', [[B, T, C], [C]], (x, w) => ops.rmsnorm(x, w, 1e-5)],
  ['relu', [[B, T, C]], (x) => ops.activation(x, 'relu')],
  ['gelu', [[B, T, C]], (x) => ops.activation(x, 'gelu')],
  ['relu2', [[B, T, C]], (x) => ops.activation(x, 'relu2')],
  ['silu', [[B, T, C]], (x) => ops.activation(x, 'silu')],
  ['gelu-tanh', [[B, T, C]], (x) => ops.activation(x, 'gelu-tanh')],
  ...(['gelu', 'gelu-tanh', 'silu'] as const).map(
    // near relu's kink for some of so many values: covered by the test below
    (kind): Case => [
      `mlp with ${kind}`,
      [[B, T, C], [9, C], [9], [4, 9], [4]],
      (x, W1, b1, W2, b2) => ops.mlp(x, { weight: W1, bias: b1 }, kind, { weight: W2, bias: b2 }),
    ],
  ),
  [
    'add with dropout',
    [
      [B, T, C],
      [B, T, C],
    ],
    (a, b) => ops.add(a, b, mask),
  ],
  ['add without dropout', [[B, T, C]], (x) => ops.add(x, x, null)],
  [
    'add',
    [
      [B, T, C],
      [B, T, C],
    ],
    (a, b) => ops.add(a, b),
  ],
  ['add to itself', [[B, T, C]], (a) => ops.add(a, a)],
  [
    'a value used three times',
    [[B, T, C], [C]],
    (x, w) => ops.add(ops.rmsnorm(x, w, 1e-5), ops.add(x, ops.activation(x, 'silu'))),
  ],
  [
    'qkNorm',
    [
      [B, T, 3 * H * hs],
      [2, hs],
    ],
    (x, w) => ops.qkNorm(x, w, { H, hs, eps: 1e-5 }),
  ],
  ['mix', [[B, T, C], [B, T, C], [1]], (a, b, w) => ops.mix(a, b, w)],
  ['mix of some columns', [[B, T, C], [B, T, C], [1]], (a, b, w) => ops.mix(a, b, w, { from: 2, to: 5 })],
  [
    'mix of values that are used elsewhere, too',
    [[B, T, C], [C], [1]],
    (x, g, w) => {
      const early = ops.rmsnorm(x, g, 1e-5);
      const late = ops.mix(ops.activation(early, 'silu'), early, w, { from: 3 });
      return ops.mix(ops.add(late, early), early, w);
    },
  ],
  ['shift', [[B, T, C]], (x) => ops.shift(x, 3)],
  ['shift of a value that is used elsewhere, too', [[B, T, C]], (x) => ops.add(x, ops.shift(x, 2))],
  ['softcap', [[B, T, C]], (x) => ops.softcap(x, 1.5)],
  ['rope', [[B, T, 3 * H * hs]], (x) => ops.rope(x, { H, hs, start: 2, base: 100 })],
  ['attention', [[B, T, 3 * H * hs]], (x) => ops.attention(x, shape, null)],
  ['attention with dropout', [[B, T, 3 * H * hs]], (x) => ops.attention(x, shape, { ...mask, offset: 64 })],
];

describe('gradients against finite differences', () => {
  for (const [name, shapes, op] of cases) {
    test(name, () => {
      const random = createRandom({ seed: 7, stream: 9 });
      const inputs = shapes.map((s) => {
        const size = s.reduce((a, b) => a * b, 1);
        return parameter(
          Float32Array.from({ length: size }, () => random.normal()),
          s,
          backend,
        );
      });
      const loss = (): Tensor => {
        const y = op(...inputs);
        const cols = y.shape.at(-1) as number;
        const rows = y.size / cols;
        const targets = Int32Array.from({ length: rows }, (_, r) => (r * 5) % cols);
        return ops.crossEntropy(y, tensor(targets, y.shape.slice(0, -1), backend));
      };
      withGradients(loss).dispose();
      for (const [i, input] of inputs.entries()) {
        agrees(input, () => scope(() => mean(loss())), `input ${i} of ${name}`);
      }
    });
  }
});

for (const { name, create, skip } of await engines()) {
  for (const precision of ['f32', 'bf16'] as const) {
    test(`mlp is linear, activation and linear, bit for bit, on ${name} in ${precision}`, {
      skip,
    }, async () => {
      const engine = await create({ precision });
      const random = createRandom({ seed: 8, stream: 9 });
      const normal = (...s: number[]): Tensor =>
        parameter(
          Float32Array.from({ length: sizeOf(s) }, () => random.normal()),
          s,
          engine,
        );
      for (const kind of ACTIVATION_KINDS) {
        const [x, W1, b1, W2, b2] = [
          normal(3, 29, 40),
          normal(161, 40),
          normal(161),
          normal(36, 161),
          normal(36),
        ];
        const target = tensor(new Int32Array(3 * 29), [3, 29], engine);
        const results: Float32Array[][] = [];
        for (const op of [
          () => ops.mlp(x, { weight: W1, bias: b1 }, kind, { weight: W2, bias: b2 }),
          () => ops.linear(ops.activation(ops.linear(x, W1, b1), kind), W2, b2),
        ]) {
          const bits = [await withGradients(() => ops.crossEntropy(op(), target)).data()];
          for (const input of [x, W1, b1, W2, b2]) {
            bits.push((await input.grad?.data()) as Float32Array);
            input.grad?.dispose();
            input.grad = null;
          }
          results.push(bits);
        }
        assert.deepEqual(results[0], results[1], kind);
      }
      engine.dispose();
    });
  }
}

test('the gradient with teachers is that of the cross entropy with soft targets', () => {
  const random = createRandom({ seed: 11, stream: 9 });
  const [R, V] = [4, 7];
  const normal = (): Float32Array => Float32Array.from({ length: R * V }, () => random.normal());
  const z = parameter(normal(), [R, V], backend);
  const taught = [normal(), normal(), normal()].map((values) => tensor(values, [R, V], backend));
  const targets = tensor(Int32Array.of(3, 0, 6, 3), [R], backend);
  const [factor, smoothing, weight] = [0.3, 0.1, 0.7];
  const softmax = (row: ArrayLike<number>): number[] => {
    const powers = Array.from(row, Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
  const rowOf = (t: Tensor, r: number): ArrayLike<number> => valuesOf(t).subarray(r * V, (r + 1) * V);
  /** Minus the sum over all rows and tokens of target times log probability. */
  const softLoss = (): number => {
    let loss = 0;
    for (let r = 0; r < R; r++) {
      const [own, ...theirs] = [z, ...taught].map((t) => softmax(rowOf(t, r)));
      for (let v = 0; v < V; v++) {
        const text = (valuesOf(targets)[r] === v ? 1 - smoothing : 0) + smoothing / V;
        const mean = theirs.reduce((sum, p) => sum + p[v], 0) / theirs.length;
        loss -= factor * ((1 - weight) * text + weight * mean) * Math.log(own[v]);
      }
    }
    return loss;
  };
  const plain = withGradients(() => ops.crossEntropy(z, targets, factor, smoothing));
  z.grad?.dispose();
  z.grad = null;
  const losses = withGradients(() => {
    const pull = ops.pullOf(taught, targets, { factor, smoothing, weight });
    return ops.crossEntropy(z, targets, factor, smoothing, pull);
  });
  assert.deepEqual(valuesOf(losses), valuesOf(plain), 'the losses are those on the text');
  agrees(z, softLoss, 'the logits');
});

test('gradients add up over calls until they are zeroed', () => {
  const w = parameter(Float32Array.from([0.3, -0.2, 0.5, 0.1]), [2, 2], backend);
  const x = tensor(Float32Array.from([1, 2]), [1, 2], backend);
  const target = tensor(Int32Array.from([1]), [1], backend);
  const once = (): Float32Array => {
    withGradients(() => ops.crossEntropy(ops.linear(x, w, null), target)).dispose();
    return valuesOf(w.grad).slice() as Float32Array;
  };
  const first = once();
  assert.deepEqual([...once()], [...first.map((g) => 2 * g)]);
});

test('the tape frees what it made, also when the forward throws', () => {
  const before = backend.memory().live;
  const w = parameter(new Float32Array(4), [2, 2], backend);
  const x = parameter(new Float32Array(2), [1, 2], backend);
  const target = tensor(new Int32Array(1), [1], backend);
  withGradients(() => ops.crossEntropy(ops.activation(ops.linear(x, w, null), 'relu'), target)).dispose();
  assert.throws(() => withGradients(() => ops.add(ops.linear(x, w, null), w)), /add: .* differ in size/);
  for (const t of [w, x, target]) t.dispose();
  assert.equal(backend.memory().live, before);
});

test('shapes that do not fit are refused, and so is training through INT8', () => {
  const x = parameter(new Float32Array(6), [2, 3], backend);
  const w = parameter(new Float32Array(8), [2, 4], backend);
  assert.throws(
    () => ops.linear(x, w, null),
    /linear: input Tensor\(f32 \[2, 3\]\) does not fit the weight \[2, 4\]/,
  );
  const q = new Int8Tensor(empty([2, 3], 'i8', backend), empty([2], 'f32', backend), 'int8');
  assert.throws(
    () => withGradients(() => ops.linear(x, q, null)),
    /a quantised weight cannot be trained through/,
  );
});

function ids(): Tensor<'i32'> {
  return tensor(
    Int32Array.from({ length: B * T }, (_, i) => (i * 4) % 9),
    [B, T],
    backend,
  );
}

function mean(losses: Tensor): number {
  const values = valuesOf(losses);
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** (L(x + h g) - L(x - h g)) / 2h = |g|^2 for small h, with the gradient g scaled to length 1. */
function agrees(input: Tensor, loss: () => number, what: string): void {
  const x = valuesOf(input).slice();
  const g = valuesOf(input.grad);
  const norm = Math.hypot(...g);
  assert.ok(norm > 1e-4, `${what} has a gradient`);
  const h = 5e-3;
  const at = (factor: number): number => {
    input.write(x.map((v, i) => v + (factor * g[i]) / norm));
    return loss();
  };
  const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  input.write(x);
  assert.ok(
    Math.abs(slope - norm) < 2e-3 * norm + 2e-5,
    `${what}: gradient ${norm}, finite difference ${slope}`,
  );
}
