// No kernel without a case.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapKernels } from '../../src/backend/call.ts';
import type { DeviceBuffer, DType } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { signatures } from '../../src/backend/signatures.ts';
import { dtypeOf } from '../../src/tensor/tensor.ts';
import { families } from './cases/index.ts';

test('every kernel has a case', () => {
  const called = new Set<string>();
  const kernels = wrapKernels(createReference().kernels, ({ name }) => void called.add(name));
  const buffer = (length: number, dtype: DType = 'f32'): DeviceBuffer => ({ length, dtype });
  const lab = {
    kernels,
    normal: (length: number) => buffer(length),
    ids: (length: number) => buffer(length, 'i32'),
    garbage: buffer,
    put: (data: Float32Array | Int32Array | Int8Array) => buffer(data.length, dtypeOf(data)),
  };
  for (const { run } of Object.values(families).flat()) run(lab);
  assert.deepEqual(
    Object.keys(signatures).filter((name) => !called.has(name)),
    [],
  );
});
