// Proof of `--to tokenizer` with tiktoken, and of every saved folder with transformers.js: ids over the whole
// corpus (for transformers.js, which is slow, of its first 50 kB). `node scripts/proofs/tokenizer.mjs`.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportFiles, tiktokenPattern } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import { save } from '../../dist/src/platform/node.js';
import { corpus, folder, npmPackage, odd, python, randomModel, tokenizerOf } from './support.mjs';

const { library, version } = await npmPackage('@huggingface/transformers', '4.3.1');
console.log(`@huggingface/transformers ${version}, Node ${process.version}`);
library.env.allowRemoteModels = false;
library.env.localModelPath = folder;
const start = corpus().slice(0, 50_000);
let failed = false;
const cases = [];
for (const pattern of ['none', 'gpt2', 'gpt4', 'o200k']) {
  const tokenizer = tokenizerOf(pattern, true);
  const model = randomModel(tokenizer, { nLayer: 1, nHead: 1, headSize: 8, nEmbd: 8 });
  await save(folderStore(join(folder, pattern)), { model, tokenizer });
  const theirs = await library.AutoTokenizer.from_pretrained(pattern);
  const good = [start, odd].every((text) => {
    const ids = [...tokenizer.encode(text)];
    return String(theirs.encode(text)) === String(ids) && theirs.decode(ids) === text;
  });
  console.log(`transformers.js  ${pattern.padEnd(6)} ${good ? 'ids and text equal' : 'FAILED'}`);
  failed ||= !good;
  const { files } = await exportFiles({ model, tokenizer }, { to: 'tokenizer', format: 'tiktoken' });
  const at = join(folder, pattern);
  for (const [name, bytes] of files) writeFileSync(join(at, name), bytes);
  const invalid = Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0x20, 0x62);
  writeFileSync(join(at, 'corpus.txt'), corpus());
  writeFileSync(join(at, 'corpus.bin'), tokenizer.encode(corpus()));
  const [oddIds, badIds] = [odd, invalid].map((text) => [...tokenizer.encode(text)]);
  const special = Object.fromEntries(tokenizer.specialTokens);
  cases.push({
    at,
    pattern,
    expression: tiktokenPattern(pattern),
    special,
    odd,
    oddIds,
    invalid: [...invalid],
    badIds,
  });
}
writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
const { status } = spawnSync(
  python('tiktoken==0.14.0', 'numpy'),
  [join(import.meta.dirname, 'tokenizer.py'), join(folder, 'cases.json')],
  { stdio: 'inherit' },
);
process.exit(failed ? 1 : (status ?? 1));
