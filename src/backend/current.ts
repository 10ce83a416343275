// The engine in use: what models and tensors are made on where nobody says otherwise.
import type { Backend } from './contract.ts';

let current: Backend | null = null;

/** The engine in use. Throws when none has been chosen: nothing is picked silently. */
export function currentBackend(): Backend {
  if (!current) throw new Error("no engine chosen yet: call `await useBackend('auto')` first");
  return current;
}

/** Makes `backend` the one in use. */
export function setCurrentBackend(backend: Backend): void {
  current = backend;
}
