// Tests the definition: every backward of the reference engine against difference quotients of its forward.
// (relu and relu2 have a kink at 0, where quotients are useless; reference.test.ts tests their derivatives.)
import { test } from 'node:test';
import type { Activation, Dropout } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { checkGradients, type Differentiable } from './gradients.ts';

const host = createReference();
const ids = host.alloc('i32', 6);
host.write(ids, Int32Array.of(3, 1, 3, 0, 4, 3));
const target = host.alloc('i32', 1);

const B = 2;
const T = 9;
const H = 2;
const hs = 5;
const dropout: Dropout = { p: 0.3, seed: 5, step: 6, site: 7, offset: 64 };

const kernels: Differentiable[] = [
  ...[false, true].flatMap((transA) =>
    [false, true].map(
      (transB): Differentiable => ({
        name: `matmul${transA ? ' transA' : ''}${transB ? ' transB' : ''}`,
        inputs: { a: 5 * 7, b: 7 * 6, bias: 6 },
        output: 5 * 6,
        forward: (k, out, { a, b, bias }) => k.matmul(out, a, b, { m: 5, n: 6, k: 7, transA, transB, bias }),
        // da = dOut op(b)^T and db = op(a)^T dOut, each in the layout in which it is stored
        backward(k, { a: da, b: db, bias: dBias }, dOut, { a, b }) {
          if (transA) k.matmul(da, b, dOut, { m: 7, n: 5, k: 6, transA: transB, transB: true });
          else k.matmul(da, dOut, b, { m: 5, n: 7, k: 6, transB: !transB });
          if (transB) k.matmul(db, dOut, a, { m: 6, n: 7, k: 5, transA: true, transB: transA });
          else k.matmul(db, a, dOut, { m: 7, n: 6, k: 5, transA: !transA });
          k.sumRows(dBias, dOut, 5, 6);
        },
      }),
    ),
  ),
  {
    name: 'embedding',
    inputs: { tokens: 5 * 4, positions: 3 * 4 },
    output: 2 * 3 * 4,
    forward: (k, out, { tokens, positions }) =>
      k.embedding(out, ids, tokens, positions, { B: 2, T: 3, C: 4, start: 0 }),
    backward: (k, { tokens, positions }, dOut) =>
      k.embeddingBackward(tokens, positions, dOut, ids, { B: 2, T: 3, C: 4 }),
  },
  {
    name: 'layernorm',
    inputs: { x: 4 * 9, weight: 9, bias: 9 },
    output: 4 * 9,
    forward: (k, out, { x, weight, bias }, make) =>
      k.layernorm(out, make('mean', 4), make('rstd', 4), x, weight, bias, { rows: 4, cols: 9, eps: 1e-5 }),
    backward: (k, d, dOut, { x, weight }, make) =>
      k.layernormBackward(d.x, d.weight, d.bias, dOut, x, weight, make('mean', 4), make('rstd', 4), {
        rows: 4,
        cols: 9,
        accumulate: false,
      }),
  },
  {
    name: 'rmsnorm',
    inputs: { x: 4 * 9, weight: 9 },
    output: 4 * 9,
    forward: (k, out, { x, weight }, make) =>
      k.rmsnorm(out, make('rrms', 4), x, weight, { rows: 4, cols: 9, eps: 1e-5 }),
    backward: (k, d, dOut, { x, weight }, make) =>
      k.rmsnormBackward(d.x, d.weight, dOut, x, weight, make('rrms', 4), {
        rows: 4,
        cols: 9,
        accumulate: false,
      }),
  },
  ...(['gelu', 'gelu-tanh', 'silu'] satisfies Activation[]).map(
    (kind): Differentiable => ({
      name: kind,
      inputs: { x: 40 },
      output: 40,
      forward: (k, out, { x }) => k.activation(out, x, kind),
      backward: (k, { x: dx }, dOut, { x }) => k.activationBackward(dx, dOut, x, kind),
    }),
  ),
  {
    name: 'dropout',
    inputs: { x: 300 },
    output: 300,
    forward: (k, out, { x }) => k.dropout(out, x, dropout),
    backward: (k, { x: dx }, dOut) => k.dropout(dx, dOut, dropout),
  },
  ...[null, dropout].map(
    (drop): Differentiable => ({
      name: `attention${drop ? ' with dropout' : ''}`,
      inputs: { qkv: B * T * 3 * H * hs },
      output: B * T * H * hs,
      forward: (k, out, { qkv }, make) =>
        k.attention(out, make('lse', B * H * T), qkv, { B, T, H, hs, scale: 0.4 }, drop),
      backward(k, { qkv: dqkv }, dOut, { qkv }, make) {
        const out = make('out', B * T * H * hs);
        const lse = make('lse', B * H * T);
        k.attention(out, lse, qkv, { B, T, H, hs, scale: 0.4 }, drop);
        k.attentionBackward(dqkv, dOut, out, lse, qkv, { B, T, H, hs, scale: 0.4 }, drop);
      },
    }),
  ),
  {
    name: 'qkNorm',
    inputs: { qkv: 4 * 3 * H * hs, weight: 2 * hs },
    output: 4 * 3 * H * hs,
    forward: (k, out, { qkv, weight }, make) =>
      k.qkNorm(out, make('rrms', 4 * 2 * H), qkv, weight, { rows: 4, H, hs, eps: 1e-5 }),
    backward: (k, d, dOut, { qkv, weight }, make) =>
      k.qkNormBackward(d.qkv, d.weight, dOut, qkv, weight, make('rrms', 4 * 2 * H), { rows: 4, H, hs }),
  },
  {
    name: 'mix',
    inputs: { a: 4 * 9, b: 4 * 9, weight: 1 },
    output: 4 * 9,
    forward: (k, out, { a, b, weight }) => k.mix(out, a, b, weight, { rows: 4, cols: 9, from: 3, to: 8 }),
    backward: (k, d, dOut, { a, b, weight }) =>
      k.mixBackward(d.a, d.b, d.weight, dOut, a, b, weight, {
        rows: 4,
        cols: 9,
        from: 3,
        to: 8,
        accumulate: false,
      }),
  },
  {
    name: 'softcap',
    inputs: { x: 40 },
    output: 40,
    forward: (k, out, { x }, make) => {
      k.softcap(out, x, 1.5);
      k.copy(make('y', 40), out);
    },
    backward: (k, { x: dx }, dOut, _, make) => k.softcapBackward(dx, dOut, make('y', 40), 1.5),
  },
  {
    name: 'rope',
    inputs: { qkv: B * T * 3 * H * hs },
    output: B * T * 3 * H * hs,
    forward: (k, out, { qkv }) => k.rope(out, qkv, { B, T, H, hs, start: 3, base: 10000, inverse: false }),
    backward: (k, { qkv: dqkv }, dOut) =>
      k.rope(dqkv, dOut, { B, T, H, hs, start: 3, base: 10000, inverse: true }),
  },
  ...[0, 0.2].map(
    (smoothing): Differentiable => ({
      name: `crossEntropy, smoothing ${smoothing}`,
      inputs: { logits: 6 * 7 },
      output: 6,
      forward: (k, out, { logits }, make) =>
        k.crossEntropy(out, make('lse', 6), logits, ids, { rows: 6, cols: 7, smoothing }),
      // The loss is factor * sum(losses), so rows are tested one at a time, each with its own factor.
      backward(k, { logits: dLogits }, dOut, { logits }, make) {
        const [row, dRow, lse] = [make('row', 7), make('dRow', 7), make('rowLse', 1)];
        for (let r = 0; r < 6; r++) {
          k.copy(row, logits, 0, r * 7, 7);
          k.copy(lse, make('lse', 6), 0, r, 1);
          k.copy(target, ids, 0, r, 1);
          const factor = host.readSync(dOut, r, 1)[0];
          k.crossEntropyBackward(dRow, row, lse, target, { rows: 1, cols: 7, factor, smoothing });
          k.copy(dLogits, dRow, r * 7);
        }
      },
    }),
  ),
];

for (const d of kernels) test(`gradient of ${d.name}`, () => checkGradients(d));
