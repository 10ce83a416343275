// A thread of the WASM engine in Node. Its first message says what to do.
import { parentPort } from 'node:worker_threads';
import type { Orders } from '../backend/wasm/index.ts';
import { serve } from '../backend/wasm/serve.ts';

parentPort?.once('message', (orders: Orders) => serve(orders, (news) => parentPort?.postMessage(news)));
