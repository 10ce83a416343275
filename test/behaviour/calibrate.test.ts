// How sure a model is: the temperature that suits a text, and a run whose model has one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { logitsOf, scaleLogits } from '../../src/model/logits.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import type { DataRecord } from '../../src/runs/data-record.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { calibrate } from '../../src/train/calibrate.ts';
import { type Dataset, dataset, defaultSplit } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import type { EvalEvent } from '../../src/train/events.ts';
import {
  checkFrozen,
  checkSettings,
  makeSettings,
  recipes,
  type TrainSettings,
} from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { runToStep } from '../support/run-to-step.ts';
import { valuesOf } from '../support/values.ts';

const settings: TrainSettings = makeSettings(recipes.tiny, {
  ...{ steps: 12, batchSize: 4, lr: 1e-2, evalEvery: 4, probeEvery: 0, sampleEvery: 0 },
});

describe('calibration', () => {
  let backend: Backend;
  let tokenizer: Tokenizer;
  let data: Dataset;
  const fresh = (changes: Partial<GPTConfig> = {}): GPT => {
    const size = { nLayer: 1, nEmbd: 8, nHead: 1, blockSize: 8, dropout: 0.1 };
    return new GPT(makeConfig(presets.tiny, tokenizer.vocabSize, { ...size, ...changes }), {
      backend,
      seed: 4,
    });
  };
  const trained = async (): Promise<GPT> => {
    const model = fresh();
    for await (const _ of train({ ...settings, model, data })) {
      // Only the trained model is of interest.
    }
    return model;
  };
  const parametersOf = (model: GPT): Map<string, Float32Array> =>
    new Map([...namedParameters(model)].map(([name, parameter]) => [name, valuesOf(parameter).slice()]));

  before(() => {
    backend = createReference();
    const text = 'the quick brown fox jumps over the lazy dog; '.repeat(20);
    tokenizer = Tokenizer.train(text, { vocabSize: 270 });
    data = dataset(text, tokenizer);
  });
  after(() => backend.dispose());

  test('logits are scaled, with every kind of norm and head', async () => {
    for (const changes of [
      {},
      { norm: 'rmsnorm', headBias: false, tieWeights: true },
      { bias: false, headBias: true },
    ] as const) {
      const model = fresh(changes);
      for (const parameter of namedParameters(model).values())
        parameter.write(valuesOf(parameter).map((x, i) => x + 0.1 * Math.sin(i)));
      const batch = { ids: data.val.subarray(0, 8) as Int32Array, B: 1, T: 8 };
      const before = await logitsOf(model, batch);
      scaleLogits(model, 0.5);
      const halved = await logitsOf(model, batch);
      for (const [i, x] of before.entries())
        assert.ok(Math.abs(halved[i] - x / 2) < 1e-6, `${halved[i]}, ${x}`);
    }
  });

  test('a temperature is found, again and at its inverse when the model has it', async () => {
    const model = await trained();
    scaleLogits(model, 4);
    const other = Int32Array.from(
      tokenizer.encode('dog fox the the brown; quick over over jumps lazy; '.repeat(4)),
    );
    const before = parametersOf(model);
    const { temperature, loss } = await calibrate(model, other);
    assert.ok(temperature > 0.2 && temperature < 5, `${temperature}`);
    assert.deepEqual(parametersOf(model), before);
    scaleLogits(model, 1 / temperature);
    assert.ok(Math.abs((await evaluate(model, other)).loss - loss) < 1e-6);
    assert.ok(Math.abs((await calibrate(model, other)).temperature - 1) < 0.02);
    for (const factor of [0.9, 1.1]) {
      scaleLogits(model, factor);
      assert.ok((await evaluate(model, other)).loss > loss, `times ${factor}`);
      scaleLogits(model, 1 / factor);
    }
  });

  test('a quantised model has one, too; a damaged one is said to be', async () => {
    const model = await quantize(await trained(), { activations: 'f32' });
    const { temperature } = await calibrate(model, data.val);
    scaleLogits(model, 4);
    const { temperature: hotter } = await calibrate(model, data.val);
    assert.ok(Math.abs(hotter / temperature / 4 - 1) < 0.03, `${temperature}, ${hotter}`);
    const damaged = fresh();
    namedParameters(damaged)
      .get('tokens.weight')
      ?.write(new Float32Array(model.config.vocabSize * 8).fill(Number.NaN));
    await assert.rejects(
      calibrate(damaged, data.val),
      /the loss is NaN at temperature .*: the model is damaged/,
    );
  });

  const record: DataRecord = {
    ...{ inputs: ['made up'], asBytes: false, separator: null, name: 'made up', bytes: 1, sha256: '' },
    ...defaultSplit,
  };
  const inFolder = async (
    store: Store,
    changes: Partial<TrainSettings>,
    until?: number,
  ): Promise<EvalEvent[]> => {
    const run = { store, tokenizer, dataset: data, data: record, settings: { ...settings, ...changes } };
    return (await runToStep(backend, fresh, run, until)).filter((event) => event.type === 'eval');
  };
  const savedIn = async (store: Store, folder: string): Promise<Map<string, Float32Array>> =>
    parametersOf((await loadModel(store.folder(folder), { backend })).model);

  test('a run trains as without one, and evaluates and saves the model with its temperature', async () => {
    const [plain, warm] = [memoryStore(), memoryStore()];
    await inFolder(plain, {});
    const evals = await inFolder(warm, { logitTemperature: 2 });
    const [raw, saved] = [await savedIn(plain, 'last'), await savedIn(warm, 'last')];
    for (const [name, values] of raw) {
      const factor = /^norm|^head\.bias/.test(name) ? 0.5 : 1;
      assert.deepEqual(
        saved.get(name),
        values.map((x) => x * factor),
        name,
      );
    }
    const { model } = await loadModel(warm.folder('last'), { backend });
    assert.equal((await evaluate(model, data.val)).loss, evals.at(-1)?.valLoss);
    assert.equal(evals.at(-1)?.weights, 'trained');
  });

  test('it goes on after an interruption as if there had been none', async () => {
    const [whole, parts] = [memoryStore(), memoryStore()];
    const all = await inFolder(whole, { logitTemperature: 2 });
    const first = await inFolder(parts, { logitTemperature: 2 }, 6);
    const rest = await inFolder(parts, { logitTemperature: 2 });
    const losses = (events: EvalEvent[]): number[] => events.map(({ valLoss }) => valLoss);
    assert.deepEqual(losses([...first, ...rest]), losses(all));
    assert.deepEqual(await savedIn(parts, 'best'), await savedIn(whole, 'best'));
  });

  test('a logit cap, an adapter of its own and ranks that train apart are refused', async () => {
    const capped = fresh({ logitCap: 5 });
    assert.throws(() => scaleLogits(capped, 2), /scaleLogits\(model, 2\) needs logits .* logitCap 5 bends/);
    await assert.rejects(calibrate(capped, data.val), /a calibration needs logits .* logitCap 5 bends/);
    await assert.rejects(async () => {
      for await (const _ of train({ ...settings, logitTemperature: 2, model: capped, data }));
    }, /logitTemperature 2 needs logits .* logitCap 5 bends/);
    for (const [changes, refusal] of [
      [{ lora: 2, optimizer: 'adamw', keepAdapter: true }, /keepAdapter cannot go with logitTemperature 2/],
      [{ localSteps: 4 }, /logitTemperature 2 cannot go with localSteps 4/],
    ] as const)
      assert.throws(() => checkSettings({ ...settings, ...changes, logitTemperature: 2 }), refusal);
    for (const factor of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => scaleLogits(fresh(), factor), /is not a number above 0/);
    const frozen = { ...settings, freeze: 'norm', logitTemperature: 2 };
    assert.throws(
      () => checkFrozen(frozen, fresh().config),
      /freeze norm keeps norm.weight, which logitTemp/,
    );
    checkFrozen({ ...frozen, freeze: 'blocks.0' }, fresh().config);
  });
});
