// Computes with the native engine in a worker only, and ends: Node unloads the addon with the worker, and the
// process must not miss it. For installed.mjs and emulated.mjs: Node on any platform runs it.
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('engine.mjs', import.meta.url));
worker.on('error', (error) => {
  throw error;
});
worker.on('exit', (code) => {
  process.exitCode = code;
});
