// The entry point `inkhorn` outside of Node: the core, with the engines and workers of a page.
export * from '../index.ts';
export * from './browser-engines.ts';
export { openWorker } from './browser-worker.ts';
