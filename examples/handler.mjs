// A web service that writes: POST a prompt, and the text comes back as it is made. Hono's `app.fetch` takes a
// Request and gives a Response, which every platform of today can mount. The model is in a worker, so that
// the server answers others while it writes; who leaves ends the writing.
//
//   npm install inkhorn hono @hono/node-server
//   node handler.mjs 3000
//   curl -N localhost:3000/write -d 'ROMEO:'
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { openWorker } from 'inkhorn';
import { bundledModel } from 'inkhorn/node';

const worker = await openWorker();
const model = await worker.load(bundledModel()); // or folderStore('runs/yours/best')

export const app = new Hono();

app.post('/write', async (c) => {
  const prompt = await c.req.text();
  if (prompt.length > 1000) return c.text('a prompt has at most 1,000 characters', 413);
  return stream(c, async (out) => {
    const left = new AbortController();
    out.onAbort(() => left.abort());
    const options = { prompt, maxTokens: 200, topP: 0.9, signal: left.signal };
    for await (const e of worker.generate(model, options)) if (e.type === 'token') await out.write(e.text);
  });
});

// Express: import { getRequestListener } from '@hono/node-server'; express().use(getRequestListener(app.fetch));
const [port] = process.argv.slice(2);
if (port !== undefined)
  serve({ fetch: app.fetch, port: Number(port) }, (at) => console.log(`http://localhost:${at.port}/write`));
