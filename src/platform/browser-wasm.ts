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

/** A worker that is not loaded says nothing: these are the reasons there are. */
const NO_WORKER =
  "a worker cannot be loaded: browser-wasm-worker.js or what it imports is missing, the page's content security policy blocks it (worker-src), or it is sent without the page's Cross-Origin-Embedder-Policy header";

export function browserWasmHost(): WasmHost {
  // A page without cross-origin isolation can create shared memory but cannot send it to a worker.
  const isolated = typeof crossOriginIsolated !== 'undefined' && crossOriginIsolated;
  return {
    load: (build) => download(FILES[build].href),
    startThread() {
      const worker = new Worker(new URL('./browser-wasm-worker.js', import.meta.url), { type: 'module' });
      return {
        send: (orders) => worker.postMessage(orders),
        listen(listen, failed) {
          worker.onmessage = ({ data }) => listen(data);
          worker.onerror = ({ message }) => failed(new Error(message || NO_WORKER));
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

/** The bytes of a file on the web. Throws with its address, and what to do. */
async function download(href: string): Promise<Uint8Array> {
  const response = await fetch(href).catch((error: Error) => {
    throw new Error(
      `${href}: ${error.message}; check the connection, and connect-src in the page's content security policy`,
    );
  });
  if (!response.ok)
    throw new Error(`${href} answers ${response.status} ${response.statusText}: publish it too`);
  // What many servers send in place of any file that they do not have.
  if (response.headers.get('content-type')?.startsWith('text/html'))
    throw new Error(`${href} answers with a web page instead of the file: publish it too`);
  return new Uint8Array(await response.arrayBuffer());
}
