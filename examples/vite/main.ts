// A page that trains a model on the text in its box, and lets it write. The engine is in a worker: the page
// stays free. Vite needs no plugin; vite.config.js sends the headers with which the engine has threads.
//
//   npm install inkhorn vite
//   npx vite
import { makeConfig, openWorker, presets, recipes, type WorkerModel } from 'inkhorn';

const find = <E extends Element>(selector: string): E => document.querySelector(selector) as E;
const text = find<HTMLTextAreaElement>('textarea');
const train = find<HTMLButtonElement>('#train');
const write = find<HTMLButtonElement>('#write');
const status = find<HTMLElement>('[role=status]');
const output = find<HTMLOutputElement>('output');

text.value = 'The whale swam by, and the old ship sang of ink. '.repeat(100);
const worker = await openWorker();
status.textContent = worker.description;
let model: WorkerModel | undefined;

train.onclick = async () => {
  train.disabled = true;
  model?.dispose();
  const vocabulary = { vocabSize: 300, atMost: true };
  const { tokenizer, data } = await worker.tokenize(text.value, { tokenizer: vocabulary });
  model = await worker.create(makeConfig(presets.tiny, tokenizer.vocabSize, { blockSize: 32 }), tokenizer);
  const recipe = { ...recipes.tiny, steps: 60, batchSize: 8, warmup: 6, evalEvery: 20, sampleEvery: 0 };
  for await (const e of worker.train({ model, data, ...recipe })) {
    if (e.type === 'step') status.textContent = `step ${e.step} of ${recipe.steps}`;
    if (e.type === 'eval') output.textContent += `step ${e.step}: ${e.valLoss.toFixed(3)} nats per token\n`;
  }
  train.disabled = write.disabled = false;
};

write.onclick = async () => {
  if (!model) return;
  output.textContent = '';
  for await (const e of worker.generate(model, { prompt: 'The ', maxTokens: 60 }))
    if (e.type === 'token') output.textContent += e.text;
};
