// The memory of a training, counted before it begins, is what it takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { checkTraining } from '../../src/cli/memory.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { trainingMemory } from '../../src/train/memory.ts';
import { recipes } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';

const small = { nLayer: 2, nHead: 2, nEmbd: 8, blockSize: 8, headSize: 4 };

for (const [name, changes] of [
  ['AdamW', {}],
  ['Muon', { optimizer: 'muon' }],
  ['an average of the weights, and no evaluation', { emaDecay: 0.9, evalEvery: 0 }],
] as const)
  test(`a training with ${name} takes the memory that was counted`, async () => {
    const config = makeConfig(presets.tiny, 260, small);
    const settings = { ...recipes.tiny, batchSize: 12, microBatch: 6, warmup: 0, ...changes };
    const backend = createReference();
    const model = new GPT(config, { backend });
    const ids = Int32Array.from({ length: 200 }, (_, i) => i % 260);
    const data = { train: ids, val: ids, vocabSize: 260, valBytesPerToken: 1 };
    const evalEvery = settings.evalEvery > 0 ? 1 : 0;
    const run = { ...settings, steps: 2, evalEvery, probeEvery: 0, sampleEvery: 0 };
    for await (const _ of train({ ...run, model, data })) {
      // Only the memory is of interest.
    }
    const [counted, taken] = [(await trainingMemory(config, settings)).bytes, backend.memory().peakBytes];
    assert.ok(Math.abs(counted / taken - 1) < 0.05, `${counted} counted, ${taken} taken`);
  });

test('more sequences at a time take more memory', async () => {
  const config = makeConfig(presets.tiny, 260, small);
  const bytes = async (microBatch: number): Promise<number> =>
    (await trainingMemory(config, { ...recipes.tiny, batchSize: 64, microBatch, evalEvery: 0 })).bytes;
  assert.ok((await bytes(32)) > 1.5 * (await bytes(16)));
});

test('a training with a buffer that is too large for a GPU is refused, with what fits', async () => {
  const config = makeConfig(presets.tiny, 260, small);
  const settings = { ...recipes.tiny, batchSize: 64, microBatch: 64, evalEvery: 0 };
  const { largest } = await trainingMemory(config, settings);
  const gpu = (bufferLimit: number): Backend => ({ ...createReference(), name: 'gpu', bufferLimit });
  await checkTraining(config, settings, gpu(largest));
  await assert.rejects(
    checkTraining(config, settings, gpu(largest - 1)),
    /^Error: this training takes .* in one buffer, with 64 sequences .* gpu takes at most .* in one: --micro-batch 32 takes/,
  );
});

test('an engine with a limit refuses a model that is larger, before it makes one', () => {
  const backend = { ...createReference(), name: 'small', memoryLimit: 1e4 };
  const config = makeConfig(presets.tiny, 260, small);
  assert.throws(() => new GPT(config, { backend }), /the weights take .*, the engine small has at most/);
  assert.equal(backend.memory().live, 0);
});
