// Ten pairs of samples, one of each of two models, in an order that only the key at the end tells: for a
// person who judges whether a difference in loss can be read. The same engine draws the same pairs.
//   node scripts/blind-pairs.mjs OLD models/shakespeare > docs/results/shakespeare/pairs.md
import { createHash } from 'node:crypto';
import { folderStore } from '../dist/src/io/node-store.js';
import { load, useBackend } from '../dist/src/platform/node.js';
import { writeSamples } from '../dist/src/report/card-measures.js';
import { fence, markdownTable } from '../dist/src/report/markdown.js';

const PROMPTS = [
  'ROMEO:',
  'JULIET:',
  'KING RICHARD III:',
  'First Citizen:',
  'MENENIUS:',
  'What, ',
  'LADY ANNE:',
  'My lord,',
  'DUKE VINCENTIO:',
  'PETRUCHIO:',
];

const folders = process.argv.slice(2);
if (folders.length !== 2) throw new Error('name two model folders: node scripts/blind-pairs.mjs OLD NEW');
await useBackend('auto');
const written = [];
for (const path of folders) written.push(await writeSamples(await load(folderStore(path)), PROMPTS));
const pairs = PROMPTS.map((_, i) => {
  const texts = written.map((samples) => samples[i].prompt + samples[i].text);
  // Nobody chose the order: it is a bit of the texts' hash.
  const swapped = createHash('sha256').update(texts.join('\0')).digest()[0] % 2 === 1;
  return swapped ? { texts: texts.reverse(), after: 'A' } : { texts, after: 'B' };
});

const samples = pairs.map(
  ({ texts: [a, b] }, i) => `## ${i + 1}\n\nA\n\n${fence(a, 'text')}\n\nB\n\n${fence(b, 'text')}\n`,
);
const key = markdownTable(
  ['pair', 'the new one'],
  pairs.map(({ after: letter }, i) => [i + 1, letter]),
);
const [[{ temperature, topP }]] = written;
console.log(`# Ten pairs: which is the better model?

Each pair has one sample of the bundled model and one of the model that was bundled before it, for the same prompt and seed, at temperature
${temperature} and top-p ${topP}, in an order that a hash of the texts decided. Judge first; the key is at the end.

${samples.join('\n')}
<details><summary>The key</summary>

${key}

</details>`);
