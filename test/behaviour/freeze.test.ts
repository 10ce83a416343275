// Training a part of a model: frozen parameters, and adapters (LoRA) in place of matrices. What is trained
// gets the gradients of an ordinary training, what is not stays bit for bit, and a run resumes as one that
// never stopped.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset, randomBatch } from '../../src/train/data.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { accumulateGradients } from '../../src/train/step.ts';
import { train } from '../../src/train/train.ts';
import { chooseTrained, trainedCount } from '../../src/train/trained.ts';
import { assertClose } from '../conformance/support.ts';
import { engines } from '../support/engines.ts';
import { runToStep } from '../support/run-to-step.ts';
import { valuesOf } from '../support/values.ts';

const text = 'the quick brown fox jumps over the lazy dog; '.repeat(20);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const record = await textRecord(text, { name: 'text.txt' });
const size = { nLayer: 2, nEmbd: 16, nHead: 2, blockSize: 8, dropout: 0.1 };
const configs: Record<string, GPTConfig> = {
  seed: makeConfig(presets.seed, 270, { ...size, qkvBias: true }),
  shakespeare: makeConfig(presets.shakespeare, 270, size),
};
const frozen = [
  ['seed', 'embeddings'],
  ['seed', 'embeddings positions blocks.0'],
  ['seed', 'embeddings positions blocks norm.weight head'],
  ['seed', 'blocks.*.mlp, head'],
  ['shakespeare', 'embeddings'],
  ['shakespeare', 'embeddings blocks.0'],
  ['shakespeare', 'embeddings blocks.0 blocks.1.skip blocks.1.norm1 blocks.1.attn'],
  ['shakespeare', 'blocks.*.attn.qkv.weight blocks.1.norm1'],
] as const;
const settings: TrainSettings = {
  ...seedSettings,
  steps: 8,
  batchSize: 4,
  microBatch: 2,
  lr: 1e-2,
  decay: 'matrices',
  evalEvery: 4,
  probeEvery: 2,
  sampleEvery: 0,
};

/** The gradients of one step of a fresh model, by name; null where there are none. */
async function gradients(
  config: GPTConfig,
  backend: Backend,
  freeze: string,
): Promise<Map<string, Float32Array | null>> {
  const model = new GPT(config, { backend, seed: 4 });
  const { release } = chooseTrained(model, { freeze, lora: 0, seed: 1 });
  const batch = randomBatch(data.train, 4, config.blockSize, { seed: 1, index: 1 });
  for (
    let pass = 0;
    pass < 2;
    pass++ // the second adds to the first
  )
    await accumulateGradients(model, batch, { microBatch: 2, seed: 1, step: 1 });
  const found = [...namedParameters(model)].map(async ([name, { grad }]) => {
    return [name, grad && Float32Array.from(await grad.data())] as const;
  });
  const grads = new Map(await Promise.all(found));
  release();
  model.dispose();
  return grads;
}

async function run(store: Store, backend: Backend, changes: Partial<TrainSettings>, stop?: number) {
  const fresh = (): GPT => new GPT(configs.shakespeare, { backend, seed: 4 });
  const options = { store, tokenizer, dataset: data, data: record, settings: { ...settings, ...changes } };
  return runToStep(backend, fresh, options, stop);
}

for (const { name, create, skip } of await engines()) {
  describe(`training a part of a model on ${name}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      if (!skip) backend = await create();
    });
    after(() => backend?.dispose());

    for (const [kind, freeze] of frozen) {
      test(`${kind}, frozen ${freeze}: the gradients of the rest are the same bits`, async () => {
        const all = await gradients(configs[kind], backend, '');
        const live = backend.memory().live;
        const some = await gradients(configs[kind], backend, freeze);
        assert.equal(backend.memory().live, live, 'buffers');
        let none = 0;
        for (const [parameter, grad] of some) {
          if (grad === null) none++;
          else assert.deepEqual(grad, all.get(parameter), parameter);
        }
        assert.ok(none > 0 && none < some.size, `${none} of ${some.size} frozen`);
      });
    }

    for (const [kind, config] of Object.entries(configs))
      test(`${kind}: what is trained is counted without a model`, () => {
        const model = new GPT(config, { backend, seed: 4 });
        for (const freeze of ['', 'embeddings', 'blocks.0'])
          for (const lora of [0, 2]) {
            const { parameters, release } = chooseTrained(model, { freeze, lora, seed: 1 });
            const sizes = [...parameters.values()].map(({ shape }) => shape.reduce((n, side) => n * side, 1));
            const count = sizes.reduce((sum, size) => sum + size, 0);
            assert.equal(trainedCount(config, { freeze, lora }), count, `freeze ${freeze}, lora ${lora}`);
            release();
          }
        model.dispose();
      });

    test('what is frozen stays bit for bit, the rest learns', async () => {
      const model = new GPT(configs.seed, { backend, seed: 4 });
      const now = () => new Map([...namedParameters(model)].map(([n, p]) => [n, valuesOf(p)]));
      const begun = now();
      for await (const _ of train({ ...settings, model, data, freeze: 'embeddings blocks.0.attn' }));
      for (const [parameter, values] of now()) {
        const same = /^tokens|^blocks\.0\.attn/.test(parameter);
        if (same) assert.deepEqual(values, begun.get(parameter), parameter);
        else assert.notDeepEqual(values, begun.get(parameter), parameter);
      }
      model.dispose();
    });

    test('LoRA: W = W0 + B A, only matrices of the blocks change, and nothing leaks', async () => {
      const live = backend.memory().live;
      const model = new GPT(configs.shakespeare, { backend, seed: 4 });
      const begun = new Map([...namedParameters(model)].map(([n, p]) => [n, valuesOf(p)]));
      let state = new Map<string, Float32Array>();
      const save = async (
        _: unknown,
        { optimizer }: { optimizer: ReadonlyMap<string, { data(): Promise<Float32Array> }> },
      ) => {
        state = new Map(
          await Promise.all([...optimizer].map(async ([n, t]) => [n, await t.data()] as const)),
        );
        return 'here';
      };
      for await (const _ of train({ ...settings, model, data, save, lora: 3, freeze: 'blocks.1.mlp' }));
      for (const [parameter, weight] of namedParameters(model)) {
        const [now, then] = [valuesOf(weight), begun.get(parameter)];
        const [a, b] = [state.get(`${parameter}.loraA`), state.get(`${parameter}.loraB`)];
        if (!a || !b || !then) {
          assert.deepEqual(now, then, parameter);
          continue;
        }
        assert.match(parameter, /^blocks\.(0|1\.attn).*(qkv|proj|fc)\.weight$/);
        assert.notDeepEqual(now, then);
        const [out, columns] = weight.shape;
        const expected = Float64Array.from({ length: out * columns }, (_, i) => {
          const [r, c] = [Math.floor(i / columns), i % columns];
          let sum = then[i];
          for (let k = 0; k < 3; k++) sum += b[r * 3 + k] * a[k * columns + c];
          return sum;
        });
        assertClose(now, expected, parameter, 1e-5);
      }
      assert.equal([...state.keys()].filter((key) => key.endsWith('.loraA')).length, 6);
      model.dispose();
      assert.equal(backend.memory().live, live, 'buffers');
    });

    for (const changes of [{ lora: 2 }, { freeze: 'embeddings blocks.0' }, { lora: 2, emaDecay: 0.5 }]) {
      test(`${JSON.stringify(changes)}: goes on after an interruption as if there had been none`, async () => {
        const [whole, parts] = [memoryStore(), memoryStore()];
        const all = await run(whole, backend, changes);
        await run(parts, backend, changes, 3);
        const rest = await run(parts, backend, changes);
        const losses = (events: TrainEvent[]) =>
          events.flatMap((e) => (e.type === 'step' ? [e.loss] : e.type === 'eval' ? [e.valLoss] : []));
        assert.deepEqual(losses(rest), losses(all).slice(-losses(rest).length));
        assert.equal(losses(rest).length, 7);
        for (const file of ['model.safetensors', 'training.safetensors'])
          assert.deepEqual(
            await parts.folder('last').read(file),
            await whole.folder('last').read(file),
            file,
          );
        const merged = await loadModel(whole.folder('best'), { backend }); // an ordinary model folder
        merged.model.dispose();
      });
    }
  });
}

describe('what cannot be trained', () => {
  const refused = async (changes: object, line: RegExp): Promise<void> => {
    const [{ create }] = await engines();
    const backend = await create();
    const model = new GPT(configs.shakespeare, { backend, seed: 4 });
    await assert.rejects(async () => {
      for await (const _ of train({ ...settings, model, data, ...changes }));
    }, line);
    for (const { requiresGrad } of namedParameters(model).values()) assert.ok(requiresGrad);
    model.dispose();
    backend.dispose();
  };

  test('a name that fits nothing', () =>
    refused(
      { freeze: 'blocks.0 blocks.0.atn' },
      /^Error: freeze 'blocks.0.atn' fits no parameter: did you mean blocks.0.attn\?$/,
    ));
  test('everything frozen', () =>
    refused(
      { freeze: 'embeddings blocks norm' },
      /^Error: freeze 'embeddings blocks norm' leaves nothing to train$/,
    ));
  test('no matrix left for LoRA', () =>
    refused({ freeze: 'blocks', lora: 2 }, /leaves nothing to train: lora 2 trains matrices of the blocks$/));
  test('a rank that is not low', () =>
    refused(
      { lora: 16 },
      /^Error: lora 16 is no lower rank than blocks.0.attn.qkv.weight \[48, 16\] has: at most 15$/,
    ));
  test('Muon with LoRA', () =>
    refused(
      { lora: 2, optimizer: 'muon' },
      /^Error: optimizer muon is for whole matrices, not for adapters \(lora 2\): use adamw$/,
    ));
});
