// A thread of the WASM engine in a browser. Its first message says what to do.
import type { News, Orders } from '../backend/wasm/index.ts';
import { serve } from '../backend/wasm/serve.ts';

declare const self: {
  onmessage: ((event: { data: Orders }) => void) | null;
  postMessage(news: News): void;
};

self.onmessage = ({ data }): void => serve(data, (news) => self.postMessage(news));
