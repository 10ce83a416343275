// Opens the library in a worker thread of Node. Read next: ../worker/client.ts.
import { Worker } from 'node:worker_threads';
import { connect, type OpenWorker } from '../worker/client.ts';
import type { Channel, FromWorker, ToWorker } from '../worker/messages.ts';

/** Opens a worker with an engine of its own. It keeps the process alive only while it works. */
export const openWorker: OpenWorker = async (options) => connect(channel, options);

function channel(): Channel<ToWorker, FromWorker> {
  const worker = new Worker(new URL('./node-worker-script.js', import.meta.url), { execArgv: [] });
  worker.unref();
  return {
    send: (message, transfer = []) => worker.postMessage(message, transfer),
    listen(receive, failed) {
      worker.on('message', receive);
      worker.on('error', failed);
      worker.on('exit', () => failed(new Error('the worker has ended: open a new one')));
    },
    hold: (on) => (on ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}
