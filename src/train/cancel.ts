// Aborts a pass, on engines where a pass takes long.
import type { Backend } from '../backend/contract.ts';

/**
 * Runs `pass`. When `signal` is aborted meanwhile, the engine drops the kernels that have not begun, and the
 * reads of the pass reject. Only for passes that change nothing that is used later. Throws at once when
 * `signal` is already aborted.
 */
export async function cancellable<T>(
  backend: Backend,
  signal: AbortSignal | undefined,
  pass: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const cancel = (): void => backend.cancel?.(signal?.reason);
  signal?.addEventListener('abort', cancel);
  try {
    return await pass();
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
