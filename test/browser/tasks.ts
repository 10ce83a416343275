// What is done in a page and in Node alike, to compare the results. Only the engine and the store differ.
import {
  type Backend,
  type Dataset,
  dataset,
  GPT,
  generate,
  load,
  makeConfig,
  presets,
  type Store,
  Tokenizer,
  train,
} from '../../src/index.ts';

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
