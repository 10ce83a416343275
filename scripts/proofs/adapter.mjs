// Proof of `--to peft` with PEFT: `node scripts/proofs/adapter.mjs` exports models by `--to hf` and random
// adapters for them, puts the adapters on with PEFT, and compares logits with those of our merged models.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportModel } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import { modelIdentity } from '../../dist/src/model/adapter.js';
import { mergeAdapter, namedParameters } from '../../dist/src/platform/node.js';
import { expectations, folder, python, randomModel, tokenizerOf } from './support.mjs';

const rotary = { position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false, tieWeights: true };
const RANK = 3;
/** Name, config, alpha, which matrices. */
const cases = [
  ['arcee', { ...rotary, nHead: 4, headSize: 16, nEmbd: 64 }, RANK, /./],
  [
    'arcee-heads-apart',
    { ...rotary, nHead: 4, headSize: 16, nEmbd: 48, mlpRatio: 3 },
    2 * RANK,
    /attn|blocks\.1\.mlp\.fc/,
  ],
  [
    'gpt2',
    { nHead: 4, headSize: 16, nEmbd: 64, activation: 'gelu-tanh', qkvBias: true, tieWeights: true },
    RANK,
    /./,
  ],
  ['gpt2-alpha', { nHead: 2, headSize: 24, nEmbd: 48, activation: 'relu', mlpRatio: 3 }, 8, /qkv|blocks\.2/],
];

const tokenizer = tokenizerOf('gpt2');
for (const [name, changes, alpha, which] of cases) {
  const model = randomModel(tokenizer, changes);
  const base = await modelIdentity(namedParameters(model));
  const matrices = new Map();
  let n = 0;
  const values = (size) => Float32Array.from({ length: size }, () => 0.2 * Math.sin(12.9898 * n++ + 78.233));
  for (const [parameter, { shape }] of namedParameters(model))
    if (/blocks.*(qkv|proj|fc)\.weight$/.test(parameter) && which.test(parameter))
      matrices.set(parameter, { a: values(RANK * shape[1]), b: values(shape[0] * RANK) });
  const adapter = { rank: RANK, alpha, base, startToken: null, matrices };
  await exportModel(folderStore(join(folder, name)), { model, tokenizer }, { to: 'hf' });
  await exportModel(
    folderStore(join(folder, `${name}-adapter`)),
    { model, tokenizer },
    { to: 'peft', adapter },
  );
  await mergeAdapter(model, adapter);
  const { ids, logits } = await expectations(model, tokenizer);
  writeFileSync(join(folder, `${name}.bin`), logits);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify([...ids]));
  model.dispose();
}
const program = python('transformers==5.23.0', 'peft==0.21.2', 'torch==2.15.0');
const paths = cases.map(([name]) => join(folder, name));
const { status } = spawnSync(program, [join(import.meta.dirname, 'adapter.py'), ...paths], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
