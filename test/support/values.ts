// Reads the elements of a tensor synchronously, on engines that allow it, for tests that compare value after
// value.
import type { ArrayOf, DType } from '../../src/backend/contract.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

/** Throws where the tensor is null. */
export function valuesOf<D extends DType>(tensor: Tensor<D> | null | undefined): ArrayOf<D> {
  if (!tensor) throw new Error('there is no tensor');
  return tensor.backend.readSync(tensor.buffer, 0, tensor.size) as ArrayOf<D>;
}
