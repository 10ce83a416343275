// What runs in a worker thread that `openWorker` opens in Node.
import { parentPort } from 'node:worker_threads';
import { serve } from '../worker/serve.ts';
import { createBackend } from './node-engines.ts';

const port = parentPort;
if (port)
  serve(
    {
      send: (message, transfer = []) => port.postMessage(message, transfer),
      listen: (receive) => void port.on('message', receive),
      end: () => port.close(),
    },
    createBackend,
  );
