// The WebGPU engine against the reference: each case whose kernels it has. Equal bits, whatever the limits of
// its passes, and in recorded programs. One family: node --test --test-name-pattern="webgpu matmul"
// dist/test/conformance/webgpu.long.test.js
import { after, before, describe, test } from 'node:test';
import type { HostArray, Precision } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import type { WebgpuBackend } from '../../src/backend/webgpu/index.ts';
import { createTestWebgpu } from '../support/webgpu.ts';
import { families } from './cases/index.ts';
import { assertSame, type Case, compareOutputs, runCase } from './support.ts';

/** Sums in float32, in another order than the definition's. */
const TOLERANCE = 3e-5;
const IN_BF16: Record<string, number> = { matmul: 3e-5, attention: 5e-3 };

const skip = await createTestWebgpu().then(
  (backend) => {
    backend.dispose();
    return false;
  },
  (error: Error) => error.message,
);

for (const [family, cases] of Object.entries(families)) {
  familyTests(family, cases, 'f32', TOLERANCE);
  if (IN_BF16[family]) familyTests(family, cases, 'bf16', IN_BF16[family]);
}

function familyTests(family: string, cases: Case[], precision: Precision, tolerance: number): void {
  describe(`webgpu ${family} in ${precision}`, { skip }, () => {
    let whole: WebgpuBackend;
    let pieces: WebgpuBackend;
    before(async () => {
      whole = await createTestWebgpu({ precision });
      pieces = await createTestWebgpu({ precision, passWork: 1_000_000 });
    });
    after(() => {
      whole.dispose();
      pieces.dispose();
    });
    const reference = createReference({ precision });
    for (const c of cases) {
      test(c.name, async (t) => {
        let first: Record<string, HostArray>;
        try {
          first = await runCase(whole, c);
        } catch (error) {
          if (!(error as Error).message.includes('does not have this kernel')) throw error;
          return t.skip('a kernel is missing');
        }
        compareOutputs({ ...c, tolerance: c.tolerance ?? tolerance }, first, await runCase(reference, c));
        for (const [backend, how] of [
          [pieces, 'called'],
          [whole, 'recorded'],
        ] as const) {
          const again = await runCase(backend, c, how);
          for (const name of Object.keys(first))
            assertSame(again[name], first[name], `${c.name}: ${name} ${how} again`);
        }
      });
    }
  });
}
