// The contract's kernels as calls of the addon. Read next: ../packed-kernels.ts, native/call.h.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import { packedKernels } from '../packed-kernels.ts';
import type { Addon, Id } from './addon.ts';
import type { Shared } from './threads.ts';
import { nativeAdvice } from './toolchain.ts';

/** All kernels on the threads of `team`. Throws as `packedKernels`. */
export function createKernels(
  addon: Addon,
  { engine, packed }: Pick<Shared, 'engine' | 'packed'>,
  id: (buffer: DeviceBuffer) => Id,
): Kernels {
  const list = { kernels: addon.kernels, who: 'the native addon', advice: () => nativeAdvice() };
  return packedKernels(list, packed, id, engine.call.bind(engine));
}
