// Less memory in a step: blocks that are computed again in the backward, and losses whose logits are made in
// slices. The first changes no bit, the second only the order of sums.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import type { Tap } from '../../src/model/taps.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { type Cut, crossEntropy, linear, pullOf, slicedLoss } from '../../src/tensor/ops.ts';
import { withGradients, withoutGradients } from '../../src/tensor/tape.ts';
import { parameter, type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { randomBatch } from '../../src/train/data.ts';
import { tokenLosses } from '../../src/train/evaluate.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { trainingMemory } from '../../src/train/memory.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { accumulateGradients } from '../../src/train/step.ts';
import { train } from '../../src/train/train.ts';
import { chooseTrained } from '../../src/train/trained.ts';
import { assertClose } from '../conformance/support.ts';
import { engines } from '../support/engines.ts';
import { valuesOf } from '../support/values.ts';

const ids = Int32Array.from({ length: 400 }, (_, i) => (i * 7919 + (i >> 3)) % 270);
const size = { nLayer: 4, nEmbd: 16, nHead: 2, blockSize: 8, dropout: 0.2 };
const configs: Record<string, GPTConfig> = {
  seed: makeConfig(presets.seed, 270, { ...size, qkvBias: true }),
  shakespeare: makeConfig(presets.shakespeare, 270, size),
  'U-net skips, value residual, QK norm, token shift': makeConfig(presets.tiny, 270, {
    ...size,
    skip: 'unet',
    valueResidual: true,
    qkNorm: true,
    tokenShift: true,
    logitCap: 15,
  }),
};
const parts = ['', 'embeddings positions blocks.0 blocks.1', 'blocks.2', 'blocks.*.mlp'];

/** What a step leaves: the loss, the gradients, and what taps saw. */
async function stepOf(backend: Backend, config: GPTConfig, freeze: string, checkpointActivations: boolean) {
  const model = new GPT(config, { backend, seed: 4 });
  const names = [...namedParameters(model).keys()];
  const fitting = freeze.split(' ').filter((part) => names.some((name) => name.startsWith(part)));
  const some = freeze.includes('*') ? freeze : fitting.join(' ').replace('embeddings', 'tokens');
  const { release } = chooseTrained(model, { freeze: some, lora: 0, seed: 1 });
  const seen: string[] = [];
  const look = (kind: string) => (name: string, value: Tensor) =>
    void seen.push(`${kind} ${name} ${valuesOf(value).slice(0, 5)}`);
  const tap: Tap & { collect(): Promise<void> } = {
    wants: (name) => /attn\.(probs|out)|mlp\.act|head/.test(name),
    value: look('value'),
    gradient: look('gradient'),
    async collect() {},
  };
  const batch = randomBatch(ids, 4, config.blockSize, { seed: 1, index: 1 });
  const options = { microBatch: 2, seed: 1, step: 1, checkpointActivations };
  const looked = await accumulateGradients(model, batch, { ...options, tap });
  const loss = await accumulateGradients(model, batch, options); // adds to the first
  const grads = [...namedParameters(model)].map(([name, { grad }]) => [name, grad && valuesOf(grad)]);
  release();
  model.dispose();
  return { loss, looked, grads, seen: seen.sort() };
}

for (const { name, create, skip } of await engines()) {
  describe(`memory of a step on ${name}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      if (!skip) backend = await create();
    });
    after(() => backend?.dispose());

    for (const [kind, config] of Object.entries(configs))
      for (const freeze of parts)
        test(`${kind}${freeze && `, frozen ${freeze}`}: the same gradients and taps, computed again`, async () => {
          const plain = await stepOf(backend, config, freeze, false);
          const live = backend.memory().live;
          const again = await stepOf(backend, config, freeze, true);
          assert.equal(backend.memory().live, live, 'buffers');
          assert.deepEqual(again, plain);
          assert.ok(plain.seen.some((line) => line.startsWith('gradient')));
        });

    test('a training is the same, with probes and LoRA too', async () => {
      const settings: TrainSettings = {
        ...seedSettings,
        steps: 4,
        batchSize: 4,
        lr: 1e-2,
        evalEvery: 2,
        probeEvery: 2,
        sampleEvery: 0,
        lora: 2,
      };
      const data = { train: ids, val: ids.subarray(0, 60), vocabSize: 270, valBytesPerToken: 1 };
      const run = async (checkpointActivations: boolean) => {
        const model = new GPT(configs.shakespeare, { backend, seed: 4 });
        const events: TrainEvent[] = [];
        for await (const event of train({ ...settings, model, data, checkpointActivations }))
          events.push(event);
        const weights = [...namedParameters(model)].map(([n, p]) => [n, valuesOf(p)]);
        model.dispose();
        const timeless = JSON.stringify(events, (key, value) =>
          /seconds|tokensPerSecond|timeLeft|eta/i.test(key) ? undefined : value,
        );
        return { timeless, weights };
      };
      assert.deepEqual(await run(true), await run(false));
    });

    for (const [rows, sliceSize] of [
      [12, 5],
      [12, 4],
      [12, 12],
      [1, 7],
    ])
      test(`a loss of ${rows} rows in slices of ${sliceSize}`, () => {
        const [C, V] = [6, 11];
        const values = (n: number, k: number) =>
          Float32Array.from({ length: n }, (_, i) => Math.sin(k * i + k));
        const wanted = Int32Array.from({ length: rows }, (_, i) => (5 * i) % V);
        const found = [false, true].map((sliced) => {
          const x = parameter(values(rows * C, 0.7), [1, rows, C], backend);
          const w = parameter(values(V * C, 0.9), [V, C], backend);
          const b = parameter(values(V, 1.1), [V], backend);
          const others = [0.3, 0.5].map((k) => tensor(values(rows * C, k), [1, rows, C], backend));
          const losses = withGradients(() => {
            const targets = tensor(wanted, [1, rows], backend);
            const lossOf = (part: Tensor, its: Tensor<'i32'>, cut: Cut) => {
              const how = { factor: 1 / rows, smoothing: 0.1, weight: 0.4 };
              const taught = others.map((other) => withoutGradients(() => linear(cut(other), w, b)));
              return crossEntropy(linear(part, w, b), its, how.factor, 0.1, pullOf(taught, its, how));
            };
            return sliced ? slicedLoss(x, targets, sliceSize, lossOf) : lossOf(x, targets, (whole) => whole);
          });
          const all = [losses, ...[x, w, b].map(({ grad }) => grad as Tensor)].map((t) => valuesOf(t));
          for (const t of [losses, x, w, b, ...others]) t.dispose();
          return all;
        });
        for (const i of found[0].keys()) assertClose(found[1][i], found[0][i], `result ${i}`, 1e-5);
      });

    test('a large vocabulary: losses and gradients in slices are those of all logits at once', async () => {
      const config = makeConfig(presets.tiny, 50_000, { ...size, nLayer: 1, nEmbd: 4, blockSize: 64 });
      const long = Int32Array.from({ length: 2000 }, (_, i) => (i * 7919) % 50_000);
      const batch = randomBatch(long, 6, 64, { seed: 1, index: 1 });
      const model = new GPT(config, { backend, seed: 4 });
      const shape = [batch.B, batch.T];
      const whole = withGradients(() => {
        const logits = model.forward(tensor(batch.ids, shape, backend));
        return crossEntropy(logits, tensor(batch.targets, shape, backend));
      });
      const losses = valuesOf(whole);
      const grads = [...namedParameters(model)].map(([, { grad }]) => valuesOf(grad as Tensor));
      for (const p of namedParameters(model).values()) {
        p.grad?.dispose();
        p.grad = null;
      }
      assert.ok(4 * batch.B * batch.T * 50_000 > 2 ** 26, 'is large enough for slices');
      const options = { microBatch: 6, seed: 1, step: 1, dropout: 0 };
      const loss = await accumulateGradients(model, batch, options);
      assert.ok(Math.abs(loss - losses.reduce((a, b) => a + b, 0) / losses.length) < 1e-5);
      for (const [i, [parameterName, { grad }]] of [...namedParameters(model)].entries())
        assertClose(valuesOf(grad as Tensor), grads[i], parameterName, 1e-5);
      assertClose(await tokenLosses(model, batch), losses, 'losses', 1e-5);
      whole.dispose();
      model.dispose();
    });
  });
}

test('GPT-2 (124M) trains in 3 GB, in 2.4 GB with blocks that are computed again, in less by adapters', async () => {
  const config = makeConfig(presets.seed, 50_257, {
    ...{ nLayer: 12, nEmbd: 768, nHead: 12, headSize: 64, blockSize: 1024 },
    ...{ activation: 'gelu-tanh', tieWeights: true, qkvBias: true, headBias: false, dropout: 0 },
  });
  const settings = { ...seedSettings, batchSize: 4, microBatch: 1 };
  const bytes = async (changes: Partial<TrainSettings>): Promise<number> =>
    (await trainingMemory(config, { ...settings, ...changes })).bytes;
  const [plain, again, adapters] = [
    await bytes({}),
    await bytes({ checkpointActivations: true }),
    await bytes({ checkpointActivations: true, lora: 8 }),
  ];
  assert.ok(plain < 3e9, `${plain}`);
  assert.ok(again < 2.4e9, `${again}`);
  assert.ok(adapters < 1.6e9, `${adapters}`);
});
