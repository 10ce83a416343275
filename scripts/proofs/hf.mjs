// Proof of `--to hf` with transformers: `node scripts/proofs/hf.mjs` exports models of many shapes, all
// parameters random, and hf.py compares ids over the whole corpus, logits and greedy text.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { roundBf16 } from '../../dist/src/base/bf16.js';
import { folder, python, randomModel, tokenizerOf, writeCase } from './support.mjs';

const rotary = { position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false, tieWeights: true };
const heads = (nHead, headSize, nEmbd = nHead * headSize) => ({ nHead, headSize, nEmbd });
const wide = heads(4, 24);
/** Name, config, pattern, a special token, dtype. */
const cases = [
  ['arcee-8x32', { ...rotary, ...heads(8, 32) }, 'none'],
  ['arcee-6x40', { ...rotary, ...heads(6, 40) }, 'gpt2'],
  ['arcee-6x32', { ...rotary, ...heads(6, 32) }, 'gpt4', true],
  ['arcee-8x64-on-256', { ...rotary, ...heads(8, 64, 256) }, 'o200k'],
  ['arcee-untied', { ...rotary, ...heads(2, 18), tieWeights: false, mlpRatio: 3 }, 'none', true],
  ['arcee-biases', { ...rotary, ...wide, bias: true, activation: 'gelu' }, 'none'],
  ['arcee-qkv-biases', { ...rotary, ...wide, qkvBias: true, activation: 'silu' }, 'none'],
  ['arcee-all-biases', { ...rotary, ...wide, bias: true, qkvBias: true, activation: 'relu' }, 'none'],
  ['arcee-base-eps', { ...rotary, ...wide, ropeBase: 500, normEps: 1e-2 }, 'none'],
  ['arcee-bf16', { ...rotary, ...heads(8, 32) }, 'gpt2', true, 'bfloat16'],
  ['gpt2-gelu-tanh', { ...wide, activation: 'gelu-tanh', qkvBias: true, tieWeights: true }, 'gpt2', true],
  ['gpt2-gelu', { ...wide, activation: 'gelu', tieWeights: true }, 'gpt4'],
  ['gpt2-relu-untied', { ...wide, activation: 'relu' }, 'none'],
  ['gpt2-relu2-no-biases', { ...wide, activation: 'relu2', bias: false, mlpRatio: 2 }, 'none'],
  ['gpt2-no-positions', { ...wide, activation: 'silu', position: 'none', normEps: 1e-3 }, 'o200k'],
  [
    'gpt2-bf16',
    { ...wide, activation: 'gelu-tanh', qkvBias: true, tieWeights: true },
    'none',
    false,
    'bfloat16',
  ],
];

for (const [name, changes, pattern, special, dtype = 'float32'] of cases) {
  const tokenizer = tokenizerOf(pattern, special);
  const model = randomModel(tokenizer, changes, { round: dtype === 'bfloat16' ? roundBf16 : undefined });
  await writeCase(name, { model, tokenizer }, { to: 'hf', dtype });
  model.dispose();
}
const program = python('transformers==5.23.0', 'tokenizers==0.23.3', 'safetensors==0.8.0', 'torch==2.15.0');
const folders = cases.map(([name]) => join(folder, name));
const { status } = spawnSync(program, [join(import.meta.dirname, 'hf.py'), ...folders], { stdio: 'inherit' });
process.exit(status ?? 1);
