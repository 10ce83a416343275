// Proof of `--to gguf` with llama.cpp, as node-llama-cpp has it: ids over the whole corpus, logits, greedy
// text. Logits are compared with those of our model, and with those of a computation that rounds as llama.cpp
// does (llama.mjs), which decides. `node scripts/proofs/gguf.mjs [CASE...]`.
import { join } from 'node:path';
import { exportModel } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import { logitsOfFile } from './llama.mjs';
import { corpus, expectations, folder, npmPackage, odd, randomModel, tokenizerOf } from './support.mjs';

const { library, version } = await npmPackage('node-llama-cpp', '3.22.1');
const llama = await library.getLlama({
  ...{ gpu: false, build: 'never', skipDownload: true, logLevel: 'error' },
  maxThreads: 1, // on a busy machine several wait for each other
});
console.log(
  `node-llama-cpp ${version}, llama.cpp ${llama.llamaCppRelease?.release}, Node ${process.version}`,
);

const rotary = { position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false, tieWeights: true };
const heads = (nHead, headSize, nEmbd = nHead * headSize) => ({ nHead, headSize, nEmbd });
const plain = { ...heads(4, 32), activation: 'gelu-tanh', tieWeights: true };
/**
 * Name, config, pattern, a special token, type; the largest difference from the rounded computation, divided
 * by the largest logit, in the first tokens and in all. What 16 bits round depends on the processor.
 */
const cases = [
  ['arcee-8x32', { ...rotary, ...heads(8, 32) }, 'none', false, 'F32', 1e-5, 1e-5],
  ['arcee-6x40', { ...rotary, ...heads(6, 40) }, 'gpt2', false, 'F32', 1e-5, 1e-5],
  ['arcee-6x32', { ...rotary, ...heads(6, 32) }, 'gpt4', true, 'F32', 1e-5, 1e-5],
  ['arcee-8x64-on-256', { ...rotary, ...heads(8, 64, 256) }, 'o200k', false, 'F32', 1e-5, 1e-5],
  [
    'arcee-untied',
    { ...rotary, ...heads(2, 32), tieWeights: false, ropeBase: 500 },
    'none',
    true,
    'F32',
    1e-5,
    1e-5,
  ],
  ['arcee-F16', { ...rotary, ...heads(8, 32) }, 'none', false, 'F16', 1e-3, 1e-3],
  ['arcee-BF16', { ...rotary, ...heads(8, 32) }, 'none', false, 'BF16', 1e-2, 1e-2],
  ['arcee-Q8_0', { ...rotary, ...heads(8, 32) }, 'none', false, 'Q8_0', 1e-5, 3e-2],
  ['arcee-Q4_0', { ...rotary, ...heads(8, 32) }, 'none', false, 'Q4_0', 1e-5, 3e-2],
  ['gpt2', { ...plain, qkvBias: true }, 'gpt2', true, 'F32', 3e-4, 3e-4],
  ['gpt2-no-biases', { ...plain, bias: false, tieWeights: false }, 'none', false, 'F32', 3e-4, 3e-4],
];

/**
 * The first tokens, in which no rounding has fallen the other way yet: a number that lies between two codes
 * may, and moves every token after it.
 */
const FIRST = 8;

let failed = false;
console.log(
  `${'case'.padEnd(20)} type   largest     off by   rounded by  its first   ids      text     greedy`,
);
const only = process.argv.slice(2); // names of cases; without any, all of them
for (const [name, changes, pattern, special, type, tolerance, bound] of cases) {
  if (only.length > 0 && !only.includes(name)) continue;
  const tokenizer = tokenizerOf(pattern, special);
  const model = randomModel(tokenizer, changes);
  const store = folderStore(join(folder, name));
  await exportModel(store, { model, tokenizer }, { to: 'gguf', type });
  const expected = await expectations(model, tokenizer);
  expected.rounded = await logitsOfFile(model, type, expected.ids);
  const read = await readBack(join(folder, name, 'model.gguf'), expected, tokenizer, model.config.vocabSize);
  const exact = type === 'F32';
  const good =
    read.first <= tolerance && read.any <= bound && read.ids && read.text && (!exact || read.greedy);
  failed ||= !good;
  const shares = [read.ours, read.any, read.first].map((share) => share.toExponential(1).padStart(12));
  const words = [read.ids, read.text, read.greedy].map((same) => (same ? 'equal' : 'OTHER').padEnd(8));
  console.log(
    `${name.padEnd(20)} ${type.padEnd(5)} ${read.largest.toFixed(1).padStart(8)} ${shares.join(' ')}     ${words.join(' ')} ${good ? '' : 'FAILED'}`,
  );
  model.dispose();
}
await llama.dispose();
process.exit(failed ? 1 : 0);

/** What llama.cpp makes of a file. Without flash attention, which rounds a float32 cache to halves. */
async function readBack(modelPath, { ids, logits, rounded, prompt, greedy }, tokenizer, V) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: 128, // beyond the window: a full context would be shifted
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const sequence = context.getSequence();
  const outputs = await sequence.controlledEvaluate(
    [...ids].map((id) => [id, { generateNext: { logits: true, options: { temperature: 0 } } }]),
  );
  const off = { ours: 0, rounded: Array(ids.length).fill(0) };
  let largest = 0;
  outputs.forEach(({ next }, t) => {
    for (const [id, logit] of next.logits) {
      off.ours = Math.max(off.ours, Math.abs(logit - logits[t * V + id]));
      off.rounded[t] = Math.max(off.rounded[t], Math.abs(logit - rounded[t * V + id]));
      largest = Math.max(largest, Math.abs(logit));
    }
    if (next.logits.size !== V) throw new Error(`${next.logits.size} logits: the model has ${V}`);
  });
  await sequence.clearHistory();
  const written = [];
  let given = [...prompt];
  while (written.length + prompt.length < 64 && written.length < 40) {
    const result = await sequence.controlledEvaluate(
      given.map((id, i) =>
        i < given.length - 1 ? id : [id, { generateNext: { logits: true, options: { temperature: 0 } } }],
      ),
    );
    const [[best]] = [...result.at(-1).next.logits].sort(([, a], [, b]) => b - a);
    written.push(best);
    given = [best];
  }
  const theirs = model.tokenize(corpus());
  const ours = tokenizer.encode(corpus());
  const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);
  const found = {
    ours: off.ours / largest,
    any: Math.max(...off.rounded) / largest,
    first: Math.max(...off.rounded.slice(0, FIRST)) / largest,
    largest,
    ids: same(theirs, ours) && same(model.tokenize(odd), tokenizer.encode(odd)),
    text: model.detokenize([...tokenizer.encode(odd)]) === odd,
    greedy: tokenizer.decode(written) === greedy,
  };
  await context.dispose();
  await model.dispose();
  return found;
}
