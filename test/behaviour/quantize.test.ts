import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createContext } from '../../src/generate/context.ts';
import { memoryStore } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { slots } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { compare } from '../../src/quantize/compare.ts';
import { sqnr } from '../../src/quantize/noise.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parameterBytes, totalBytes } from '../../src/quantize/size.ts';
import { Int8Tensor } from '../../src/tensor/quantized.ts';
import { scope } from '../../src/tensor/scope.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { valuesOf } from '../support/values.ts';

const V = 40;

function makeModel(changes: Partial<GPTConfig> = {}, seed = 7): GPT {
  const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 24, headSize: 12 };
  return new GPT(makeConfig(presets.seed, V, { ...size, ...changes }), { seed });
}

/** Names of the weights that are INT8. */
function quantised(model: GPT): string[] {
  return slots(model)
    .filter(({ value }) => value instanceof Int8Tensor)
    .map(({ name }) => name);
}

function logitsOf(model: GPT, ids: readonly number[]): Float32Array {
  return scope(() => valuesOf(model.forward(tensor(Int32Array.from(ids), [1, ids.length], model.backend))));
}

const text = Int32Array.from({ length: 75 }, (_, i) => (i * i + 3 * i) % V);
const data = { val: text, valBytesPerToken: 2, vocabSize: V };

describe('quantize', () => {
  before(async () => {
    await useBackend('reference');
  });

  test('makes every matrix INT8, positions and vectors not', async () => {
    const small = await quantize(makeModel());
    const layers = ['attn.qkv', 'attn.proj', 'mlp.fc', 'mlp.proj'];
    const blocks = [0, 1].flatMap((n) => layers.map((layer) => `blocks.${n}.${layer}.weight`));
    assert.deepEqual(quantised(small), ['tokens.weight', ...blocks, 'head.weight']);
    assert.equal(small.parameterCount, makeModel().parameterCount);
  });

  test('leaves float what is excluded by name, beginning, pattern or filter', async () => {
    const model = makeModel();
    const left = async (options: object): Promise<string[]> => {
      const all = quantised(await quantize(model));
      const some = new Set(quantised(await quantize(model, options)));
      return all.filter((name) => !some.has(name));
    };
    assert.deepEqual(await left({ exclude: ['head'] }), ['head.weight']);
    assert.deepEqual(await left({ exclude: ['head', 'embeddings'] }), ['tokens.weight', 'head.weight']);
    assert.deepEqual(await left({ exclude: ['tokens.weight'] }), ['tokens.weight']);
    assert.deepEqual(await left({ exclude: ['blocks.*.mlp.fc'] }), [
      'blocks.0.mlp.fc.weight',
      'blocks.1.mlp.fc.weight',
    ]);
    assert.equal((await left({ exclude: ['blocks.1'] })).length, 4);
    assert.deepEqual(await left({ filter: (name: string) => name.startsWith('blocks.') }), [
      'tokens.weight',
      'head.weight',
    ]);
  });

  for (const activations of ['f32', 'int8'] as const) {
    test(`speaks almost as before (${activations}), with and without a cache`, async () => {
      const model = makeModel({ position: 'rope' });
      const small = await quantize(model, { activations });
      const ids = [3, 1, 4, 1, 5, 9, 2, 6];
      const exact = logitsOf(model, ids);
      const ratio = sqnr(exact, logitsOf(small, ids));
      assert.ok(ratio !== null && ratio > 25 && ratio < 60, `${ratio} dB`);
      const context = createContext(small);
      const cached = await context.read(ids);
      const whole = logitsOf(small, ids).slice(-V);
      assert.ok((sqnr(whole, cached) ?? 200) > 60);
      context.dispose();
    });
  }

  test('shares no memory with the model it came from, and frees its own', async () => {
    const model = makeModel();
    const ids = [1, 2, 3];
    const { live, liveBytes } = model.backend.memory();
    const small = await quantize(model);
    const expected = logitsOf(small, ids);
    model.dispose();
    const other = makeModel({}, 8); // takes the freed buffers and overwrites them
    assert.deepEqual(logitsOf(small, ids), expected);
    small.dispose();
    assert.deepEqual([model.backend.memory().live, model.backend.memory().liveBytes], [live, liveBytes]);
    other.dispose();
  });

  test('quantises a tied weight once, and leaves it when either of its names is excluded', async () => {
    const model = makeModel({ tieWeights: true });
    const small = await quantize(model);
    assert.equal(small.head.weight, small.tokens.weight);
    assert.ok(small.head.weight instanceof Int8Tensor);
    assert.equal(parameterBytes(small).head.int8, 0);
    for (const name of ['head', 'embeddings']) {
      const part = await quantize(model, { exclude: [name] });
      assert.equal(part.head.weight, part.tokens.weight);
      assert.ok(!(part.head.weight instanceof Int8Tensor));
    }
  });

  for (const tieWeights of [false, true]) {
    test(`comes back from a model folder bit for bit (${tieWeights ? 'tied' : 'untied'})`, async () => {
      const tokenizer = Tokenizer.train('the cat sat on the mat', { vocabSize: 260 });
      const model = makeModel({ vocabSize: 260, tieWeights });
      const small = await quantize(model, { activations: 'int8', exclude: ['blocks.0'] });
      const store = memoryStore();
      await saveModel(store, { model: small, tokenizer });
      const loaded = (await loadModel(store)).model;
      assert.deepEqual(quantised(loaded), quantised(small));
      assert.deepEqual(logitsOf(loaded, [1, 2, 3]), logitsOf(small, [1, 2, 3]));
      assert.equal(loaded.head.weight === loaded.tokens.weight, tieWeights);
    });
  }

  test('refuses what it cannot do, and leaves nothing behind', async () => {
    const model = makeModel();
    const { live } = model.backend.memory();
    const refuses = (options: object, message: RegExp): Promise<void> =>
      assert.rejects(quantize(model, options), message);
    await refuses({ bits: 3 }, /bits 3 is not one of 4, 8/);
    await refuses({ activations: 'int4' }, /activations "int4" is not one of f32, int8/);
    await refuses(
      { exclude: ['haed'] },
      /exclude 'haed' is none of the weights: they are tokens.weight, blocks.\*.attn.qkv/,
    );
    await refuses({ exclude: ['positions'] }, /exclude 'positions'/);
    await refuses({ filter: () => false }, /nothing is left to quantise/);
    await refuses({ exlude: ['head'] }, /unknown option 'exlude' for quantize: .*; did you mean 'exclude'\?/);
    assert.equal(model.backend.memory().live, live);
    const small = await quantize(model);
    await assert.rejects(quantize(small), /tokens.weight is INT8/);
  });

  test('shrinks the seed as much as it must', async () => {
    const model = new GPT(makeConfig(presets.seed, 500));
    const bytes = async (exclude: string[]): Promise<number> => {
      const small = await quantize(model, { exclude });
      const total = totalBytes(parameterBytes(small));
      small.dispose();
      return total;
    };
    const before = totalBytes(parameterBytes(model));
    assert.equal(before, 4 * 3_514_836);
    assert.ok(before / (await bytes(['head', 'embeddings'])) > 3.14); // the seed's choice: 3.15
    assert.ok(before / (await bytes([])) >= 3.7);
    model.dispose();
  });
});

describe('compare', () => {
  before(async () => {
    await useBackend('reference');
  });

  test('finds a model equal to itself', async () => {
    const model = makeModel();
    const report = await compare(model, model, data, { speedTokens: 0 });
    assert.equal(report.parameters.ratio, 1);
    assert.equal(report.validation.kl, 0);
    assert.equal(report.validation.top1, 1);
    assert.deepEqual(report.validation.before, report.validation.after);
    assert.deepEqual(report.weights, []);
    assert.ok(report.outputs.every(({ sqnrDb }) => sqnrDb === null));
    assert.equal(report.speed, null);
  });

  test('has the losses that evaluate has, over the same tokens', async () => {
    const model = makeModel();
    const small = await quantize(model);
    for (const maxTokens of [undefined, 32]) {
      const { validation } = await compare(model, small, data, { speedTokens: 0, maxTokens });
      const [a, b] = [await evaluate(model, text, { maxTokens }), await evaluate(small, text, { maxTokens })];
      assert.equal(validation.tokens, a.tokens);
      assert.ok(Math.abs(validation.before.loss - a.loss) < 1e-5);
      assert.ok(Math.abs(validation.after.loss - b.loss) < 1e-5);
      assert.ok(Math.abs(validation.before.bitsPerByte - a.loss / Math.LN2 / 2) < 1e-5);
    }
  });

  test('measures divergence, agreement and noise as defined', async () => {
    const model = makeModel();
    const other = makeModel({}, 8);
    const val = text.subarray(0, 17);
    const { validation } = await compare(model, other, { ...data, val }, { speedTokens: 0 });
    const [a, b] = [model, other].map((m) => logitsOf(m, [...val.subarray(0, 16)]));
    let kl = 0;
    let same = 0;
    for (let t = 0; t < 16; t++) {
      const softmax = (x: Float32Array): number[] => {
        const e = [...x.subarray(t * V, (t + 1) * V)].map(Math.exp);
        const sum = e.reduce((u, v) => u + v, 0);
        return e.map((v) => v / sum);
      };
      const [p, q] = [softmax(a), softmax(b)];
      kl += p.reduce((sum, pv, v) => sum + pv * Math.log(pv / q[v]), 0) / 16;
      same += p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)) ? 1 / 16 : 0;
    }
    assert.ok(Math.abs(validation.kl - kl) < 1e-6 && kl > 0.01, `${validation.kl} and ${kl}`);
    assert.ok(Math.abs(validation.top1 - same) < 1e-9);
  });

  test('reports each quantised weight and each block, as plain JSON', async () => {
    const model = makeModel();
    const small = await quantize(model, { exclude: ['head'] });
    const progress: number[] = [];
    const onProgress = (done: number, total: number): void => {
      progress.push(done / total);
    };
    const report = await compare(model, small, data, { speedTokens: 4, onProgress });
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    assert.deepEqual(
      report.weights.map(({ name }) => name),
      quantised(small),
    );
    for (const { sqnrDb } of report.weights) assert.ok(sqnrDb !== null && sqnrDb > 35 && sqnrDb < 55);
    assert.deepEqual(
      report.outputs.map(({ name }) => name),
      ['blocks.0.out', 'blocks.1.out', 'logits'],
    );
    const { kinds, before, after } = report.parameters;
    const sum = (which: 'before' | 'after'): number =>
      kinds.reduce((total, kind) => total + kind[which].float32 + kind[which].int8, 0);
    assert.deepEqual([sum('before'), sum('after')], [before, after]);
    assert.ok(kinds.some(({ kind, after: { int8 } }) => kind === 'linear' && int8 === 2 * 12 * 24 * 24));
    assert.ok(report.speed && report.speed.before > 0 && /4 greedy tokens/.test(report.speed.method));
    assert.equal(progress.at(-1), 1);
  });

  test('compares models of different depth and block size on the windows of the smaller', async () => {
    const model = makeModel();
    const deep = makeModel({ nLayer: 3, blockSize: 8, nEmbd: 12 });
    const { validation, weights, outputs } = await compare(model, deep, data, { speedTokens: 0 });
    assert.equal(validation.blockSize, 8);
    assert.equal(validation.tokens, 74);
    assert.deepEqual(weights, []);
    assert.deepEqual(
      outputs.map(({ name }) => name),
      ['logits'],
    );
  });

  test('leaves nothing behind', async () => {
    const model = makeModel();
    const small = await quantize(model);
    const { live } = model.backend.memory();
    await compare(model, small, data, { speedTokens: 2 });
    assert.equal(model.backend.memory().live, live);
  });

  test('refuses other vocabularies and impossible options', async () => {
    const model = makeModel();
    const other = new GPT({ ...model.config, vocabSize: 50 });
    await assert.rejects(
      compare(model, other, data),
      /40 and 50 tokens: only models with the same tokenizer/,
    );
    await assert.rejects(compare(other, other, data), /the data has 40 tokens, the model 50/);
    await assert.rejects(compare(model, model, data, { speedTokens: -1 }), /speedTokens -1/);
    await assert.rejects(compare(model, model, data, { maxTokens: 0 }), /maxTokens 0 .* whole number >= 1/);
    await assert.rejects(
      compare(model, model, data, { speed: 1 } as object),
      /unknown option 'speed' for compare: .*; did you mean 'speedTokens'\?/,
    );
    await assert.rejects(
      compare(model, model, { ...data, val: text.subarray(0, 1) }),
      /nothing to predict in 1 token:/,
    );
  });
});
