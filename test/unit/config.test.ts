import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import {
  checkConfig,
  type GPTConfig,
  hiddenSize,
  makeConfig,
  type Preset,
  presets,
} from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { countShapes, shapesOf } from '../../src/model/shapes.ts';
import { slots } from '../../src/nn/parameters.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { valuesOf } from '../support/values.ts';

const backend = createReference();

test('the bundled model has 3,579,048 parameters, that of the speedrun 1,424,738', () => {
  const parameters = (preset: Preset): number => new GPT(makeConfig(preset, 500), { backend }).parameterCount;
  assert.equal(parameters({ ...presets.shakespeare, tokenShift: true }), 3_579_048);
  assert.equal(parameters(presets.speedrun), 1_424_738);
});

test('the portable model has what ArceeForCausalLM has, and at most 4.2 million parameters', () => {
  const { nHead, headSize, nEmbd, position, norm, activation, tieWeights, ...config } = presets.portable;
  assert.deepEqual(
    [nHead * headSize, position, norm, activation, tieWeights],
    [nEmbd, 'rope', 'rmsnorm', 'relu2', true],
  );
  const { bias, qkvBias, headBias, qkNorm, valueResidual, skip, logitCap } = config;
  assert.deepEqual([bias, qkvBias, headBias, qkNorm, valueResidual], [false, false, false, false, false]);
  assert.deepEqual([skip, logitCap], ['none', 0]);
  assert.equal(countShapes(makeConfig(presets.portable, 500)), 4_062_976);
});

test('the seed has 3,514,836 parameters, initialised as PyTorch does', () => {
  const model = new GPT(makeConfig(presets.seed, 500), { backend });
  assert.equal(model.parameterCount, 3_514_836);
  const values = new Map(slots(model).map(({ name, value }) => [name, value]));
  const spread = (name: string): { std: number; max: number } => {
    const data = valuesOf(values.get(name) as Tensor);
    const std = Math.sqrt(data.reduce((s, x) => s + x * x, 0) / data.length);
    return { std, max: data.reduce((m, x) => Math.max(m, Math.abs(x)), 0) };
  };
  assert.ok(Math.abs(spread('tokens.weight').std - 1) < 0.02); // N(0, 1)
  const bound = 1 / Math.sqrt(232); // uniform +-1/sqrt(in)
  const { max, std } = spread('blocks.0.attn.qkv.weight');
  assert.ok(max <= bound && max > 0.99 * bound && Math.abs(std - bound / Math.sqrt(3)) < 0.01 * bound);
  assert.ok(spread('blocks.4.mlp.proj.bias').max <= 1 / Math.sqrt(928));
  assert.equal(values.has('blocks.0.attn.qkv.bias'), false);
  model.dispose();
});

test('every hidden width can be said as a ratio, also where no ratio gives it to the last bit', () => {
  for (let nEmbd = 1; nEmbd < 120; nEmbd++) {
    for (let hidden = 1; hidden < 5 * nEmbd; hidden++) {
      const mlpRatio = hidden / nEmbd;
      const config = checkConfig({ ...presets.seed, vocabSize: 256, nEmbd, mlpRatio });
      assert.equal(hiddenSize(config), hidden);
    }
  }
  const wrong = (mlpRatio: number): GPTConfig =>
    makeConfig(presets.seed, 256, { nEmbd: 32, nHead: 2, mlpRatio });
  assert.throws(() => wrong(1.3), /mlpRatio 1\.3 x nEmbd 32 = 41\.6 is not a whole number of units/);
  assert.throws(() => wrong(1e-20), /is not a whole number of units/);
});

test('names follow the fields; tied weights are one parameter, replaced in both places', () => {
  const config = makeConfig(presets.tiny, 300, { nLayer: 1, tieWeights: true });
  const model = new GPT(config, { backend });
  const names = slots(model).map((s) => s.name);
  assert.equal(names[0], 'tokens.weight');
  assert.ok(names.includes('blocks.0.mlp.proj.bias') && !names.includes('head.weight'));
  const [{ replace }] = slots(model);
  const other = new GPT(config, { backend }).tokens.weight;
  replace(other);
  assert.equal(model.head.weight, other);
});

test('equal seeds give equal weights, other seeds others', () => {
  const config = makeConfig(presets.tiny, 300);
  const weights = (seed: number): Float32Array =>
    valuesOf(new GPT(config, { backend, seed }).head.weight as Tensor);
  assert.deepEqual(weights(1), weights(1));
  assert.notDeepEqual(weights(1), weights(2));
});

test('a bad config is one clear line', () => {
  const good = makeConfig(presets.seed, 500);
  const refuse = (changes: object, message: RegExp): void =>
    assert.throws(() => checkConfig({ ...good, ...changes }), message);
  refuse({ nLayer: 0 }, /nLayer 0 is not a whole number >= 1/);
  refuse({ dropout: 1 }, /dropout 1 is not a number >= 0 and < 1/);
  refuse({ activation: 'tanh' }, /activation "tanh" is not one of relu, gelu, relu2, silu, gelu-tanh/);
  refuse({ mlpRatio: 0.3 }, /mlpRatio 0.3 x nEmbd 232 = 69.6/);
  refuse({ nHeads: 4 }, /unknown config field 'nHeads': did you mean 'nHead'\?$/);
  refuse({ logitCap: -1 }, /logitCap -1 is not a number >= 0/);
  refuse({ skip: 'all' }, /skip "all" is not one of none, embed, unet/);
  refuse({ embedStd: 0.05 }, /embedStd 0.05 has no effect with init torch: set init gpt2/);
  refuse({ residualInit: 'zero' }, /residualInit zero has no effect with init torch/);
  refuse(
    { init: 'gpt2', position: 'rope', positionInit: 'sinusoidal' },
    /positionInit sinusoidal has no effect with position rope/,
  );
  refuse({ normEps: 0 }, /normEps 0 is not a number > 0/);
  refuse({ ropeBase: 500 }, /ropeBase 500 has no effect with position learned: set position rope/);
  refuse({ bias: undefined }, /config field bias is missing/);
  refuse({ position: 'rope', headSize: 1 }, /headSize 1 leaves no pair of columns/);
  assert.throws(
    () => makeConfig(presets.seed, 500, { nEmbd: 232, nHead: 6 }),
    /nHead 6 does not divide nEmbd 232: set headSize \(38 gives 228\)/,
  );
  assert.equal(makeConfig(presets.seed, 500, { nHead: 4 }).headSize, 58);
});

test('shapes follow from the config as the model has them', () => {
  const small = { nLayer: 5, nHead: 3, nEmbd: 12, headSize: 6, blockSize: 8 };
  const variants: Partial<GPTConfig>[] = [
    {},
    { bias: false, headBias: false, tieWeights: true, position: 'rope', norm: 'rmsnorm' },
    { qkvBias: true, qkNorm: true, valueResidual: true, skip: 'embed', tokenShift: true, mlpRatio: 2.5 },
    { norm: 'rmsnorm', skip: 'unet', position: 'none', tieWeights: true },
    { bias: false, qkvBias: true, skip: 'unet', nLayer: 4 },
  ];
  for (const changes of variants) {
    const config = makeConfig(presets.seed, 300, { ...small, ...changes });
    const model = new GPT(config, { backend });
    assert.deepEqual(
      [...shapesOf(config)],
      slots(model).map(({ name, value }) => [name, value.shape]),
    );
    assert.equal(countShapes(config), model.parameterCount);
    model.dispose();
  }
});

test('sizes that no machine has are refused before anything is allotted', () => {
  const good = makeConfig(presets.shakespeare, 500);
  assert.throws(() => checkConfig({ ...good, nLayer: 1e9 }), /nLayer 1000000000: at most 4096 blocks/);
  assert.throws(() => checkConfig({ ...good, blockSize: 1e12 }), /blockSize 1000000000000: at most/);
  assert.throws(() => checkConfig({ ...good, vocabSize: 1e9 }), /vocabSize 1000000000 x nEmbd 240/);
});

test('a model refuses options that it does not know', () => {
  const config = makeConfig(presets.tiny, 300);
  const options = { backend: createReference(), sed: 1 };
  assert.throws(() => new GPT(config, options), /unknown option 'sed' for GPT: .*did you mean 'seed'\?/);
});
