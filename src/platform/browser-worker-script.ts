// What runs in a worker that `openWorker` opens in a browser.
import type { FromWorker, ToWorker } from '../worker/messages.ts';
import { serve } from '../worker/serve.ts';
import { createBackend } from './browser-engines.ts';

declare const self: {
  onmessage: ((event: { data: ToWorker }) => void) | null;
  postMessage(message: FromWorker, transfer: readonly ArrayBuffer[]): void;
  close(): void;
};

serve(
  {
    send: (message, transfer = []) => self.postMessage(message, transfer),
    listen(receive) {
      self.onmessage = ({ data }): void => receive(data);
    },
    end: () => self.close(),
  },
  createBackend,
);
