// Computes with the native engine in a worker only, and ends: Node unloads the addon with the worker, and the
// process must not miss it. What fails in the worker ends the process. For emulated.mjs: Node on any platform
// runs it.
import { Worker } from 'node:worker_threads';

new Worker(new URL('engine.mjs', import.meta.url));
