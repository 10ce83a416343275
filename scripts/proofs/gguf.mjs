// Proof of `--to gguf` with llama.cpp, as node-llama-cpp has it: ids over the whole corpus, logits, greedy
// text. `node scripts/proofs/gguf.mjs [CASE...]`.
import { join } from 'node:path';
import { exportModel } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import { corpus, expectations, folder, npmPackage, odd, randomModel, tokenizerOf } from './support.mjs';

const { library, version } = await npmPackage('node-llama-cpp', '3.22.1');
const llama = await library.getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error' });
console.log(
  `node-llama-cpp ${version}, llama.cpp ${llama.llamaCppRelease?.release}, Node ${process.version}`,
);

const rotary = { position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false, tieWeights: true };
const heads = (nHead, headSize, nEmbd = nHead * headSize) => ({ nHead, headSize, nEmbd });
const plain = { ...heads(4, 32), activation: 'gelu-tanh', tieWeights: true };
/** Name, config, pattern, a special token, type, the largest difference of a logit. */
const cases = [
  ['arcee-8x32', { ...rotary, ...heads(8, 32) }, 'none', false, 'F32', 1e-4],
  ['arcee-6x40', { ...rotary, ...heads(6, 40) }, 'gpt2', false, 'F32', 1e-4],
  ['arcee-6x32', { ...rotary, ...heads(6, 32) }, 'gpt4', true, 'F32', 1e-4],
  ['arcee-8x64-on-256', { ...rotary, ...heads(8, 64, 256) }, 'o200k', false, 'F32', 1e-4],
  [
    'arcee-untied',
    { ...rotary, ...heads(2, 32), tieWeights: false, ropeBase: 500 },
    'none',
    true,
    'F32',
    1e-4,
  ],
  ['arcee-F16', { ...rotary, ...heads(8, 32) }, 'none', false, 'F16', 0.05],
  ['arcee-BF16', { ...rotary, ...heads(8, 32) }, 'none', false, 'BF16', 0.2],
  ['arcee-Q8_0', { ...rotary, ...heads(8, 32) }, 'none', false, 'Q8_0', 0.5],
  ['arcee-Q4_0', { ...rotary, ...heads(8, 32) }, 'none', false, 'Q4_0', 8],
  ['gpt2', { ...plain, qkvBias: true }, 'gpt2', true, 'F32', 5e-3],
  ['gpt2-no-biases', { ...plain, bias: false, tieWeights: false }, 'none', false, 'F32', 5e-3],
];

let failed = false;
console.log(`${'case'.padEnd(20)} type   logits      of   ids of the corpus   text   greedy`);
const only = process.argv.slice(2); // names of cases; without any, all of them
for (const [name, changes, pattern, special, type, tolerance] of cases) {
  if (only.length > 0 && !only.includes(name)) continue;
  const tokenizer = tokenizerOf(pattern, special);
  const model = randomModel(tokenizer, changes);
  const store = folderStore(join(folder, name));
  await exportModel(store, { model, tokenizer }, { to: 'gguf', type });
  const expected = await expectations(model, tokenizer);
  const read = await readBack(join(folder, name, 'model.gguf'), expected, tokenizer, model.config.vocabSize);
  const exact = type === 'F32';
  const good = read.difference <= tolerance && read.ids && read.text && (!exact || read.greedy);
  failed ||= !good;
  const cells = [read.difference.toExponential(1).padStart(7), read.largest.toFixed(1).padStart(7)];
  const words = [read.ids, read.text, read.greedy].map((same) => (same ? 'equal' : 'OTHER').padEnd(8));
  console.log(
    `${name.padEnd(20)} ${type.padEnd(5)} ${cells.join(' ')}   ${words.join(' ')} ${good ? '' : 'FAILED'}`,
  );
  model.dispose();
}
await llama.dispose();
process.exit(failed ? 1 : 0);

/** What llama.cpp makes of a file. Without flash attention, which rounds a float32 cache to halves. */
async function readBack(modelPath, { ids, logits, prompt, greedy }, tokenizer, V) {
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
  let [difference, largest] = [0, 0];
  outputs.forEach(({ next }, t) => {
    for (const [id, logit] of next.logits) {
      difference = Math.max(difference, Math.abs(logit - logits[t * V + id]));
      largest = Math.max(largest, Math.abs(logit));
    }
    if (next.logits.size !== V) difference = Number.POSITIVE_INFINITY;
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
  const theirs = model.tokenize(corpus);
  const ours = tokenizer.encode(corpus);
  const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);
  const found = {
    difference,
    largest,
    ids: same(theirs, ours) && same(model.tokenize(odd), tokenizer.encode(odd)),
    text: model.detokenize([...tokenizer.encode(odd)]) === odd,
    greedy: tokenizer.decode(written) === greedy,
  };
  await context.dispose();
  await model.dispose();
  return found;
}
