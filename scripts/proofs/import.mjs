// Proof of `inkhorn import` with transformers and PyTorch: `node scripts/proofs/import.mjs` has import.py
// make random models, imports each by the command line, and compares logits. Of a folder of the size of GPT-2
// (124M parameters) it also prints the seconds and the peak memory.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderStore } from '../../dist/src/io/node-store.js';
import { load, Tokenizer, tensor } from '../../dist/src/platform/node.js';
import { END, folder, python, tokenizerOf } from './support.mjs';

const TOLERANCE = 1e-4;
const LARGE = 'gpt2-124M';
const CHARACTERS = 'nanogpt-characters';
const main = join(import.meta.dirname, '../../dist/src/cli/main.js');

/** The tokenizer of the small models, and one of GPT-2's size: pairs of bytes. */
const small = tokenizerOf('gpt2', true);
const large = new Tokenizer({
  merges: Array.from({ length: 50_000 }, (_, k) => [k >> 8, k & 255]),
  specialTokens: [END],
});
const place = join(folder, 'import');
const program = python('transformers==5.23.0', 'torch==2.15.0', 'numpy');
const script = join(import.meta.dirname, 'import.py');
const sizes = [small, large].map(({ vocabSize }) => String(vocabSize));
const made = spawnSync(program, [script, place, ...sizes], { stdio: 'inherit' });
if (made.status !== 0) process.exit(made.status ?? 1);

/**
 * Imports a folder by the command line, with `tokenizer` or with its own. Returns its seconds and its peak
 * memory in bytes.
 */
function run(path, out, tokenizer) {
  const file = join(place, 'tokenizer.json');
  if (tokenizer) writeFileSync(file, JSON.stringify(tokenizer));
  const peak = "process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS))";
  const flags = [`--import=data:text/javascript,${encodeURIComponent(peak)}`, main];
  const begun = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [...flags, 'import', path, '--out', out, ...(tokenizer ? ['--tokenizer', file] : []), '--force'],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const [, kilobytes] = stderr.match(/^peak (\d+)$/m) ?? [];
  return { seconds: (performance.now() - begun) / 1000, bytes: 1024 * Number(kilobytes) };
}

/**
 * The largest difference between the logits of a model folder and those of the model that it is made of,
 * which may have fewer tokens: a tokenizer of characters gets those of the other bytes. Infinity for other
 * ids of its text.
 */
async function differenceOf(name, out) {
  const { model, tokenizer } = await load(folderStore(out));
  const ids = JSON.parse(readFileSync(join(place, name, 'expected-ids.json'), 'utf8'));
  const text = join(place, name, 'expected-text.txt');
  const same = !existsSync(text) || `${tokenizer.encode(readFileSync(text, 'utf8'))}` === `${ids}`;
  const expected = new Float32Array(
    new Uint8Array(readFileSync(join(place, name, 'expected-logits.bin'))).buffer,
  );
  const logits = await model.forward(tensor(Int32Array.from(ids), [1, ids.length])).data();
  model.dispose();
  let most = 0;
  const [found, tokens] = [logits, expected].map((all) => all.length / ids.length);
  const fits = name === CHARACTERS ? found > tokens : found === tokens;
  let difference = fits && same ? 0 : Number.POSITIVE_INFINITY;
  expected.forEach((value, i) => {
    most = Math.max(most, Math.abs(value));
    const logit = logits[Math.floor(i / tokens) * found + (i % tokens)];
    difference = Math.max(difference, Math.abs(value - logit));
  });
  return { most, difference };
}

const out = join(folder, 'imported');
// First, while this process is small: on Linux, the peak of a process begins as that of its parent.
const { size } = statSync(join(place, LARGE, 'model.safetensors'));
const times = Array.from({ length: 3 }, () => run(join(place, LARGE), out, large));
const seconds = Math.min(...times.map((one) => one.seconds));
const peak = Math.max(...times.map((one) => one.bytes));
console.log(
  `${LARGE}: ${(size / 1e6).toFixed(0)} MB imported in ${seconds.toFixed(2)} s (best of 3, with the start of Node and ` +
    `the disk), peak ${(peak / 1e6).toFixed(0)} MB = ${(peak / size).toFixed(2)} x the file`,
);
let failed = false;
for (const { name } of readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const path = join(place, name);
  const tokenizer = name === LARGE ? large : name === CHARACTERS ? null : small;
  let said = '';
  let good = false;
  try {
    rmSync(out, { recursive: true, force: true });
    run(path, out, tokenizer);
    const { most, difference } = await differenceOf(name, out);
    good = difference <= TOLERANCE;
    said = `logits differ by ${difference.toExponential(1)} of ${most.toFixed(1)}`;
  } catch (error) {
    said = error.message;
  }
  failed ||= !good;
  console.log(`${name.padEnd(24)} ${said}${good ? '' : '  FAILED'}`);
}
process.exit(failed ? 1 : 0);
