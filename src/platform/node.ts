// The entry point `inkhorn` in Node: the same core, with Node's engines and workers.
import type { OpenWorker } from '../worker/client.ts';

export * from '../index.ts';
export * from './node-engines.ts';

/** Loaded only when it is called, since the entry point `inkhorn` must not need Node. */
export const openWorker: OpenWorker = async (options) =>
  (await import('./node-worker.ts')).openWorker(options);
