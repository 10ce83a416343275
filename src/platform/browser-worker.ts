// Opens the library in a worker of a page. Read next: ../worker/client.ts.
import { connect, type OpenWorker } from '../worker/client.ts';
import type { Channel, FromWorker, ToWorker } from '../worker/messages.ts';

/** A worker that is not loaded says nothing: these are the reasons there are. */
const NO_WORKER =
  "the worker cannot be loaded: browser-worker-script.js or what it imports is missing, the page's content security policy blocks it (worker-src), or it is sent without the page's Cross-Origin-Embedder-Policy header";

/** Opens a worker with an engine of its own. Rejects where it cannot be loaded, or no engine works in it. */
export const openWorker: OpenWorker = async (options) => connect(channel, options);

function channel(): Channel<ToWorker, FromWorker> {
  // Bundlers recognise exactly this form.
  const worker = new Worker(new URL('./browser-worker-script.js', import.meta.url), { type: 'module' });
  return {
    send: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    listen(receive, failed) {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>): void => receive(data);
      worker.onerror = ({ message }): void => failed(new Error(message || NO_WORKER));
    },
    end: () => worker.terminate(),
  };
}
