// Generation with the seed preset, one sequence, KV cache, fresh weights: float32, INT8 with integer products, INT8 weight-only.
// `greedy`: the model alone, an argmax per token. `sampled`: generate() as a program sees it, top-p 0.95, text decoded.
// Median of five runs after one to warm up, tokens per second.
//   node dist/bench/generate.js [--tokens 256] [--threads 2] [--backend auto] [--peer torch] [--json]
// `--peer torch` times bench/peers/pytorch.py too, with a KV cache.
import { parseArgs } from 'node:util';
import { measureGeneration, seedModel } from '../src/cli/measure.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { createBackend } from '../src/platform/node.ts';
import { quantize } from '../src/quantize/quantize.ts';
import { measureSpeed } from '../src/quantize/speed.ts';
import { Tokenizer } from '../src/tokenizer/index.ts';
import { runPeer } from './peers/run.ts';

process.once('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '256' },
    threads: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    peer: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const threads = values.threads === undefined ? undefined : Number(values.threads);
const tokens = Number(values.tokens);

const { backend } = await createBackend(values.backend, { threads });
const { bytes } = await loadCorpus('moby-dick');
const tokenizer = Tokenizer.train(bytes.subarray(0, 100_000), { vocabSize: 500 });
const model = seedModel(backend);
const results = [];
for (const activations of ['int8', 'f32'] as const) {
  const small = quantize(model, { activations });
  const { before, after } = await measureSpeed(model, small, tokens);
  if (results.length === 0) {
    results.push({
      weights: 'float32',
      greedy: before,
      sampled: await measureGeneration(model, tokenizer, tokens),
    });
  }
  const weights = activations === 'int8' ? 'int8, integer products' : 'int8, weight-only';
  results.push({ weights, greedy: after, sampled: await measureGeneration(small, tokenizer, tokens) });
  small.dispose();
}
backend.dispose();
const peer = values.peer === undefined ? null : await runPeer(values.peer, ['cached'], threads);

if (values.json) {
  console.log(JSON.stringify({ engine: backend.description, tokens, results, peer }));
} else {
  console.log(`${backend.description}, ${tokens} tokens, tokens/s`);
  for (const { weights, greedy, sampled } of results)
    console.log(
      `${weights.padEnd(24)} greedy ${greedy.toFixed(0).padStart(6)}   sampled ${sampled.toFixed(0).padStart(6)}`,
    );
  if (peer) {
    const ratio = results[0].sampled / peer.tokensPerSecond;
    console.log(
      `${peer.peer}: ${peer.includes}: ${peer.tokensPerSecond.toFixed(0)} tokens/s; ours in float32, sampled: ${ratio.toFixed(2)} times that`,
    );
  }
}
