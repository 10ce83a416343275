// A model of your own text, in Node. Ctrl-C stops it, and the next start goes on where it was; at the end
// there is a report with pictures.
//
//   npm install inkhorn
//   node train.mjs your.txt runs/yours 500
import {
  datasetAsync,
  GPT,
  inspectHealth,
  makeConfig,
  makeSettings,
  openRun,
  presets,
  recipes,
  resumeInFolder,
  Tokenizer,
  textRecord,
  trainInFolder,
  useBackend,
} from 'inkhorn';
import { healthTables } from 'inkhorn/figures';
import { folderStore, loadCorpus } from 'inkhorn/node';
import { loadPictures } from 'inkhorn/pictures';
import { readRun, writeReport } from 'inkhorn/report';

const [input = 'moby-dick', folder = 'runs/first', steps = '300'] = process.argv.slice(2);
const { backend } = await useBackend();
console.log(backend.description);

const text = await loadCorpus(input); // a file, a folder, a pattern, or a name
const store = folderStore(folder);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const begun = (await openRun(store).newest()) !== null;
for await (const e of begun ? goOn() : begin()) {
  if (e.type === 'eval') console.log(`step ${e.step}: ${e.valLoss.toFixed(3)} nats per token`);
  if (e.type === 'sample') console.log(e.prompt + e.text);
}

const pictures = await loadPictures().catch((error) => console.log(error.message)); // optional packages
const [page] = await writeReport(store, await readRun(store), pictures ?? null);
console.log(`${folder}/${page}`);
for (const { title, columns, rows } of healthTables(await inspectHealth(store))) {
  console.log(title);
  console.table(rows.map((row) => Object.fromEntries(row.map((cell, i) => [columns[i], cell]))));
}

async function* begin() {
  const tokenizer = Tokenizer.train(text.bytes, { vocabSize: 500, atMost: true });
  const model = new GPT(makeConfig(presets.tiny, tokenizer.vocabSize), { seed: 1337 });
  yield* trainInFolder({
    store,
    model,
    tokenizer,
    dataset: await datasetAsync(text.bytes, tokenizer),
    data: await textRecord(text.bytes, { name: text.name }),
    settings: makeSettings(recipes.tiny, { steps: Number(steps), probeEvery: 50 }),
    signal: stop.signal,
  });
}

function goOn() {
  return resumeInFolder({ store, text: text.bytes, steps: Number(steps), signal: stop.signal });
}
