// Ends a pass that nobody needs any more, on engines where one takes long.
import type { Backend } from '../backend/contract.ts';

/**
 * Runs `pass`; when `signal` is aborted meanwhile the engine drops what it has not begun, and the reads of
 * the pass reject. Only for passes that change nothing that outlives them. Throws at once when the signal was
 * aborted before.
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
