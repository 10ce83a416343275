// Pauses in long work, in which timers, signals and sockets are served: an engine that computes fast enough
// never waits, and then nothing else runs.
import type { Backend } from './contract.ts';

/** A function to call between two passes. It lets the event loop turn when it has not for `milliseconds`. */
export function pacemaker(backend: Backend, milliseconds = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < milliseconds) return;
    await backend.sync();
    last = performance.now();
  };
}
