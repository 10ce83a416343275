// The options of the model, one by one and all together: right gradients, the same numbers on every engine
// and with a KV cache; quantising, saving and loading work.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { createContext } from '../../src/generate/context.ts';
import { memoryStore } from '../../src/io/store.ts';
import { checkConfig, type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { KVCache } from '../../src/model/kv-cache.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { crossEntropy } from '../../src/tensor/ops.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { scope } from '../../src/tensor/scope.ts';
import { withGradients } from '../../src/tensor/tape.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { train } from '../../src/train/train.ts';
import { onEveryEngine } from '../support/engines.ts';
import { valuesOf } from '../support/values.ts';

const V = 256;
const B = 2;
const T = 9;
const small = {
  blockSize: 16,
  nLayer: 5,
  nEmbd: 12,
  nHead: 2,
  headSize: 6,
  init: 'gpt2',
  initStd: 0.2,
} as const;
// Smooth, so that difference quotients work.
const wide = { initStd: 0.2, embedStd: 0.5, activation: 'gelu' } as const;
const options: Record<string, Partial<GPTConfig>> = {
  qkNorm: { qkNorm: true },
  'qkNorm without positions, qkvBias': { qkNorm: true, qkvBias: true, position: 'none' },
  valueResidual: { valueResidual: true },
  'skip embed': { skip: 'embed' },
  'skip unet': { skip: 'unet' },
  tokenShift: { tokenShift: true },
  'tokenShift of an odd width': { tokenShift: true, nEmbd: 33 },
  logitCap: { logitCap: 3 },
  'sinusoidal positions': { position: 'learned', positionInit: 'sinusoidal' },
  'residual projections from zero': { residualInit: 'zero' },
  'gelu-tanh': { activation: 'gelu-tanh' },
  'another epsilon of RMSNorm and QK norm': { normEps: 0.3, qkNorm: true },
  'another epsilon of LayerNorm': { norm: 'layernorm', bias: true, normEps: 0.3 },
  'another base of rope': { ropeBase: 3 },
  'all at once': {
    qkNorm: true,
    valueResidual: true,
    skip: 'unet',
    tokenShift: true,
    logitCap: 5,
    tieWeights: true,
  },
};

/** Unusual configs, and usual ones of today. */
const facts: Partial<GPTConfig> = { normEps: 0.3, ropeBase: 3, activation: 'gelu-tanh', qkNorm: true };
const usual: Partial<GPTConfig> = { normEps: 1e-5, ropeBase: 10000, activation: 'relu' };

const ids = Int32Array.from({ length: B * T }, (_, i) => (i * 37) % V);
const configOf = (changes: Partial<GPTConfig>): GPTConfig =>
  makeConfig({ ...presets.shakespeare, dropout: 0 }, V, { ...small, ...wide, ...changes });

/** A model whose weights are all far from their initial values, so that no gradient is 0 by chance. */
function shaken(config: GPTConfig, backend: Backend): GPT {
  const model = new GPT(config, { backend, seed: 3 });
  const random = createRandom({ seed: 8 });
  for (const t of namedParameters(model).values()) t.write(valuesOf(t).map((x) => x + 0.1 * random.normal()));
  return model;
}

function logits(model: GPT): Float32Array {
  return scope(() => valuesOf(model.forward(tensor(ids, [B, T], model.backend))));
}

function loss(model: GPT): Tensor {
  const out = model.forward(tensor(ids, [B, T], model.backend));
  return crossEntropy(out, tensor(ids.toReversed(), [B, T], model.backend));
}

function close(a: Float32Array, b: Float32Array, what: string, tolerance = 2e-5): void {
  const largest = b.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  const error = a.reduce((m, x, i) => Math.max(m, Math.abs(x - b[i])), 0);
  assert.ok(error <= tolerance * largest + 1e-7, `${what}: error ${error} of ${largest}`);
}

const reference = createReference();

await onEveryEngine('model options', (backend, { name }) => {
  for (const [option, changes] of Object.entries(options)) {
    const config = configOf(changes);

    test(`${option}: gradients are those of the reference, which finite differences confirm`, () => {
      const model = shaken(config, backend);
      const same = shaken(config, reference);
      withGradients(() => loss(model)).dispose();
      withGradients(() => loss(same)).dispose();
      const parameters = namedParameters(same);
      for (const [key, t] of namedParameters(model)) {
        const want = parameters.get(key)?.grad as Tensor;
        close(valuesOf(t.grad), valuesOf(want), `gradient of ${key}`, 2e-4);
      }
      if (name !== 'reference') return;
      for (const [key, t] of parameters) {
        if (/blocks\.4|skip|Mix|qkNorm|tokens/.test(key)) agrees(t, same, key);
      }
    });

    test(`${option}: in pieces with a cache the same as at once`, () => {
      const model = shaken(config, backend);
      const whole = logits(model);
      const cache = new KVCache(model.config, backend, B);
      for (const [from, to] of [
        [0, 4],
        [4, 5],
        [5, T],
      ]) {
        const part = Int32Array.from({ length: B * (to - from) }, (_, i) => {
          const n = to - from;
          return ids[Math.floor(i / n) * T + from + (i % n)];
        });
        const found = scope(() =>
          valuesOf(model.forward(tensor(part, [B, to - from], backend), { cache, logits: 'last' })),
        );
        for (let b = 0; b < B; b++) {
          const at = (b * T + to - 1) * V;
          close(found.slice(b * V, (b + 1) * V), whole.slice(at, at + V), `position ${to - 1}`);
        }
      }
      cache.dispose();
    });

    test(`${option}: saved, loaded and quantised`, async () => {
      const model = shaken(config, backend);
      const store = memoryStore();
      await saveModel(store, { model, tokenizer: new Tokenizer({ merges: [] }) });
      const loaded = (await loadModel(store, { backend })).model;
      assert.deepEqual(loaded.config, model.config);
      assert.deepEqual(logits(loaded), logits(model));
      const int8 = await quantize(model, { activations: 'f32' });
      close(logits(int8), logits(model), 'INT8', 0.1);
    });
  }

  for (const bits of [4, 8] as const) {
    for (const activations of ['f32', 'int8'] as const) {
      test(`facts of a model reach INT${bits}, activations ${activations}, token by token`, async () => {
        const config = configOf({ ...facts, nEmbd: 32, nHead: 2, headSize: 16 });
        const written = async (
          engine: Backend,
          changes: Partial<GPTConfig> = {},
        ): Promise<Float32Array[]> => {
          const method = bits === 4 ? ({ method: 'rtn', groupSize: 32 } as const) : {};
          const model = shaken({ ...config, ...changes }, engine);
          const context = createContext(await quantize(model, { bits, activations, ...method }));
          const tokens: Float32Array[] = [];
          for (const id of ids.slice(0, T)) tokens.push((await context.read([id])).slice());
          context.dispose();
          return tokens;
        };
        const own = await written(backend);
        // The rounding of a row may flip.
        for (const [t, want] of (await written(reference)).entries())
          close(own[t], want, `token ${t}`, activations === 'f32' ? 2e-5 : 2e-2);
        for (const [fact, value] of Object.entries(usual)) {
          const other = await written(backend, { [fact]: value });
          const change = Math.max(...other[T - 1].map((x, i) => Math.abs(x - own[T - 1][i])));
          assert.ok(change > 0.01, `${fact} ${value} in its place changes logits by ${change}`);
        }
      });
    }
  }
});

describe('model options', () => {
  test('skips begin as the plain model, value residuals half way', () => {
    const plain = new GPT(configOf({}), { backend: reference });
    for (const skip of ['embed', 'unet'] as const)
      assert.deepEqual(logits(new GPT(configOf({ skip }), { backend: reference })), logits(plain));
    const values = namedParameters(new GPT(configOf({ valueResidual: true }), { backend: reference }));
    assert.deepEqual([...(valuesOf(values.get('blocks.1.attn.valueMix.weight')) ?? [])], [0.5]);
    assert.equal(values.has('blocks.0.attn.valueMix.weight'), false);
  });

  test('unet joins the first and the last block, the second and the last but one', () => {
    const names = namedParameters(new GPT(configOf({ skip: 'unet' }), { backend: reference }));
    const skips = [...names.keys()].filter((key) => key.includes('skip'));
    assert.deepEqual(skips, ['blocks.3.skip.weight', 'blocks.4.skip.weight']);
  });

  test('initial weights have the spread that was asked for; blocks from zero are the identity', () => {
    const config = configOf({
      nEmbd: 64,
      nHead: 8,
      headSize: 8,
      residualInit: 'zero',
      embedStd: 0.05,
    });
    const model = new GPT(
      { ...config, position: 'learned', positionInit: 'sinusoidal' },
      { backend: reference },
    );
    const of = (key: string): Float32Array => valuesOf(namedParameters(model).get(key)) as Float32Array;
    const std = (x: Float32Array): number => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);
    assert.ok(Math.abs(std(of('tokens.weight')) - 0.05) < 0.002);
    assert.ok(Math.abs(std(of('positions.weight')) - 0.05) < 1e-6);
    assert.ok(Math.abs(std(of('blocks.0.mlp.fc.weight')) - 0.2) < 0.005);
    assert.ok(of('blocks.2.attn.proj.weight').every((x) => x === 0));
    const first = of('positions.weight').subarray(0, 4);
    close(
      first,
      Float32Array.of(0, 1, 0, 1).map((x) => x * 0.05 * Math.SQRT2),
      'position 0',
    );
  });

  test('logits stay within the cap', () => {
    const model = shaken(configOf({ logitCap: 0.5 }), reference);
    assert.ok(logits(model).every((x) => Math.abs(x) <= 0.5));
  });

  test('a config of before these options is complete', () => {
    const {
      qkNorm,
      valueResidual,
      skip,
      tokenShift,
      logitCap,
      initStd,
      embedStd,
      residualInit,
      positionInit,
      ...rest
    } = makeConfig(presets.seed, V);
    const { normEps, ropeBase, ...old } = rest;
    assert.deepEqual(checkConfig(old), makeConfig(presets.seed, V));
  });

  test('config.json names epsilon and base only where they are unusual', async () => {
    const names = async (changes: Partial<GPTConfig>): Promise<string[]> => {
      const store = memoryStore();
      const model = new GPT(configOf(changes), { backend: reference });
      await saveModel(store, { model, tokenizer: new Tokenizer({ merges: [] }) });
      const config: object = JSON.parse(new TextDecoder().decode(await store.read('config.json')));
      return Object.keys(config).filter((key) => key === 'normEps' || key === 'ropeBase');
    };
    assert.deepEqual(await names({}), []);
    assert.deepEqual(await names({ normEps: 1e-6, ropeBase: 500 }), ['normEps', 'ropeBase']);
  });

  test('all at once learns', async () => {
    const model = new GPT(configOf({ ...options['all at once'], initStd: 0.1, dropout: 0.1 }), {
      backend: reference,
    });
    const text = Int32Array.from({ length: 600 }, (_, i) => (i * 7 + (i % 5) * 3) % 50);
    const data = { train: text.subarray(0, 500), val: text.subarray(500), valBytesPerToken: 1, vocabSize: V };
    const losses: number[] = [];
    const run = { steps: 60, batchSize: 4, lr: 1e-2, evalEvery: 60, probeEvery: 0, sampleEvery: 0 };
    for await (const e of train({ model, data, ...run })) if (e.type === 'eval') losses.push(e.valLoss);
    assert.ok(losses[0] > 5 && losses[1] < 3, `${losses}`);
  });
});

/** Along the gradient of one parameter the loss changes as the gradient's length says. */
function agrees(t: Tensor, model: GPT, key: string): void {
  const x = valuesOf(t).slice();
  const g = valuesOf(t.grad);
  const norm = Math.hypot(...g);
  const h = 1e-2;
  const at = (factor: number): number => {
    t.write(x.map((v, i) => v + (factor * g[i]) / (norm || 1)));
    const losses = scope(() => valuesOf(loss(model)));
    return losses.reduce((a, b) => a + b, 0) / losses.length;
  };
  const slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  t.write(x);
  assert.ok(Math.abs(slope - norm) < 5e-3 * norm + 5e-5, `${key}: gradient ${norm}, difference ${slope}`);
}
