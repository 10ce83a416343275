// Operations of a file system that stop in the middle, as if the writer had been killed.
import type { FileSteps } from '../../src/io/atomic-store.ts';

type Step = keyof FileSteps;
/** The operations that change something. */
export const CHANGING: readonly Step[] = ['makeFolder', 'create', 'rename', 'unlink', 'sync'];

/** The operations of `real`, each passed through `intercept` first. */
export function intercepted(
  real: FileSteps,
  intercept: (step: Step, args: [path: string, bytes: Uint8Array]) => Promise<void>,
): FileSteps {
  return new Proxy(real, {
    get(target, step: Step) {
      return async (...args: [string, never]): Promise<unknown> => {
        await intercept(step, args);
        return (target[step] as (...args: unknown[]) => Promise<unknown>)(...args);
      };
    },
  });
}

/**
 * Dead after `steps` changing operations: all later ones fail. `half`: a file being created is written half.
 */
export function haltingAfter(
  real: FileSteps,
  steps: number,
  half = false,
): { files: FileSteps; halted: () => boolean } {
  let done = 0;
  let dead = false;
  const files = intercepted(real, async (step, [path, bytes]) => {
    if (!dead && CHANGING.includes(step) && done++ === steps) {
      dead = true;
      if (half && step === 'create') await real.create(path, bytes.subarray(0, bytes.length >> 1));
    }
    if (dead) throw new Error('halted');
  });
  return { files, halted: () => dead };
}
