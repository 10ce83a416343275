// The elements of a tensor at once, on engines that can wait: for tests that compare one value after another.
import type { ArrayOf, DType } from '../../src/backend/contract.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

/** Throws where there is no tensor. */
export function valuesOf<D extends DType>(tensor: Tensor<D> | null | undefined): ArrayOf<D> {
  if (!tensor) throw new Error('there is no tensor');
  return tensor.backend.readSync(tensor.buffer, 0, tensor.size) as ArrayOf<D>;
}
