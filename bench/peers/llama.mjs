// llama.cpp behind the interface of `inkhorn serve`, as far as ../serve.ts asks: its server, made of
// node-llama-cpp's prebuilt library. Prints its address.
//   node bench/peers/llama.mjs MODEL.gguf [--threads 2] [--streams 16] [--context 256] [--port 0]
// Needs node-llama-cpp: npm install --no-save --ignore-scripts node-llama-cpp, here or in the folder named by
// INKHORN_LLAMA.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    streams: { type: 'string', default: '16' },
    context: { type: 'string', default: '256' },
    port: { type: 'string', default: '0' },
  },
});
const [streams, contextSize] = [Number(values.streams), Number(values.context)];
const place = resolve(process.env.INKHORN_LLAMA ?? '.');
const entry = createRequire(join(place, 'package.json')).resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({
  ...{ gpu: false, build: 'never', skipDownload: true, logLevel: 'error' },
  maxThreads: Number(values.threads),
});
const model = await llama.loadModel({ modelPath: resolve(positionals[0]), gpuLayers: 0 });
// llama.cpp counts the context in steps of 256, and a text that fills it would be shifted.
const context = await model.createContext({ contextSize: contextSize + 256, sequences: streams });
const free = Array.from({ length: streams }, () => context.getSequence());

const server = createServer(async (request, response) => {
  const body = JSON.parse(await text(request));
  const ids = typeof body.prompt === 'string' ? model.tokenize(body.prompt) : body.prompt;
  const json = (value) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
  if (request.url === '/tokenize') return json({ tokens: ids });
  const sequence = free.pop();
  if (!sequence) return response.writeHead(429).end();
  if (body.stream) response.setHeader('Content-Type', 'text/event-stream').flushHeaders();
  const written = [];
  await sequence.clearHistory();
  for await (const id of sequence.evaluate(ids, { temperature: body.temperature, yieldEogToken: true })) {
    written.push(id);
    if (body.stream)
      response.write(`data: ${JSON.stringify({ choices: [{ text: model.detokenize([id]) }] })}\n\n`);
    if (written.length === body.max_tokens || response.destroyed) break;
  }
  free.push(sequence);
  if (body.stream) response.end('data: [DONE]\n\n');
  else json({ choices: [{ text: model.detokenize(written) }], usage: { completion_tokens: written.length } });
});
server.listen(Number(values.port), '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${server.address().port}/`);
