// Adapters apart from their model: base and adapter give the bits of the merged model that the run saved, a
// run that was interrupted has the same adapter, and what does not belong together is refused.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { exportFiles } from '../../src/exchange/export.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import {
  ADAPTER_FILE,
  type Adapter,
  loadAdapter,
  mergeAdapter,
  saveAdapter,
} from '../../src/model/adapter.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, modelFiles, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { textRecord } from '../../src/runs/data-record.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';
import { checkSettings, seedSettings, type TrainSettings } from '../../src/train/settings.ts';
import { assertClose } from '../conformance/support.ts';
import { engines } from '../support/engines.ts';
import { runToStep } from '../support/run-to-step.ts';
import { valuesOf } from '../support/values.ts';

const text = 'the quick brown fox jumps over the lazy dog; '.repeat(20);
const tokenizer = Tokenizer.train(text, { vocabSize: 270 });
const data = dataset(text, tokenizer);
const record = await textRecord(text, { name: 'text.txt' });
const size = { nLayer: 2, nEmbd: 16, nHead: 2, blockSize: 8, dropout: 0.1 };
const config = makeConfig(presets.seed, 270, size);
const settings: TrainSettings = {
  ...seedSettings,
  steps: 8,
  batchSize: 4,
  lr: 1e-2,
  decay: 'matrices',
  evalEvery: 4,
  probeEvery: 0,
  sampleEvery: 0,
  lora: 3,
  keepAdapter: true,
};

/** Trains the model of `base` in `store`, up to step `stop`, from the last checkpoint if there is one. */
async function run(
  store: Store,
  base: Store,
  backend: Backend,
  { stop, ...changes }: Partial<TrainSettings> & { stop?: number } = {},
): Promise<void> {
  const fresh = async (): Promise<GPT> => (await loadModel(base, { backend })).model;
  const options = { store, tokenizer, dataset: data, data: record, settings: { ...settings, ...changes } };
  await runToStep(backend, fresh, options, stop);
}

/** A model folder with fresh weights. */
async function fresh(backend: Backend, seed = 4, of: GPTConfig = config): Promise<Store> {
  const store = memoryStore(`fresh-${seed}`);
  const model = new GPT(of, { backend, seed });
  await saveModel(store, { model, tokenizer });
  model.dispose();
  return store;
}

for (const { name, create, skip } of await engines()) {
  describe(`adapters on ${name}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      if (!skip) backend = await create();
    });
    after(() => backend?.dispose());

    for (const kind of ['best', 'last'])
      test(`base and adapter of ${kind}/ are its merged model, bit for bit`, async () => {
        const [base, store] = [await fresh(backend), memoryStore()];
        const live = backend.memory().live;
        await run(store, base, backend, { freeze: 'blocks.1.mlp' });
        const adapter = await loadAdapter(store.folder(kind));
        assert.equal(adapter.matrices.size, 6);
        const { model } = await loadModel(base, { backend, adapter });
        const merged = await modelFiles({ model, tokenizer });
        for (const file of ['model.safetensors', 'config.json'])
          assert.deepEqual(merged.get(file), await store.folder(kind).read(file), file);
        model.dispose();
        assert.equal(backend.memory().live, live, 'buffers');
      });

    test('an interrupted run has the same adapter', async () => {
      const base = await fresh(backend);
      const [whole, parts] = [memoryStore(), memoryStore()];
      await run(whole, base, backend);
      await run(parts, base, backend, { stop: 3 });
      await run(parts, base, backend);
      for (const kind of ['best', 'last'])
        assert.deepEqual(
          await parts.folder(kind).read(ADAPTER_FILE),
          await whole.folder(kind).read(ADAPTER_FILE),
          kind,
        );
    });
  });
}

describe('an adapter', async () => {
  const backend = createReference();
  const [base, other] = [await fresh(backend), await fresh(backend, 5)];
  const store = memoryStore('run');
  await run(store, base, backend);
  const best = store.folder('best');
  const adapter = await loadAdapter(best);
  const load = async (from: Store, one: Adapter): Promise<GPT> =>
    (await loadModel(from, { backend, adapter: one })).model;

  test('is saved and read again', async () => {
    const copy = memoryStore();
    await saveAdapter(copy, adapter);
    assert.deepEqual(await copy.read(ADAPTER_FILE), await best.read(ADAPTER_FILE));
    assert.deepEqual(await loadAdapter(copy), adapter);
  });

  test('counts alpha / rank times', async () => {
    const [before, once, twice] = [
      (await loadModel(base, { backend })).model,
      await load(base, adapter),
      await load(base, { ...adapter, alpha: 2 * adapter.rank }),
    ];
    const all = [before, once, twice].map((model) => valuesOf(model.blocks[1].mlp.fc.weight as never));
    const [w0, w1, w2] = all;
    assertClose(
      Float32Array.from(w2, (w, i) => w - w0[i]),
      Float32Array.from(w1, (w, i) => 2 * (w - w0[i])),
      'B A',
      1e-5,
    );
  });

  test('is merged into a model with a shorter context too', async () => {
    const short = memoryStore();
    await run(short, base, backend);
    const cut = await fresh(backend, 4, { ...config, blockSize: 6 });
    const { model } = await loadModel(base, { backend });
    const weights = namedParameters(model);
    const small = (await loadModel(cut, { backend })).model;
    for (const [name, to] of namedParameters(small))
      to.write(valuesOf(weights.get(name) as never).slice(0, to.size) as Float32Array<ArrayBuffer>);
    await mergeAdapter(small, adapter);
  });

  test('is not saved unless it is wanted', async () => {
    const plain = memoryStore();
    await run(plain, base, backend, { keepAdapter: false });
    assert.equal(await plain.folder('best').exists(ADAPTER_FILE), false);
    assert.equal(await plain.folder('last').exists(ADAPTER_FILE), false);
  });

  test('is refused by every other model, which stays as it is', async () => {
    await assert.rejects(
      load(other, adapter),
      /^Error: the adapter is for another model: it was trained on the weights \w{12}\.\.\., these are \w{12}\.\.\.;/,
    );
    await assert.rejects(load(best, adapter), /a run that is saved merged has its adapter in it already$/);
    const wide = await fresh(backend, 4, makeConfig(presets.seed, 270, { ...size, nEmbd: 8 }));
    await assert.rejects(
      load(wide, adapter),
      /its blocks.0.attn.proj.weight is \[16, 16\], here it is \[8, 8\]$/,
    );
    const flat = await fresh(backend, 4, makeConfig(presets.seed, 270, { ...size, nLayer: 1 }));
    await assert.rejects(load(flat, adapter), /this one has no matrix blocks.1.attn.proj.weight$/);
    const { model } = await loadModel(base, { backend });
    const small = await quantize(model);
    await assert.rejects(
      mergeAdapter(small, adapter),
      /^Error: \S+ is of integers: an adapter is merged into floats/,
    );
  });

  test('is refused when its file is damaged', async () => {
    const { metadata, tensors } = readSafetensors(await best.read(ADAPTER_FILE));
    const a = 'blocks.0.mlp.fc.weight.loraA';
    const refused = async (
      change: (file: { metadata: Record<string, string>; tensors: typeof tensors }) => void,
      line: RegExp,
    ): Promise<void> => {
      const file = { metadata: { ...metadata }, tensors: new Map(tensors) };
      change(file);
      const damaged = memoryStore('here');
      await damaged.write(ADAPTER_FILE, writeSafetensors(file.tensors, file.metadata));
      await assert.rejects(loadAdapter(damaged), line);
    };
    await refused(
      ({ tensors: t }) => t.delete(a),
      /^Error: here\/adapter\.safetensors: blocks.0.mlp.fc.weight.loraA is missing$/,
    );
    await refused(
      ({ metadata: m }) => delete m.format,
      /no adapter of inkhorn train --keep-adapter: its format is ""$/,
    );
    await refused(({ metadata: m }) => delete m.base, /does not say to which model it belongs/);
    await refused(({ metadata: m }) => (m.rank = '4'), /loraA is \[3, 16\]: the adapter has rank 4$/);
    await refused(({ metadata: m }) => (m.alpha = 'much'), /has alpha "much": expected a number above 0$/);
    await refused(({ metadata: m }) => (m.startToken = '-1'), /has startToken "-1": expected a token$/);
    await refused(({ tensors: t }) => t.clear(), /it holds no matrices$/);
    await refused(
      ({ tensors: t }) =>
        t.set(a, { dtype: 'F32', shape: [3, 16], data: new Float32Array(48).fill(Number.NaN) }),
      /loraA holds NaN at element 0: the adapter is damaged$/,
    );
    await refused(
      ({ tensors: t }) =>
        t.set('blocks.0.mlp.fc.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) }),
      /blocks.0.mlp.fc.weight is no part of an adapter$/,
    );
    const cut = memoryStore('here');
    await cut.write(ADAPTER_FILE, (await best.read(ADAPTER_FILE)).slice(0, -8));
    await assert.rejects(loadAdapter(cut), /truncated/);
    await assert.rejects(loadAdapter(memoryStore('here')), /here\/adapter\.safetensors: no such file/);
  });

  test('is exported for PEFT, for a model that transformers has', async () => {
    const portable = makeConfig(presets.portable, 270, {
      nLayer: 2,
      nEmbd: 16,
      nHead: 2,
      headSize: 8,
      blockSize: 8,
    });
    const [from, into] = [await fresh(backend, 4, portable), memoryStore()];
    await run(into, from, backend, { freeze: 'blocks.0.mlp' });
    const own = await loadAdapter(into.folder('best'));
    const folder = await loadModel(from, { backend });
    const { files } = await exportFiles(folder, { to: 'peft', adapter: own });
    const { tensors } = readSafetensors(files.get('adapter_model.safetensors') as Uint8Array);
    const { target_modules, r, lora_alpha } = JSON.parse(
      new TextDecoder().decode(files.get('adapter_config.json')),
    );
    assert.deepEqual([r, lora_alpha, target_modules.length, tensors.size], [3, 3, 4 + 6, 2 * (4 + 6)]);
    const { a, b } = own.matrices.get('blocks.1.attn.qkv.weight') as { a: Float32Array; b: Float32Array };
    for (const [i, part] of ['q', 'k', 'v'].entries()) {
      const module = `base_model.model.model.layers.1.self_attn.${part}_proj`;
      assert.ok(target_modules.includes(`model.layers.1.self_attn.${part}_proj`));
      const [A, B] = ['A', 'B'].map((half) => tensors.get(`${module}.lora_${half}.weight`));
      assert.deepEqual(
        [A?.shape, B?.shape],
        [
          [3, 16],
          [16, 3],
        ],
      );
      assert.deepEqual(A?.data, a);
      assert.deepEqual(B?.data, b.slice((i * b.length) / 3, ((i + 1) * b.length) / 3));
    }
    await assert.rejects(
      exportFiles(folder, { to: 'peft' }),
      /^Error: target peft is for adapters: give one/,
    );
    await assert.rejects(
      exportFiles(folder, { to: 'hf', adapter: own }),
      /^Error: adapter has no effect with target hf/,
    );
    await assert.rejects(
      exportFiles(folder, { to: 'peft', adapter }),
      /^Error: the adapter is for another model/,
    );
    const seed = await loadModel(base, { backend });
    await assert.rejects(
      exportFiles(seed, { to: 'peft', adapter }),
      /^Error: peft cannot express this model: .*head bias/,
    );
  });

  test('is not kept of an average', () => {
    assert.throws(
      () => checkSettings({ ...settings, emaDecay: 0.9 }),
      /^Error: keepAdapter cannot go with emaDecay 0.9/,
    );
  });
});
