import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createContext } from '../../src/generate/context.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { memoryStore } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { slots } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { compare } from '../../src/quantize/compare.ts';
import { compareLayers } from '../../src/quantize/layer-errors.ts';
import { sqnr } from '../../src/quantize/noise.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parameterBytes, totalBytes } from '../../src/quantize/size.ts';
import { Int4Tensor } from '../../src/tensor/quantized.ts';
import { scope } from '../../src/tensor/scope.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { valuesOf } from '../support/values.ts';

const V = 260;

function makeModel(changes: Partial<GPTConfig> = {}, seed = 7): GPT {
  const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 44, headSize: 19 }; // no multiple of 32
  return new GPT(makeConfig(presets.seed, V, { ...size, ...changes }), { seed });
}

function logitsOf(model: GPT, ids: readonly number[]): Float32Array {
  return scope(() => valuesOf(model.forward(tensor(Int32Array.from(ids), [1, ids.length], model.backend))));
}

const calibration = Int32Array.from({ length: 400 }, (_, i) => (i * i + 3 * i) % V);
const rtn = { bits: 4, groupSize: 32, method: 'rtn' } as const;
const gptq = { bits: 4, groupSize: 32, method: 'gptq', calibration } as const;
const data = { val: calibration.subarray(0, 60), valBytesPerToken: 2, vocabSize: V };

describe('quantize to INT4', () => {
  before(async () => {
    await useBackend('reference');
  });

  for (const options of [rtn, gptq]) {
    for (const activations of ['f32', 'int8'] as const) {
      test(`speaks almost as before (${options.method}, ${activations}), with and without a cache`, async () => {
        const model = makeModel();
        const small = await quantize(model, { ...options, activations });
        const ids = [3, 1, 4, 1, 5, 9, 2, 6];
        const ratio = sqnr(logitsOf(model, ids), logitsOf(small, ids));
        assert.ok(ratio !== null && ratio > 8 && ratio < 40, `${ratio} dB`);
        const context = createContext(small);
        const cached = await context.read(ids);
        assert.ok((sqnr(logitsOf(small, ids).slice(-V), cached) ?? 200) > 60);
        context.dispose();
      });
    }
  }

  test('hurts every layer less by gptq than by rounding to the nearest, and INT8 far less', async () => {
    const model = makeModel();
    const small = await quantize(model, gptq);
    const { live } = model.backend.memory();
    const layers = await compareLayers(model, small, calibration, { ...rtn, method: 'gptq' });
    assert.equal(model.backend.memory().live, live);
    assert.deepEqual(
      layers.map(({ name }) => name),
      slots(small)
        .filter(({ name, value }) => value instanceof Int4Tensor && name !== 'tokens.weight')
        .map(({ name }) => name),
    );
    for (const { name, sqnrDb } of layers) {
      const [int8, nearest, better] = ['INT8', 'INT4 rtn', 'INT4 gptq'].map((way) => sqnrDb[way] as number);
      assert.ok(int8 > 15 + better && better > nearest, `${name}: ${int8}, ${better}, ${nearest}`);
    }
  });

  for (const tieWeights of [false, true]) {
    test(`comes back from a model folder bit for bit (${tieWeights ? 'tied' : 'untied'})`, async () => {
      const tokenizer = Tokenizer.train('the cat sat on the mat', { vocabSize: V });
      const model = makeModel({ tieWeights });
      const small = await quantize(model, { ...gptq, exclude: ['blocks.0'], activations: 'f32' });
      assert.equal(small.head.weight === small.tokens.weight, tieWeights);
      const store = memoryStore();
      await saveModel(store, { model: small, tokenizer });
      const loaded = (await loadModel(store)).model;
      assert.deepEqual(logitsOf(loaded, [1, 2, 3]), logitsOf(small, [1, 2, 3]));
      assert.equal(loaded.head.weight === loaded.tokens.weight, tieWeights);
      const { groupSize, method, activations } = loaded.head.weight as Int4Tensor;
      assert.deepEqual(
        { groupSize, method, activations },
        { groupSize: 32, method: 'gptq', activations: 'f32' },
      );
      assert.deepEqual(JSON.parse(new TextDecoder().decode(await store.read('config.json'))).quantization, {
        bits: 4,
        groupSize: 32,
        method: 'gptq',
        activations: 'f32',
      });
    });
  }

  test('says what is wrong with a folder', async () => {
    const tokenizer = Tokenizer.train('the cat sat on the mat', { vocabSize: V });
    const store = memoryStore();
    await saveModel(store, { model: await quantize(makeModel(), rtn), tokenizer });
    const config = JSON.parse(new TextDecoder().decode(await store.read('config.json')));
    const loadsWith = async (quantization: unknown): Promise<void> => {
      await store.write('config.json', new TextEncoder().encode(JSON.stringify({ ...config, quantization })));
      await loadModel(store);
    };
    await assert.rejects(loadsWith(undefined), /tokens.weight is U8, but config.json has no quantization/);
    await assert.rejects(loadsWith({ bits: 3 }), /config\.json: quantization\.bits is 3: expected 4/);
    await assert.rejects(
      loadsWith({ ...config.quantization, groupSize: 64 }),
      /scale is \[2, 260\], .* \[1, 260\]/,
    );
  });

  test('has the sizes that it says, in the file too', async () => {
    const model = new GPT(makeConfig(presets.seed, 500));
    const small = await quantize(model, { bits: 4, method: 'rtn' });
    // Per block qkv 684 x 232, proj 232 x 228, fc 928 x 232, proj 232 x 928; tokens and head 500 x 232.
    const weights = 5 * (684 * 232 + 232 * 228 + 2 * 928 * 232) + 2 * 500 * 232;
    const groups = 5 * (684 * 4 + 232 * 4 + 928 * 4 + 232 * 15) + 2 * 500 * 4;
    const rest = 3_514_836 - weights; // positions, biases, norms
    const total = totalBytes(parameterBytes(small));
    assert.equal(total, weights / 2 + 2 * groups + 4 * rest);
    assert.ok((4 * 3_514_836) / total > 6, `${(4 * 3_514_836) / total}`);
    const store = memoryStore();
    const tokenizer = Tokenizer.train('a'.repeat(9000), { vocabSize: 257 });
    small.config.vocabSize = 257; // the tokenizer only has to be there
    await saveModel(store, { model: small, tokenizer });
    const { tensors } = readSafetensors(await store.read('model.safetensors'));
    const stored = [...tensors.values()].reduce((sum, { dtype, shape }) => {
      const bytes = dtype === 'U8' ? 1 : dtype === 'BF16' ? 2 : 4;
      return sum + shape.reduce((a, b) => a * b, bytes);
    }, 0);
    assert.equal(stored, total);
    for (const m of [model, small]) m.dispose();
  });

  test('is compared by bytes, bits and method', async () => {
    const model = makeModel();
    const report = await compare(model, await quantize(model, gptq), data, { speedTokens: 2 });
    assert.deepEqual(report.formats, {
      before: 'float32',
      after: 'INT4 in groups of 32 by gptq, activations int8',
    });
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    assert.equal(report.weights.length, 10);
    for (const { sqnrDb } of report.weights) assert.ok(sqnrDb !== null && sqnrDb > 10 && sqnrDb < 30);
  });

  test('counts what is done, and leaves nothing behind', async () => {
    const model = makeModel();
    const { live } = model.backend.memory();
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number): void => {
      seen.push([done, total]);
    };
    (await quantize(model, { ...gptq, onProgress })).dispose();
    assert.deepEqual(
      seen,
      Array.from({ length: 10 }, (_, i) => [i + 1, 10]),
    );
    assert.equal(model.backend.memory().live, live);
  });

  test('lets the event loop turn, and ends between two weights when it is told to', async () => {
    const model = makeModel();
    const { live } = model.backend.memory();
    const stop = new AbortController();
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const seen: number[] = [];
    const onProgress = (done: number): void => {
      seen.push(done);
      if (done === 3) setTimeout(() => stop.abort(new Error('enough')), 0);
    };
    await assert.rejects(quantize(model, { ...gptq, onProgress, signal: stop.signal }), /^Error: enough$/);
    clearInterval(timer);
    assert.ok(seen.length >= 3 && seen.length < 10, `${seen}`);
    assert.ok(turns > 0);
    assert.equal(model.backend.memory().live, live);
  });

  test('refuses what it cannot do, and leaves nothing behind', async () => {
    const model = makeModel();
    const { live } = model.backend.memory();
    const refuses = (options: object, message: RegExp): Promise<void> =>
      assert.rejects(quantize(model, options), message);
    await refuses({ bits: 5 }, /bits 5 is not one of 4, 8/);
    await refuses({ ...rtn, groupSize: 48 }, /groupSize 48 is not one of 32, 64, 128/);
    await refuses(
      { ...rtn, groupSize: 64 },
      /groupSize 64 is larger than a row of tokens\.weight, .*\(38 to 44 columns\), .*: use groupSize 32, or bits 8/,
    );
    await refuses({ bits: 4 }, /groupSize 64 is larger/);
    await refuses(
      { bits: 4, groupSize: 32 },
      /method gptq needs calibration, token ids of the training part/,
    );
    await refuses({ ...gptq, method: 'awq' }, /method "awq" is not one of rtn, gptq/);
    await refuses({ ...rtn, calibration }, /calibration is for method gptq/);
    await refuses(
      { ...gptq, calibration: calibration.subarray(0, 9) },
      /calibration has 9 tokens, a window needs 17/,
    );
    await refuses({ groupSize: 32 }, /groupSize 32 is for bits 4/);
    await refuses({ method: 'rtn' }, /method 'rtn' is for bits 4/);
    assert.equal(model.backend.memory().live, live);
    const small = await quantize(model, rtn);
    await assert.rejects(quantize(small, { bits: 8 }), /tokens.weight is INT4: only a float model/);
    await assert.rejects(quantize(await quantize(model), rtn), /tokens.weight is INT8: only a float model/);
  });
});
