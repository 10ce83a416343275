// The matrix product in shared tiles: the reference's results, and the bits of the product from registers. On
// a processor that imitates a GPU each shader takes seconds to compile.
import { after, before, describe, test } from 'node:test';
import type { Precision } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import type { WebgpuBackend } from '../../src/backend/webgpu/index.ts';
import { createTestWebgpu } from '../support/webgpu.ts';
import { assertSame, type Case, compareOutputs, GUARD, type Lab, runCase, type Written } from './support.ts';

const skip = await createTestWebgpu().then(
  (backend) => {
    backend.dispose();
    return false;
  },
  (error: Error) => error.message,
);

const cases: Case[] = [];
for (const [m, n, k] of [
  [64, 64, 16],
  [65, 68, 37],
  [130, 70, 33],
  [96, 50, 600], // in two parts
]) {
  for (const transA of [false, true]) {
    for (const transB of [false, true]) {
      const form = { m, n, k, transA, transB };
      cases.push({
        name: `${m} x ${n} x ${k}${transA ? ' a transposed' : ''}${transB ? ' b transposed' : ''}`,
        tolerance: 3e-5,
        run: (lab) => product(lab, form, (m + n + Number(transA) + 2 * Number(transB)) % 3),
      });
    }
  }
}

interface Form {
  m: number;
  n: number;
  k: number;
  transA: boolean;
  transB: boolean;
}

/** A product with one of its endings. */
function product({ kernels, normal, garbage }: Lab, form: Form, ending: number): Written {
  const { m, n, k } = form;
  const [a, b] = [normal(m * k), normal(k * n)];
  const out = ending === 1 ? normal(m * n) : garbage(m * n + GUARD);
  if (ending === 0) {
    const pre = garbage(m * n + GUARD);
    kernels.matmul(out, a, b, { ...form, bias: normal(n), activation: { kind: 'gelu', pre } });
    return { out, pre };
  }
  if (ending === 1) kernels.matmul(out, a, b, { ...form, accumulate: true });
  else kernels.matmul(out, a, b, { ...form, slope: { kind: 'silu', x: normal(m * n) } });
  return { out };
}

for (const precision of ['f32', 'bf16'] satisfies Precision[]) {
  describe(`webgpu products in tiles, ${precision}`, { skip }, () => {
    let registers: WebgpuBackend;
    let tiles: WebgpuBackend;
    before(async () => {
      registers = await createTestWebgpu({ precision, tiles: false });
      tiles = await createTestWebgpu({ precision, tiles: true });
    });
    after(() => {
      registers.dispose();
      tiles.dispose();
    });
    const reference = createReference({ precision });
    for (const c of cases) {
      test(c.name, async () => {
        const got = await runCase(tiles, c);
        compareOutputs(c, got, await runCase(reference, c));
        const same = await runCase(registers, c);
        for (const name of Object.keys(got)) assertSame(got[name], same[name], `${name} against registers`);
      });
    }
  });
}
