// The WASM engine's platform in a browser: files beside the code, workers. They are found relative to this
// module's address, on any path; bundlers recognise exactly these forms.
import type { News, Orders, WasmHost } from '../backend/wasm/index.ts';

declare class Worker {
  constructor(url: URL, options: { type: 'module' });
  onmessage: ((event: { data: News }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  postMessage(message: Orders): void;
  terminate(): void;
}
declare const navigator: { hardwareConcurrency?: number };
declare const crossOriginIsolated: boolean | undefined;
declare const WorkerGlobalScope: unknown;

const FILES = {
  relaxed: new URL('../backend/wasm/relaxed.wasm', import.meta.url),
  simd128: new URL('../backend/wasm/simd128.wasm', import.meta.url),
};

export function browserWasmHost(): WasmHost {
  // A page without cross-origin isolation can create shared memory but cannot send it to a worker.
  const isolated = typeof crossOriginIsolated !== 'undefined' && crossOriginIsolated;
  return {
    async load(build) {
      const { href } = FILES[build];
      const response = await fetch(href);
      if (!response.ok) throw new Error(`${href} answers ${response.status} ${response.statusText}`);
      return new Uint8Array(await response.arrayBuffer());
    },
    startThread() {
      const worker = new Worker(new URL('./browser-wasm-worker.js', import.meta.url), { type: 'module' });
      return {
        send: (orders) => worker.postMessage(orders),
        listen(listen, failed) {
          worker.onmessage = ({ data }) => listen(data);
          worker.onerror = ({ message }) =>
            failed(
              new Error(
                message ||
                  'a worker cannot be loaded: its file is missing, or a content security policy blocks it',
              ),
            );
        },
        hold: () => {},
        end: () => worker.terminate(),
      };
    },
    cores: navigator.hardwareConcurrency ?? 1,
    alone: isolated ? null : 'the page is not cross-origin isolated',
    maySleep: typeof WorkerGlobalScope !== 'undefined',
  };
}
