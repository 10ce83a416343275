// The contract's kernels for an engine outside of JavaScript, which receives calls as numbers. Read next:
// call.ts, native/call.h.
import { type Args, type Call, calls, type KernelName } from './call.ts';
import type { DeviceBuffer, Kernels } from './contract.ts';

/** What an engine reports: its kernels in the order of their numbers; `layout` and `words` as in call.ts. */
export interface KernelList {
  readonly kernels: readonly ({ readonly name: string } & Pick<Call, 'layout' | 'words'>)[];
  /**
   * The reporting engine, and what to do if it differs from this code: `the native addon`, `build it again`.
   */
  readonly who: string;
  readonly advice: () => string;
}

/**
 * All kernels. Each call is checked, packed into `packed` and passed to `send` with the kernel's number. `id`
 * gives a buffer's number, and throws for buffers of other engines. Throws when the engine's kernels, their
 * parameters or the words of these differ from the rows.
 */
export function packedKernels(
  list: KernelList,
  packed: Float64Array,
  id: (buffer: DeviceBuffer) => number,
  send: (kernel: number) => void,
): Kernels {
  const kernels = list.kernels.map(({ name, layout, words }, number) => {
    const call = calls[name as KernelName];
    if (call?.layout !== layout) throw new Error(differs(list, name, layout, call?.layout));
    if (call.words !== words) throw new Error(differs(list, name, `one of ${words}`, `one of ${call.words}`));
    return [
      name,
      (...args: Args): void => {
        call.pack(args, id, packed);
        send(number);
      },
    ];
  });
  const missing = Object.keys(calls).find((name) => !list.kernels.some((kernel) => kernel.name === name));
  if (missing) throw new Error(differs(list, missing, undefined, calls[missing as KernelName].layout));
  return Object.fromEntries(kernels) as Kernels;
}

function differs(
  { who, advice }: KernelList,
  name: string,
  there: string | undefined,
  here: string | undefined,
): string {
  const shown = (layout: string | undefined): string => layout ?? 'not at all';
  return `${who} knows ${name} as ${shown(there)}, the code as ${shown(here)}: ${advice()}`;
}
