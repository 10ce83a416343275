// The native engine against the reference: every case, on every instruction set that this machine has, with 1 to 5 threads.
// One family: node --test --test-name-pattern="avx2 matmul" dist/test/conformance/native.test.js
import { after, describe, test } from 'node:test';
import type { Backend, HostArray, Precision } from '../../src/backend/contract.ts';
import { createNative } from '../../src/backend/native/index.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { backendTests } from './backend.ts';
import { families } from './cases/index.ts';
import { programTests } from './programs.ts';
import { assertSame, type Case, compareOutputs, runCase } from './support.ts';

const THREADS = [1, 2, 3, 5];

const references: Record<Precision, Backend> = {
  f32: createReference(),
  bf16: createReference({ precision: 'bf16' }),
};
const wanted = new Map<string, Promise<Record<string, HostArray>>>();
function referenceResult(precision: Precision, c: Case): Promise<Record<string, HostArray>> {
  const key = `${precision} ${c.name}`;
  const known = wanted.get(key) ?? runCase(references[precision], c);
  wanted.set(key, known);
  return known;
}

/** Families whose kernels depend on the precision, and the tolerance: a sum near a tie may round either way. */
const IN_BF16: Record<string, number> = { matmul: 1e-5, attention: 5e-3 };

for (const isa of ['avx512', 'avx2', 'portable']) {
  const engines: Backend[] = [];
  const bf16: Backend[] = [];
  let missing = '';
  try {
    for (const threads of THREADS) {
      engines.push(await open(isa, threads));
      bf16.push(await open(isa, threads, 'bf16'));
    }
  } catch (error) {
    missing = (error as Error).message;
  }
  if (missing) {
    test(`native ${isa}`, { skip: missing });
    continue;
  }
  describe(`native ${isa}`, () => {
    after(() => {
      for (const engine of [...engines, ...bf16]) engine.dispose();
    });
    backendTests(() => open(isa, 2));
    programTests(() => open(isa, 2));
    describe('in bf16', () => programTests(() => open(isa, 2, 'bf16')));
    for (const [family, cases] of Object.entries(families)) {
      describe(`${isa} ${family}`, () => {
        for (const c of cases) test(c.name, () => agree(c, engines));
      });
      const tolerance = IN_BF16[family];
      if (tolerance === undefined) continue;
      describe(`${isa} ${family} in bf16`, () => {
        for (const c of cases) test(c.name, () => agree({ ...c, tolerance }, bf16));
      });
    }
  });
}

/** All engines give the reference's result, and all the same bits, recorded too. */
async function agree(c: Case, engines: Backend[]): Promise<void> {
  const first = await runCase(engines[0], c);
  compareOutputs(c, first, await referenceResult(engines[0].precision, c));
  const same = (result: Record<string, HostArray>, how: string): void => {
    for (const name of Object.keys(first)) assertSame(result[name], first[name], `${c.name}: ${name} ${how}`);
  };
  for (let i = 1; i < engines.length; i++) {
    same(await runCase(engines[i], c), `with ${THREADS[i]} threads, against 1 thread`);
  }
  same(await runCase(engines[0], c, 'recorded'), 'recorded, against called');
  same(await runCase(engines[2], c, 'recorded'), `recorded, with ${THREADS[2]} threads`);
}

/** A native engine of this instruction set. Throws with the reason when there is none here. */
async function open(isa: string, threads: number, precision: Precision = 'f32'): Promise<Backend> {
  const before = process.env.INKHORN_ISA;
  process.env.INKHORN_ISA = isa;
  try {
    return await createNative({ threads, precision });
  } finally {
    if (before === undefined) delete process.env.INKHORN_ISA;
    else process.env.INKHORN_ISA = before;
  }
}
