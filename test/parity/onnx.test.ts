// ONNX Runtime computes from an exported graph what our engine computes: every preset, every field of a
// config, floats and integers, a prompt as a whole and token by token through the cache. It is the runtime
// for pages, on one thread; scripts/proofs/onnx.mjs compares with that for Node, and with transformers.js.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as ort from 'onnxruntime-web';
import { exportFiles } from '../../src/exchange/export.ts';
import type { OnnxType } from '../../src/exchange/options.ts';
import {
  configFields,
  type GPTConfig,
  makeConfig,
  type PresetName,
  presets,
} from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { logitsOf } from '../../src/model/logits.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { type QuantizeOptions, quantize } from '../../src/quantize/quantize.ts';
import { createRandom, STREAMS } from '../../src/tensor/random.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { pass } from '../support/onnx-pass.ts';

const V = 256;
const T = 12;
const tokenizer = new Tokenizer({ merges: [] });
const small = { blockSize: 16, nLayer: 3, nHead: 2, headSize: 16, nEmbd: 40, dropout: 0 };
const everything: Partial<GPTConfig> = {
  ...{ nLayer: 5, headSize: 17, nEmbd: 35, mlpRatio: 3, position: 'rope', ropeBase: 50, normEps: 1e-3 },
  ...{ bias: true, qkvBias: true, headBias: true, tieWeights: true, qkNorm: true, valueResidual: true },
  ...{ skip: 'unet', tokenShift: true, logitCap: 3, activation: 'gelu' },
};

/** The changes with which each field of a config is tried. One that is missing here does not compile. */
const changes: Readonly<Record<keyof GPTConfig, Partial<GPTConfig>[]>> = {
  vocabSize: [],
  blockSize: [{ blockSize: 12 }],
  nLayer: [{ nLayer: 1 }],
  nHead: [{ nHead: 3 }],
  nEmbd: [{ nEmbd: 33 }],
  headSize: [{ headSize: 7 }, { headSize: 7, position: 'rope' }, { headSize: 2, position: 'rope' }],
  mlpRatio: [{ mlpRatio: 1.5 }],
  activation: ['relu', 'gelu', 'relu2', 'silu', 'gelu-tanh'].map((activation) => ({ activation }) as never),
  norm: [{ norm: 'layernorm' }, { norm: 'layernorm', bias: false }, { norm: 'rmsnorm' }],
  position: [{ position: 'learned' }, { position: 'rope' }, { position: 'none' }],
  bias: [{ bias: false }],
  qkvBias: [{ qkvBias: true }],
  headBias: [{ headBias: true }, { headBias: true, tieWeights: true }, { headBias: false }],
  tieWeights: [{ tieWeights: true }, { tieWeights: false }],
  dropout: [{ dropout: 0.3 }],
  init: [],
  initStd: [],
  embedStd: [],
  residualInit: [],
  positionInit: [],
  qkNorm: [{ qkNorm: true }, { qkNorm: true, position: 'rope' }],
  valueResidual: [{ valueResidual: true }],
  skip: [{ skip: 'embed' }, { skip: 'unet', nLayer: 4 }, { skip: 'unet', nLayer: 5 }],
  tokenShift: [{ tokenShift: true }, { tokenShift: true, headSize: 3 }, { tokenShift: true, nEmbd: 33 }],
  logitCap: [{ logitCap: 3 }],
  normEps: [{ normEps: 0.1 }, { normEps: 0.1, norm: 'rmsnorm' }, { normEps: 0.1, qkNorm: true }],
  ropeBase: [{ ropeBase: 20, position: 'rope' }],
};

/** A model whose every parameter is random. */
function modelOf(given: Partial<GPTConfig>): GPT {
  const model = new GPT(makeConfig(presets.seed, V, { ...small, ...given }));
  const random = createRandom({ seed: 7, stream: STREAMS.weights });
  for (const [name, parameter] of namedParameters(model)) {
    const around = /norm\d?\.weight$/i.test(name) ? 1 : 0;
    parameter.write(Float32Array.from({ length: parameter.size }, () => around + 0.3 * random.normal()));
  }
  return model;
}

async function fileOf(model: GPT, type?: OnnxType): Promise<Uint8Array> {
  const { files } = await exportFiles({ model, tokenizer }, { to: 'onnx', type });
  const [file] = [...files].filter(([name]) => name.endsWith('.onnx')).map(([, bytes]) => bytes);
  return file;
}

const ids = Int32Array.from({ length: T }, (_, t) => (37 * t * t + 11 * t) % V);

const counted = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The logits [T, V] of the graph, of the whole prompt and token by token. */
async function logitsFrom(
  file: Uint8Array,
  config: GPTConfig,
): Promise<{ whole: Float32Array; stepwise: Float32Array }> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  const of = ({ logits }: ort.InferenceSession.ReturnType): Float32Array => logits.data as Float32Array;
  const prompt = { ids: [[...ids]], mask: [new Array(T).fill(1)], positions: [counted(0, T)] };
  const whole = of(await pass(session, config, prompt));
  const stepwise = new Float32Array(T * V);
  let past: ort.InferenceSession.ReturnType | undefined;
  for (let t = 0; t < T; t++) {
    const token = { ids: [[ids[t]]], mask: [new Array(t + 1).fill(1)], positions: [[t]] };
    past = await pass(session, config, token, past);
    stepwise.set(of(past), t * V);
  }
  await session.release();
  return { whole, stepwise };
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
}

/** The graph of `model` has the logits of `ours`, to `tolerance`. */
async function assertEqualLogits(
  model: GPT,
  { type, ours = model, tolerance = 1e-4 }: { type?: OnnxType; ours?: GPT; tolerance?: number } = {},
): Promise<void> {
  const expected = await logitsOf(ours, { ids, B: 1, T });
  const { whole, stepwise } = await logitsFrom(await fileOf(model, type), model.config);
  for (const [what, found] of Object.entries({ whole, stepwise })) {
    const off = difference(found, expected);
    assert.ok(off <= tolerance, `${what}: a logit differs by ${off}, allowed are ${tolerance}`);
  }
}

before(async () => {
  await useBackend('reference');
  ort.env.wasm.numThreads = 1;
});

describe('float32', () => {
  for (const name of Object.keys(presets) as PresetName[]) {
    test(`preset ${name}`, () => assertEqualLogits(modelOf({ ...presets[name], ...small })));
  }

  test('every field of a config', async () => {
    assert.deepEqual(Object.keys(changes), Object.keys(configFields));
    for (const given of Object.values(changes).flat()) {
      await assertEqualLogits(modelOf(given)).catch((error: Error) => {
        throw new Error(`${JSON.stringify(given)}: ${error.message}`);
      });
    }
  });

  test('everything at once', () => assertEqualLogits(modelOf(everything)));

  test('texts of several lengths side by side, the shorter ones filled up in front', async () => {
    const model = modelOf({ position: 'rope', valueResidual: true, skip: 'embed', tokenShift: true });
    const session = await ort.InferenceSession.create(await fileOf(model), { logSeverityLevel: 3 });
    const missing = 5;
    const short = [...ids.subarray(missing)];
    const filled = new Array<number>(missing).fill(0);
    const { logits } = await pass(session, model.config, {
      ids: [[...ids], [...filled, ...short]],
      mask: [new Array(T).fill(1), [...filled, ...new Array(T - missing).fill(1)]],
      positions: [counted(0, T), [...filled, ...counted(0, T - missing)]],
    });
    const found = logits.data as Float32Array;
    assert.ok(difference(found.subarray(0, T * V), await logitsOf(model, { ids, B: 1, T })) < 1e-4);
    const alone = await logitsOf(model, { ids: Int32Array.from(short), B: 1, T: T - missing });
    assert.ok(difference(found.subarray((T + missing) * V), alone) < 1e-4);
  });

  test('beyond the context every token looks at the last ones; learned positions end there', async () => {
    const context = { nLayer: 1, blockSize: 8 }; // one block: nothing older comes in by way of others
    for (const position of ['rope', 'none'] as const) {
      const model = modelOf({ ...context, position });
      const { whole, stepwise } = await logitsFrom(await fileOf(model), model.config);
      const expected = await logitsOf(model, { ids: ids.subarray(T - 8), B: 1, T: 8 });
      for (const found of [whole, stepwise])
        assert.ok(difference(found.subarray((T - 1) * V), expected.subarray(7 * V)) < 1e-4, position);
    }
    const learned = modelOf({ ...context, position: 'learned' });
    await assert.rejects(logitsFrom(await fileOf(learned), learned.config), /out of data bounds/);
  });
});

describe('integers', () => {
  /** Products of float inputs, as the graph has them. */
  const weightOnly = { activations: 'f32' } as const;
  const int4 = { bits: 4, method: 'rtn', groupSize: 32 } as const;
  const shapes: [string, Partial<GPTConfig>][] = [
    ...Object.entries(presets).map(
      ([name, preset]) => [name, { ...preset, ...small }] as [string, GPTConfig],
    ),
    ['everything at once', everything],
  ];
  for (const [name, given] of shapes) {
    test(`${name}: INT8 and INT4`, async () => {
      const model = modelOf(given);
      for (const [type, options] of [
        ['int8', weightOnly],
        ['int4', { ...int4, ...weightOnly }],
      ] as const)
        await assertEqualLogits(await quantize(model, options), { type });
    });
  }

  const formats: [string, QuantizeOptions, Partial<GPTConfig>][] = [
    ['a head and a table that stay float', { exclude: ['head', 'embeddings'] }, { tieWeights: false }],
    ['INT4 with some floats', { ...int4, exclude: ['blocks.0', 'head'] }, { tieWeights: false }],
    ['INT4 in groups of 64', { ...int4, groupSize: 64 }, { nEmbd: 72, headSize: 40, tieWeights: true }],
    ['INT4 in groups of 128', { ...int4, groupSize: 128 }, { nEmbd: 150, headSize: 64, nLayer: 1 }],
    ['rows of more than one block', {}, { nEmbd: 130, headSize: 65, nLayer: 1, tieWeights: true }],
  ];
  for (const [name, options, given] of formats) {
    test(name, async () => assertEqualLogits(await quantize(modelOf(given), { ...options, ...weightOnly })));
  }

  test('a float model becomes the same file as the one quantised before', async () => {
    const model = modelOf({ ...presets.shakespeare, ...small });
    assert.deepEqual(await fileOf(model, 'int8'), await fileOf(await quantize(model)));
    assert.deepEqual(await fileOf(model, 'int4'), await fileOf(await quantize(model, int4)));
    assert.deepEqual(await fileOf(model, 'int8'), await fileOf(await quantize(model, weightOnly)));
  });

  test('a quantised model can be exported as floats', async () => {
    const small8 = await quantize(modelOf({ tieWeights: true }), weightOnly);
    await assertEqualLogits(small8, { type: 'float32' });
  });
});
