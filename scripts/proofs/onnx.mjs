// Proof of `--to onnx` with onnxruntime-node and transformers.js: logits of a whole prompt and token by token
// through the cache, and the greedy text of pipeline('text-generation') from the folder, offline.
// `node scripts/proofs/onnx.mjs [CASE...]`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { exportModel } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import { load, presets, quantize } from '../../dist/src/platform/node.js';
import { expectations, folder, npmPackage, PROMPT, randomModel, tokenizerOf } from './support.mjs';

const { library, version, place } = await npmPackage('@huggingface/transformers', '4.3.1');
const require = createRequire(join(place, 'package.json'));
const ort = require('onnxruntime-node');
const runtime = JSON.parse(readFileSync(require.resolve('onnxruntime-node/package.json'), 'utf8')).version;
console.log(`@huggingface/transformers ${version}, onnxruntime-node ${runtime}, Node ${process.version}`);
library.env.allowRemoteModels = false;
library.env.localModelPath = folder;

const heads = (nHead, headSize, nEmbd = nHead * headSize) => ({ nHead, headSize, nEmbd });
const everything = {
  ...{ ...heads(3, 38, 116), position: 'rope', ropeBase: 500, normEps: 1e-3, mlpRatio: 3, nLayer: 4 },
  ...{ bias: true, qkvBias: true, headBias: true, tieWeights: true, qkNorm: true, valueResidual: true },
  ...{ skip: 'unet', logitCap: 15, activation: 'gelu' },
};
/** Weights only, as the graph multiplies. */
const int8 = { activations: 'f32' };
const int4 = { ...int8, bits: 4, method: 'rtn', groupSize: 32 };
const bundled = await load(folderStore(join(import.meta.dirname, '../../models/shakespeare')));

/** Name, config, pattern, a special token, how it is quantised, the largest difference of a logit. */
const cases = [
  ...Object.entries(presets).map(([name, preset]) => [name, preset, 'none', name === 'portable']),
  ['everything', everything, 'gpt2', true],
  ['gpt2', { ...heads(4, 32), activation: 'gelu-tanh', qkvBias: true, tieWeights: true }, 'gpt2', true],
  ['no-positions', { ...heads(4, 24), activation: 'silu', position: 'none', norm: 'rmsnorm' }, 'o200k'],
  ['portable-int8', presets.portable, 'none', false, int8],
  ['portable-int4', presets.portable, 'gpt4', true, int4],
  ['everything-int8', everything, 'none', false, int8],
  ['everything-int4', everything, 'none', false, int4],
  ['seed-int8', presets.seed, 'none', false, { ...int8, exclude: ['head', 'embeddings'] }],
  ['bundled', null, null, false],
  ['bundled-int8', null, null, false, int8],
  ['bundled-int4', null, null, false, int4],
  ['bundled-int8-inputs', null, null, false, {}, 0.5], // ours rounds inputs to bytes, the graph does not
];

console.log(`${'case'.padEnd(20)} type    whole    by token of       greedy text`);
let failed = false;
const only = process.argv.slice(2); // names of cases; without any, all of them
for (const [name, changes, pattern, special, quantised, tolerance = 1e-4] of cases) {
  if (only.length > 0 && !only.includes(name)) continue;
  const tokenizer = changes ? tokenizerOf(pattern, special) : bundled.tokenizer;
  const float = changes ? randomModel(tokenizer, { ...changes, blockSize: 64, dropout: 0 }) : bundled.model;
  const model = quantised ? await quantize(float, quantised) : float;
  const { files } = await exportModel(folderStore(join(folder, name)), { model, tokenizer }, { to: 'onnx' });
  const expected = await expectations(model, tokenizer);
  const [file] = [...files.keys()].filter((one) => one.endsWith('.onnx'));
  const logits = await logitsFrom(join(folder, name, file), model.config, expected);
  const text = await greedyText(name, expected, model.config, special);
  const exact = tolerance <= 1e-4;
  const good = Math.max(logits.whole, logits.stepwise) <= tolerance && (!exact || text);
  failed ||= !good;
  const cells = [logits.whole.toExponential(1), logits.stepwise.toExponential(1), logits.largest.toFixed(1)];
  const type = { model_quantized: 'q8', model_q4: 'q4' }[basename(file, '.onnx')] ?? 'fp32';
  console.log(
    `${name.padEnd(20)} ${type.padEnd(8)}${cells.map((cell) => cell.padEnd(8)).join(' ')} ${text ? 'equal' : 'OTHER'} ${good ? '' : 'FAILED'}`,
  );
  if (model !== bundled.model) model.dispose();
}
process.exit(failed ? 1 : 0);

/** The largest differences between ONNX Runtime's logits and ours. */
async function logitsFrom(path, { nHead, headSize, vocabSize: V }, { ids, logits }) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  const int64 = (values) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  const pass = async (from, to, past) => {
    const positions = Array.from({ length: to }, (_, i) => i);
    const feeds = {
      input_ids: int64([...ids.slice(from, to)]),
      attention_mask: int64(positions.map(() => 1)),
      position_ids: int64(positions.slice(from)),
    };
    for (const name of session.inputNames.filter((one) => one.startsWith('past_key_values.'))) {
      const empty = new ort.Tensor('float32', new Float32Array(0), [1, nHead, 0, headSize]);
      feeds[name] = past?.[name.replace('past_key_values', 'present')] ?? empty;
    }
    return session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]])));
  };
  const off = (found, from) =>
    found.reduce((most, x, i) => Math.max(most, Math.abs(x - logits[from + i])), 0);
  const whole = off((await pass(0, ids.length)).logits.data, 0);
  let [stepwise, past] = [0, undefined];
  for (let t = 0; t < ids.length; t++) {
    past = await pass(t, t + 1, past);
    stepwise = Math.max(stepwise, off(past.logits.data, t * V));
  }
  await session.release();
  return { whole, stepwise, largest: logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
}

/** Whether transformers.js writes what we write; with an end token also beside a shorter prompt. */
async function greedyText(name, { prompt, greedy }, { blockSize, position }, batch) {
  const write = await library.pipeline('text-generation', name);
  const options = { max_new_tokens: Math.min(40, blockSize - prompt.length), do_sample: false };
  const texts = [await write(PROMPT, options)];
  if (batch) texts.push((await write(['O', PROMPT], options))[1]);
  // By default it asks for 256 more tokens, which a context may not have.
  if (position !== 'learned') await write(PROMPT, { do_sample: false });
  await write.dispose();
  return texts.every(([{ generated_text }]) => generated_text === PROMPT + greedy);
}
