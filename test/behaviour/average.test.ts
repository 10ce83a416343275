// The moving average of the weights: its definition, that a run shows and saves it, and that a run resumes
// with it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { loadCheckpoint } from '../../src/runs/checkpoint.ts';
import type { DataRecord } from '../../src/runs/data-record.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { averageDecay } from '../../src/train/average.ts';
import { type Dataset, dataset, defaultSplit } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { EvalEvent, TrainEvent } from '../../src/train/events.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { assertClose } from '../conformance/support.ts';
import { runToStep } from '../support/run-to-step.ts';
import { valuesOf } from '../support/values.ts';

const settings: TrainSettings = {
  ...seedSettings,
  steps: 9,
  batchSize: 4,
  lr: 1e-2,
  emaDecay: 0.6,
  evalEvery: 3,
  probeEvery: 0,
  sampleEvery: 9,
  sampleTokens: 5,
};
const record: DataRecord = {
  inputs: ['made up'],
  asBytes: false,
  separator: null,
  name: 'made up',
  bytes: 1,
  sha256: '',
  ...defaultSplit,
};

describe('the average of the weights', () => {
  let backend: Backend;
  let tokenizer: Tokenizer;
  let data: Dataset;
  const fresh = (): GPT => {
    const size = { nLayer: 1, nEmbd: 8, nHead: 1, blockSize: 8, dropout: 0.1 };
    return new GPT(makeConfig(presets.tiny, tokenizer.vocabSize, size), { backend, seed: 4 });
  };
  const inFolder = (store: Store, until?: number): Promise<TrainEvent[]> =>
    runToStep(backend, fresh, { store, tokenizer, dataset: data, data: record, settings }, until);

  before(() => {
    backend = createReference();
    const text = 'the quick brown fox jumps over the lazy dog; '.repeat(20);
    tokenizer = Tokenizer.train(text, { vocabSize: 270 });
    data = dataset(text, tokenizer);
  });
  after(() => backend.dispose());

  test('forgets slowly only after it has seen enough', () => {
    assert.deepEqual(
      [1, 2, 8, 1000].map((t) => averageDecay(t, 0.9)),
      [2 / 11, 3 / 12, 9 / 18, 0.9],
    );
  });

  test('is the formula in float64, and what the model holds at the end', async () => {
    const model = fresh();
    const weights = (): Float64Array[] =>
      [...namedParameters(model).values()].map((p) => Float64Array.from(valuesOf(p)));
    const averages = weights();
    for await (const event of train({ ...settings, model, data, tokenizer })) {
      if (event.type !== 'step') continue;
      const d = Math.min(0.6, (1 + event.step) / (10 + event.step));
      for (const [i, now] of weights().entries())
        averages[i].forEach((mean, j) => {
          averages[i][j] = d * mean + (1 - d) * now[j];
        });
    }
    for (const [i, now] of weights().entries()) assertClose(now, averages[i], `parameter ${i}`, 1e-6);
    model.dispose();
  });

  test('is what evaluations are of and what best/ and last/ hold', async () => {
    const store = memoryStore();
    const evals = (await inFolder(store)).filter((e): e is EvalEvent => e.type === 'eval');
    assert.ok(evals.every((e) => e.weights === 'average'));
    const lowest = Math.min(...evals.map((e) => e.valLoss));
    for (const [folder, loss] of [
      ['best', lowest],
      ['last', evals.at(-1)?.valLoss],
    ] as const) {
      const { model } = await loadModel(store.folder(folder), { backend });
      assert.equal((await evaluate(model, data.val)).loss, loss, folder);
      model.dispose();
    }
  });

  test('goes on after an interruption as if there had been none', async () => {
    const [whole, parts] = [memoryStore(), memoryStore()];
    const all = await inFolder(whole);
    await inFolder(parts, 5);
    const rest = await inFolder(parts);
    const told = (events: TrainEvent[]): unknown[] =>
      events.flatMap((e): unknown[] => {
        if (e.type === 'eval') return [e.valLoss, e.trainLoss];
        return e.type === 'sample' ? [e.text] : [];
      });
    assert.deepEqual(told(rest), told(all).slice(-told(rest).length));
    assert.ok(told(rest).length >= 5);
    for (const file of ['model.safetensors', 'training.safetensors'])
      assert.deepEqual(await parts.folder('last').read(file), await whole.folder('last').read(file), file);
  });

  test('a checkpoint without averages, or with some that are not asked for, is refused', async () => {
    const store = memoryStore();
    await inFolder(store);
    const from = await loadCheckpoint(store.folder('last'), { backend });
    const resume = { ...from.resume, average: null };
    const again = async (options: object): Promise<void> => {
      for await (const _ of train({
        ...settings,
        steps: 12,
        model: from.model,
        data,
        tokenizer,
        ...options,
      }));
    };
    await assert.rejects(again({ resume }), /no average tokens.weight of 2160 elements/);
    await assert.rejects(again({ resume: from.resume, emaDecay: 0 }), /surplus average tokens.weight/);
    await assert.rejects(again({ emaDecay: 1 }), /emaDecay 1 is not a number from 0 to 0.999999/);
    from.model.dispose();
  });
});
