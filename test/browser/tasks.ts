// What is done in a page and in Node alike, to compare the results. Only the engine and the store differ.
import {
  type Backend,
  type Dataset,
  dataset,
  GPT,
  generate,
  type LibraryWorker,
  load,
  makeConfig,
  memoryStore,
  presets,
  type Store,
  summarizeHeads,
  Tokenizer,
  train,
} from '../../src/index.ts';
import {
  allFigures,
  type Charts,
  comparisonPage,
  drawRun,
  readRun,
  renderReport,
  runPage,
} from '../../src/report/index.ts';

/** The reports of a run, as strings. */
export interface Reports {
  page: string;
  comparison: string;
  markdown: string;
  /** Each picture as SVG, by name. */
  figures: Record<string, string>;
}

export async function reports(store: Store, charts: Charts): Promise<Reports> {
  const run = await readRun(store);
  const drawn = drawRun(run, charts);
  return {
    page: runPage(run, charts, drawn),
    comparison: comparisonPage([run, { ...run, folder: 'runs/again' }], charts),
    markdown: renderReport(run, drawn),
    figures: Object.fromEntries(allFigures(drawn).map(({ name, svg }) => [name, svg])),
  };
}

/** 24 tokens of the model in `store` after `ROMEO:`, the likeliest each. */
export async function speech(backend: Backend, store: Store): Promise<number[]> {
  const { model, tokenizer } = await load(store, { backend });
  const ids: number[] = [];
  for await (const e of generate(model, tokenizer, { prompt: 'ROMEO:', maxTokens: 24, temperature: 0 }))
    if (e.type === 'token') ids.push(e.id);
  return ids;
}

/** A text of so many words. */
export function lessonText(length: number): string {
  const words = ['the', 'old', 'whale', 'swam', 'by', 'and', 'sang', 'of', 'ink'];
  return Array.from({ length }, (_, i) => words[(i * i + (i >> 3)) % words.length]).join(' ');
}

/** A small model and its text. */
export function lesson(backend: Backend): { model: GPT; data: Dataset } {
  const text = lessonText(3000);
  const tokenizer = Tokenizer.train(text, { vocabSize: 280 });
  const sizes = { blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 64 };
  const model = new GPT(makeConfig(presets.tiny, tokenizer.vocabSize, sizes), { seed: 1337, backend });
  return { model, data: dataset(text, tokenizer) };
}

export interface Losses {
  /** Of each step. */
  steps: number[];
  /** Of the evaluations before and after. */
  evals: number[];
}

/** The losses of a training with dropout. */
export async function losses({ model, data }: ReturnType<typeof lesson>, steps = 10): Promise<Losses> {
  const found: Losses = { steps: [], evals: [] };
  const settings = { steps, batchSize: 8, lr: 3e-3, evalEvery: steps, sampleEvery: 0, seed: 1 };
  for await (const e of train({ model, data, ...settings })) {
    if (e.type === 'step') found.steps.push(e.loss);
    if (e.type === 'eval') found.evals.push(e.valLoss);
  }
  return found;
}

/** What a page shows of a model of its own: a look inside while it trains, then its INT8 copy beside it. */
export interface Tour {
  /** Of the same text, after every event of the training. */
  losses: (number | null)[];
  heads: ReturnType<typeof summarizeHeads>;
  /** The likeliest token after each block. */
  lens: string[];
  /** How much the text depends on each head. */
  ablated: number[][];
  comparison: { ratio: number; kl: number; weights: number };
  /** What the copy says, and what it says when it was saved and read again. */
  said: [string, string];
}

export async function tour(worker: LibraryWorker): Promise<Tour> {
  const text = lessonText(2000);
  const { tokenizer, data } = await worker.tokenize(text, { tokenizer: { vocabSize: 280 } });
  const sizes = { blockSize: 32, nLayer: 2, nHead: 2, nEmbd: 64 };
  const config = makeConfig(presets.tiny, tokenizer.vocabSize, sizes);
  const model = await worker.create(config, tokenizer, { seed: 1337 });
  const ids = tokenizer.encode('the old whale sang').slice(0, 16);
  const losses: Tour['losses'] = [];
  for await (const _ of worker.train({ model, data, steps: 4, batchSize: 8, evalEvery: 4, sampleEvery: 0 }))
    losses.push((await worker.predictText(model, ids)).loss);
  const heads = summarizeHeads(await worker.attentionMaps(model, ids), await worker.inductionScores(model));
  const { rows } = await worker.logitLens(model, ids);
  const small = await worker.quantize(model);
  const { parameters, validation, weights } = await worker.compare(model, small, data, {
    maxTokens: 256,
    speedTokens: 0,
  });
  const store = memoryStore();
  await worker.save(store, small);
  const say = async (speaker: typeof small): Promise<string> => {
    let said = '';
    for await (const e of worker.generate(speaker, { prompt: 'the ', maxTokens: 9, temperature: 0 }))
      said += e.text;
    return said;
  };
  return {
    losses,
    heads,
    lens: rows.map(({ cells }) => cells.at(-1)?.top[0].text ?? ''),
    ablated: (await worker.ablate(model, ids)).heads,
    comparison: { ratio: parameters.ratio, kl: validation.kl, weights: weights.length },
    said: [await say(small), await say(await worker.load(store))],
  };
}
