// Makes the bundled model from a finished run: matrices in bfloat16, config, tokenizer, and the model card
// with measured figures. `node scripts/ship-model.mjs runs/shakespeare [text]`; the text must be that of the
// run, and defaults to the path recorded in it. The teachers of a run are runs, too: in the folder in which
// they were named, their commands are read for the card. `node scripts/ship-model.mjs --samples` draws the
// samples of the card again, for the model as it is; its other files stay.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount } from '../dist/src/base/format.js';
import { findText, sameText } from '../dist/src/cli/found-text.js';
import { folderStore } from '../dist/src/io/node-store.js';
import { dataset, load, save, useBackend } from '../dist/src/platform/node.js';
import { qualityTable, samples } from '../dist/src/report/card.js';
import { copiesFor, measureCard, writeSamples } from '../dist/src/report/card-measures.js';
import { fence } from '../dist/src/report/markdown.js';
import { engineFact } from '../dist/src/runs/facts.js';
import { runModel } from '../dist/src/runs/open.js';
import { readRun } from '../dist/src/runs/read.js';
import { evaluate } from '../dist/src/train/evaluate.js';

const PROMPTS = ['ROMEO:', 'JULIET:', 'To be'];
const [folder, text] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('name the folder of a run: node scripts/ship-model.mjs runs/shakespeare [text]');
const out = folderStore(join(import.meta.dirname, '..', 'models', 'shakespeare'));
if (folder === '--samples') {
  await renewSamples();
  process.exit();
}

await useBackend('auto'); // float32, whatever the precision of the run
const run = await readRun(folderStore(folder));
const { store, unevaluated } = await runModel(folderStore(folder));
if (unevaluated !== null)
  throw new Error(`step ${unevaluated} is not evaluated yet: npx inkhorn train --resume ${folder}`);
const teachers = await Promise.all(run.teachers.map((path) => readRun(folderStore(path))));
const trained = await load(store);
await save(out, trained, { matrices: 'bf16' });
const { model, tokenizer } = await load(out);
const output = { note: console.error };
const found =
  text === undefined
    ? await findText(run.data, folder, output)
    : await sameText(run.data, { data: [text] }, output);
const { corpus } = found.text;
const { origin: _whereItWas, ...source } = run.data;
const { trainFraction, validate } = source;
const data = dataset(corpus.bytes, tokenizer, { trainFraction, validate });

const bitsPerByte = (loss) => loss / Math.LN2 / data.valBytesPerToken;
const full = (await evaluate(trained.model, data.val)).loss;
const [int8, gptq] = copiesFor(model, data.train);
const measures = await measureCard({ model, tokenizer }, data, {
  copies: [int8, ['INT4 in groups of 64, rounded to the nearest', { bits: 4, method: 'rtn' }], gptq],
  prompts: PROMPTS,
  speedTokens: 0,
});
const [{ bytes, loss: shipped }, ...copies] = measures.formats;
const stored = (await out.read('model.safetensors')).length;
const sizes = qualityTable({
  formats: [
    { name: 'float32, as trained', bytes, loss: full, bitsPerByte: bitsPerByte(full) },
    { ...measures.formats[0], name: 'bfloat16 matrices, as shipped', bytes: stored },
    ...copies,
  ],
});

const { config, settings, precision } = run;
const engine = engineFact(run);
const last = run.events.findLast(({ type }) => type === 'done');
const evals = run.events.filter(({ type }) => type === 'eval');
const best = evals.findLast((event) => event.best);
const tokens = last.step * settings.batchSize * settings.accumulate * config.blockSize;
const folders = [...run.teachers, folder];
const commands = [...teachers, run].map(({ command }, i) => command.replace('runs/again', folders[i]));
const taught =
  teachers.length === 0
    ? ''
    : ` It learnt from the text and from the predictions of ${teachers.length} models like it, which had read the same part (distillation).`;
const card = {
  data: source,
  commands,
  engine,
  precision,
  steps: last.step,
  parameters: model.parameterCount,
  validation: { loss: shipped, bitsPerByte: bitsPerByte(shipped) },
};
await out.write('card.json', utf8(`${JSON.stringify(card, null, 1)}\n`));
await out.write(
  'README.md',
  utf8(`# shakespeare

A GPT of ${formatCount(model.parameterCount)} parameters that continues a text in the manner of Shakespeare: what \`inkhorn generate\`, \`inspect\`,
\`eval\` and \`quantize\` take when no \`--model\` is given, and what \`inkhorn demo\` begins with.

${fence('npx inkhorn generate --prompt "ROMEO:"', 'sh')}

## Model

A decoder-only transformer: ${config.nLayer} blocks of width ${config.nEmbd}, ${config.nHead} heads of ${config.headSize}, context ${config.blockSize} tokens, vocabulary ${config.vocabSize} (byte-level BPE learnt from the
same text). Everything else is in [config.json](config.json). Matrices are stored in bfloat16, vectors in float32.

## Data and training

Tiny Shakespeare (Andrej Karpathy's selection of plays; public domain), ${formatCount(corpus.bytes.length)} bytes, sha256 \`${source.sha256}\`. The first
90 % of the tokens trained, the last 10 % validated; it has seen no other text.${taught} ${formatCount(last.step)} steps of ${settings.batchSize * settings.accumulate} x ${config.blockSize} tokens, ${(tokens / 1e6).toFixed(1)}M in all,
by this project's own code on a CPU (${engine}), with

${fence(commands.join('\n'), 'sh')}

${commands.length === 1 ? 'which gives' : 'which give'} the same weights bit for bit on the same engine. Training loss at the end ${best.trainLoss.toFixed(4)} nats/token.

## Quality

The mean over the whole validation part, in consecutive windows of ${config.blockSize} tokens, computed in float32:

${sizes}

"Cost" is against the weights as trained. \`npx inkhorn eval --data tiny-shakespeare\` and \`npx inkhorn quantize --data tiny-shakespeare --bits 4 --out small\` measure
them again.

${samplesSection(measures.samples)}

## Limits

It has read a megabyte of plays and nothing else: it writes names, verse and English-looking sentences, not sense; it knows no facts, follows no
instructions, and may repeat whole phrases of the plays. It has learnt from others to rule nothing out: at temperature 1, one sample of 200 tokens in
twelve holds a byte that is no character; with \`--top-p 0.99\` none of 200 did. Other alphabets are bytes that it has never seen. Whatever violence and prejudice the plays of
1600 hold, it may repeat.
`),
);
console.log(
  `${out.location}: ${shipped.toFixed(4)} nats/token, ${bitsPerByte(shipped).toFixed(4)} bits/byte`,
);

/** Replaces that section in the card of the model as it is. */
async function renewSamples() {
  await useBackend('auto');
  const section = `${samplesSection(await writeSamples(await load(out), PROMPTS))}\n\n`;
  const file = join(out.location, 'README.md');
  const card = await readFile(file, 'utf8');
  const renewed = card.replace(/## Samples\n.*?(?=## Limits)/s, () => section);
  if (!renewed.includes(section)) throw new Error(`${file} has no section "Samples" before "Limits"`);
  await writeFile(file, renewed);
}

function samplesSection(written) {
  return `## Samples

In ten blind pairs beside those of the model before it: [pairs](../../docs/results/shakespeare/pairs.md).

${samples(written)}`;
}

function utf8(text) {
  return new TextEncoder().encode(text);
}
