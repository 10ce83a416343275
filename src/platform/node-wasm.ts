// The WASM engine's platform in Node: files beside the code, worker threads.
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { News, WasmHost } from '../backend/wasm/index.ts';

/** The environment variable INKHORN_WASM (relaxed, simd128) chooses a build. */
export function nodeWasmHost(): WasmHost {
  return {
    load: (build) => readFile(new URL(`../backend/wasm/${build}.wasm`, import.meta.url)),
    startThread() {
      const worker = new Worker(new URL('./node-wasm-worker.js', import.meta.url), { execArgv: [] });
      worker.unref();
      return {
        send: (orders) => worker.postMessage(orders),
        listen(listen, failed) {
          worker.on('message', (news: News) => listen(news));
          worker.on('error', failed);
        },
        hold: (on) => (on ? worker.ref() : worker.unref()),
        end: () => void worker.terminate(),
      };
    },
    cores: availableParallelism(),
    alone: null,
    maySleep: true,
    ...(process.env.INKHORN_WASM && { wanted: process.env.INKHORN_WASM }),
  };
}
