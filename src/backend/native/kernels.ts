// The contract's kernels as calls of the addon. Read next: native/call.h.
import { type Args, calls, type KernelName } from '../call.ts';
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { Addon, Id } from './addon.ts';
import type { Shared } from './threads.ts';
import { nativeAdvice } from './toolchain.ts';

/**
 * All kernels on the threads of `team`. `id` gives a buffer's number, and throws for buffers of other engines. Throws when the
 * addon takes another kernel, or one with other parameters, than its row says.
 */
export function createKernels(
  addon: Addon,
  { engine, packed }: Pick<Shared, 'engine' | 'packed'>,
  id: (buffer: DeviceBuffer) => Id,
): Kernels {
  const kernels = addon.kernels.map(({ name, layout }, number) => {
    const call = calls[name as KernelName];
    if (call?.layout !== layout) throw new Error(differs(name, layout, call?.layout));
    return [
      name,
      (...args: Args): void => {
        call.pack(args, id, packed);
        engine.call(number);
      },
    ];
  });
  const missing = Object.keys(calls).find((name) => !addon.kernels.some((kernel) => kernel.name === name));
  if (missing) throw new Error(differs(missing, undefined, calls[missing as KernelName].layout));
  return Object.fromEntries(kernels) as Kernels;
}

function differs(name: string, there: string | undefined, here: string | undefined): string {
  const shown = (layout: string | undefined): string => layout ?? 'not at all';
  return `the native addon knows ${name} as ${shown(there)}, the code as ${shown(here)}: ${nativeAdvice()}`;
}
