// Parameters, bytes and operations of a model, compared with what other parts of the project say of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { timeKernels } from '../../src/cli/kernel-times.ts';
import { trainingFlop } from '../../src/cli/measure.ts';
import { modelCost, totalCost } from '../../src/inspect/cost.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parameterBytes, totalBytes } from '../../src/quantize/size.ts';

const backend = createReference();
const small = (changes: Partial<GPTConfig> = {}): GPT =>
  new GPT(makeConfig(presets.seed, 260, { nLayer: 2, nHead: 2, nEmbd: 16, blockSize: 8, ...changes }), {
    backend,
  });

describe('model cost', () => {
  test('is that of the seed', () => {
    const config = makeConfig(presets.seed, 500);
    const parts = modelCost(config);
    const total = totalCost(parts);
    assert.equal(total.parameters, 3_514_836);
    assert.equal(total.float32, 14_059_344);
    assert.equal(total.training, trainingFlop(config));
    const qkv = parts.find(({ name }) => name === 'blocks.3.attn.qkv');
    assert.deepEqual(qkv, {
      name: 'blocks.3.attn.qkv',
      block: 3,
      shape: [684, 232],
      parameters: 158_688,
      float32: 634_752,
      bf16: 317_376,
      int8: 158_688 + 4 * 684,
      int4: 158_688 / 2 + 2 * 684 * 4,
      forward: 317_376,
      training: 952_128,
    });
    assert.equal(parts.find(({ name }) => name === 'blocks.3.attn.mix')?.forward, 4 * 256 * 228);
    assert.equal(parts.find(({ name }) => name === 'tokens')?.forward, 0);
    assert.deepEqual(parts.map(({ name }) => name).slice(0, 6), [
      'tokens',
      'positions',
      'blocks.0.norm1',
      'blocks.0.attn.qkv',
      'blocks.0.attn.mix',
      'blocks.0.attn.proj',
    ]);
  });

  for (const [name, changes] of Object.entries<Partial<GPTConfig>>({
    usual: {},
    'tied weights': { tieWeights: true, headBias: true },
    'rope, no biases': { position: 'rope', bias: false, headBias: false, norm: 'rmsnorm' },
  })) {
    test(`counts the bytes that INT8 really takes, and the operations of training: ${name}`, async () => {
      const model = small(changes);
      const total = totalCost(modelCost(model.config));
      assert.equal(total.int8, totalBytes(parameterBytes(await quantize(model))));
      const wide = small({ ...changes, nEmbd: 64, nHead: 2 });
      const four = await quantize(wide, { bits: 4, method: 'rtn' });
      assert.equal(totalCost(modelCost(wide.config)).int4, totalBytes(parameterBytes(four)));
      assert.equal(total.float32, totalBytes(parameterBytes(model)));
      assert.equal(total.parameters, model.parameterCount);
      assert.equal(total.training, trainingFlop(model.config));
      assert.deepEqual(
        totalCost(modelCost((await quantize(model)).config)),
        total,
        'of an INT8 model the same',
      );
    });
  }
});

describe('kernel times', () => {
  test('count every call, and start anew when taken', () => {
    const { backend: timed, take } = timeKernels(backend, (name) => [`kernel ${name}`, 2]);
    const buffer = timed.alloc('f32', 4);
    timed.kernels.fill(buffer, 1);
    timed.kernels.fill(buffer, 2);
    const times = take();
    assert.deepEqual([...times.keys()], ['kernel fill']);
    assert.deepEqual([times.get('kernel fill')?.calls, times.get('kernel fill')?.flop], [2, 4]);
    assert.ok((times.get('kernel fill')?.seconds ?? -1) >= 0);
    assert.equal(take().size, 0);
  });
});
