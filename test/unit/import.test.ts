// Importers without the programs that write their files (scripts/proofs/import.mjs has those): what was
// exported comes back with the same bits, and what cannot be a model of ours is named.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { exportModel } from '../../src/exchange/export.ts';
import { importFiles, importModel } from '../../src/exchange/import.ts';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { loadModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

const size = { blockSize: 8, nLayer: 2, nHead: 2, headSize: 16, nEmbd: 32, headBias: false, dropout: 0 };
const rotary = { ...size, position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false } as const;
const learned = { ...size, qkvBias: true, tieWeights: true, activation: 'gelu-tanh' } as const;

const tokenizer = new Tokenizer({ merges: [[104, 97]], specialTokens: ['<|endoftext|>'] });
const ids = Int32Array.of(104, 256, 3, 257);

/** A model with numbers by which every element is known. */
function modelOf(changes: Partial<GPTConfig>): GPT {
  const model = new GPT(makeConfig(presets.seed, tokenizer.vocabSize, changes));
  let n = 0;
  for (const [, parameter] of namedParameters(model))
    parameter.write(Float32Array.from({ length: parameter.size }, () => ((7 * n++) % 8191) / 40960 - 0.1));
  return model;
}

async function exported(changes: Partial<GPTConfig>, dtype?: 'float32' | 'bfloat16'): Promise<Store> {
  const store = memoryStore('theirs');
  await exportModel(store, { model: modelOf(changes), tokenizer }, { to: 'hf', dtype });
  return store;
}

/** The numbers of a tensor in the order of rows. */
type Tensors = Map<string, TensorToWrite>;

/** Changes the tensors of a folder, and fields of its config. */
async function changed(
  store: Store,
  { tensors, config }: { tensors?: (all: Tensors) => void; config?: object },
): Promise<Store> {
  if (tensors) {
    const all: Tensors = new Map(readSafetensors(await store.read('model.safetensors')).tensors);
    for (const [name, one] of all) all.set(name, { shape: one.shape, data: one.data }); // halves are widened
    tensors(all);
    await store.write('model.safetensors', writeSafetensors(all));
  }
  if (config) {
    const old = JSON.parse(new TextDecoder().decode(await store.read('config.json')));
    await store.write('config.json', new TextEncoder().encode(JSON.stringify({ ...old, ...config })));
  }
  return store;
}

const rename = (all: Tensors, name: (old: string) => string): void => {
  for (const [old, value] of [...all]) {
    all.delete(old);
    all.set(name(old), value);
  }
};

async function logitsOf(model: GPT): Promise<Float32Array> {
  return model.forward(tensor(ids, [1, ids.length])).data();
}

/** The model that an import makes, read as every command reads it. */
async function imported(store: Store): Promise<{ model: GPT; notes: string[]; from: string }> {
  const ours = memoryStore('ours');
  const { notes, from } = await importModel(store, ours);
  const { model } = await loadModel(ours, { onNote: (note) => notes.push(note) });
  return { model, notes, from };
}

async function refused(store: Store, expected: RegExp): Promise<void> {
  const ours = memoryStore('ours');
  await assert.rejects(importModel(store, ours), (error: Error) => {
    assert.match(error.message, expected);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
  assert.deepEqual(await ours.list(), []);
}

before(async () => {
  await useBackend('reference');
});

describe('a folder of Hugging Face', () => {
  const cases: [string, Partial<GPTConfig>][] = [
    [
      'Arcee, tied',
      {
        ...rotary,
        tieWeights: true,
        ropeBase: 500,
        normEps: 1e-3,
        nEmbd: 22,
        headSize: 6,
        mlpRatio: 30 / 22,
      },
    ],
    [
      'Arcee with a head, biases, heads of a free size',
      { ...rotary, bias: true, qkvBias: true, headSize: 24 },
    ],
    ['GPT-2, tied', learned],
    ['GPT-2 with a head', { ...learned, tieWeights: false, activation: 'relu' }],
  ];
  for (const [name, changes] of cases) {
    test(`${name}: what was exported comes back with its config and the same bits`, async () => {
      const model = modelOf(changes);
      const { model: again, notes } = await imported(await exported(changes));
      const { init, ...config } = model.config;
      assert.deepEqual({ ...again.config, init: undefined }, { ...config, init: undefined });
      const parameters = namedParameters(again);
      assert.equal(parameters.size, namedParameters(model).size);
      for (const [name, parameter] of namedParameters(model))
        assert.deepEqual(await parameters.get(name)?.data(), await parameter.data(), name);
      assert.deepEqual(notes, []);
      assert.equal(init, 'torch');
      assert.equal(again.startToken, 257, 'bos_token_id');
    });
  }

  test('biases and positions that ours is without are zeros there, and come back as zeros', async () => {
    const arcee = [{ qkvBias: true }, { bias: true }].map((one) => ({ ...rotary, ...one }));
    for (const changes of [
      ...arcee,
      { ...learned, bias: false, qkvBias: false, position: 'none' as const },
    ]) {
      const { model } = await imported(await exported(changes));
      assert.deepEqual(await logitsOf(model), await logitsOf(modelOf(changes)));
      for (const [name, parameter] of namedParameters(modelOf(changes)))
        assert.deepEqual(await namedParameters(model).get(name)?.data(), await parameter.data(), name);
    }
  });

  test('Arcee with biases of one half only is read without the other', async () => {
    for (const [attention, other] of [
      [true, /\.mlp\..*bias$/],
      [false, /\.self_attn\..*bias$/],
    ] as const) {
      const store = await changed(await exported({ ...rotary, bias: true, qkvBias: true }), {
        tensors: (all) => {
          for (const name of [...all.keys()]) if (other.test(name)) all.delete(name);
        },
        config: { attention_bias: attention, mlp_bias: !attention },
      });
      const { model } = await imported(store);
      assert.equal(model.config.qkvBias, attention);
      const zero = namedParameters(model).get(attention ? 'blocks.0.mlp.fc.bias' : 'blocks.0.attn.proj.bias');
      assert.ok((await zero?.data())?.every((x) => x === 0));
    }
  });

  test('bfloat16 stays as it is; half precision is read', async () => {
    const store = await exported({ ...rotary, tieWeights: true }, 'bfloat16');
    const theirs = readSafetensors(await store.read('model.safetensors')).tensors;
    const { files } = await importFiles(store);
    const ours = readSafetensors(files.get('model.safetensors') ?? new Uint8Array()).tensors;
    assert.equal(ours.get('blocks.1.attn.qkv.weight')?.dtype, 'BF16');
    assert.equal(ours.get('blocks.1.norm1.weight')?.dtype, 'F32');
    assert.deepEqual(ours.get('tokens.weight')?.data, theirs.get('model.embed_tokens.weight')?.data);
    const halves = await changed(await exported(learned), {
      tensors: (all) => {
        const weight = all.get('transformer.h.0.mlp.c_fc.weight');
        assert.ok(weight);
        const data = new Uint8Array(Uint16Array.from({ length: 32 * 128 }, (_, i) => 0x3000 + i).buffer);
        all.set('transformer.h.0.mlp.c_fc.weight', { ...weight, dtype: 'F16', data });
      },
    });
    const { model } = await imported(halves);
    const fc = await namedParameters(model).get('blocks.0.mlp.fc.weight')?.data(); // [128, 32]
    assert.deepEqual([fc?.[0], fc?.[1], fc?.[32]], [0.125, 0.125 + 128 * 2 ** -13, 0.125 + 2 ** -13]);
  });

  test('names without `transformer.`, stored masks, frequencies and a head that is tied do no harm', async () => {
    const expected = await logitsOf(modelOf(learned));
    const bare = await changed(await exported(learned), {
      tensors: (all) => {
        rename(all, (old) => old.replace('transformer.', ''));
        const data = new Float32Array(64).fill(1);
        all.set('h.0.attn.bias', { shape: [1, 1, 8, 8], data });
        all.set('h.1.attn.masked_bias', { shape: [], data: Float32Array.of(-1e4) });
        all.set('lm_head.weight', all.get('wte.weight') as TensorToWrite);
      },
    });
    assert.deepEqual(await logitsOf((await imported(bare)).model), expected);
    const compiled = await changed(await exported(learned), {
      tensors: (all) => rename(all, (old) => `_orig_mod.${old}`),
    });
    assert.deepEqual(await logitsOf((await imported(compiled)).model), expected);
    const llama = await changed(await exported(rotary), {
      tensors: (all) =>
        all.set('model.layers.0.self_attn.rotary_emb.inv_freq', { shape: [1], data: Float32Array.of(1) }),
      config: { model_type: 'llama', rope_scaling: null, rope_parameters: null, rope_theta: 10000 },
    });
    assert.deepEqual(await logitsOf((await imported(llama)).model), await logitsOf(modelOf(rotary)));
  });

  test('a head that is said to be tied and differs is kept, and a note says so', async () => {
    const store = await changed(await exported(learned), {
      tensors: (all) =>
        all.set('lm_head.weight', { shape: [258, 32], data: new Float32Array(258 * 32).fill(0.5) }),
    });
    const { model, notes } = await imported(store);
    assert.equal(model.config.tieWeights, false);
    assert.match(notes.join(), /lm_head\.weight differs from transformer\.wte\.weight/);
  });

  test('weights in several files', async () => {
    const store = await exported(learned);
    const { tensors } = readSafetensors(await store.read('model.safetensors'));
    const parts = [new Map(), new Map()];
    const weight_map: Record<string, string> = {};
    [...tensors].forEach(([name, one], i) => {
      parts[i % 2].set(name, one);
      weight_map[name] = `model-${i % 2}.safetensors`;
    });
    await store.remove('model.safetensors');
    await refused(
      store,
      /theirs has no weights: expected one of model\.safetensors, model\.safetensors\.index\.json, pytorch_model\.bin/,
    );
    for (const [i, part] of parts.entries())
      await store.write(`model-${i}.safetensors`, writeSafetensors(part));
    const index = (map: object): Promise<void> =>
      store.write(
        'model.safetensors.index.json',
        new TextEncoder().encode(JSON.stringify({ weight_map: map })),
      );
    await index(weight_map);
    assert.deepEqual(await logitsOf((await imported(store)).model), await logitsOf(modelOf(learned)));
    await index({ ...weight_map, extra: 'model-0.safetensors' });
    await refused(store, /theirs\/model-0\.safetensors: tensor extra is missing, which .* says is in it/);
    await index({ ...weight_map, extra: '../secret.safetensors' });
    await refused(store, /is no file name/);
    await index({ ...weight_map, extra: 'model-2.safetensors' });
    await refused(store, /model-2\.safetensors/);
  });

  test('rows that pad the vocabulary are left out; another tokenizer is refused', async () => {
    const padded = await changed(await exported(learned), {
      tensors: (all) => {
        const { data } = all.get('transformer.wte.weight') as { data: Float32Array };
        const rows = new Float32Array(320 * 32).fill(9);
        rows.set(data);
        all.set('transformer.wte.weight', { shape: [320, 32], data: rows });
      },
      config: { vocab_size: 320 },
    });
    const { model, notes } = await imported(padded);
    assert.match(notes.join(), /62 of 320 rows of the vocabulary pad it/);
    assert.deepEqual(await logitsOf(model), await logitsOf(modelOf(learned)));
    await assert.rejects(
      importFiles(await exported(learned), { tokenizer: new Tokenizer({ merges: [] }) }),
      /the model has 258 tokens, the tokenizer 256: they are not of one model/,
    );
    const store = await exported(learned);
    await store.remove('tokenizer.json');
    await refused(
      store,
      /theirs has no tokenizer beside it, and a model needs the one that it was trained with/,
    );
    assert.equal((await importFiles(store, { tokenizer })).tokenizer, tokenizer);
  });

  test('heads that share keys and values get copies of them', async () => {
    const wide = { ...rotary, nHead: 6, headSize: 4, nEmbd: 24, bias: true, qkvBias: true };
    for (const kvHeads of [1, 2, 3]) {
      // Where the heads of a group are equal, one of each can be left out.
      const model = modelOf(wide);
      const rows = 6 * 4;
      const groupOf = (row: number): number => row - (row % (rows / kvHeads));
      for (const [name, parameter] of namedParameters(model)) {
        if (!/attn\.qkv/.test(name)) continue;
        const values = await parameter.data();
        const columns = values.length / (3 * rows);
        for (let part = 1; part < 3; part++)
          for (let row = 0; row < rows; row++) {
            const from = (part * rows + groupOf(row) + (row % 4)) * columns;
            values.copyWithin((part * rows + row) * columns, from, from + columns);
          }
        parameter.write(values);
      }
      const store = memoryStore('theirs');
      await exportModel(store, { model, tokenizer }, { to: 'hf' });
      await changed(store, {
        config: { num_key_value_heads: kvHeads },
        tensors(all) {
          for (const [name, { shape, data }] of [...all]) {
            if (!/[kv]_proj/.test(name)) continue;
            const columns = data.length / rows;
            const kept = Array.from({ length: kvHeads }, (_, k) => (k * rows * columns) / kvHeads);
            const parts = kept.flatMap((at) => [...data.slice(at, at + 4 * columns)]);
            all.set(name, { shape: [kvHeads * 4, ...shape.slice(1)], data: Float32Array.from(parts) });
          }
        },
      });
      const { model: back, notes } = await imported(store);
      assert.match(notes.join(), new RegExp(`its 6 heads share ${kvHeads} of keys and values`));
      assert.deepEqual(await logitsOf(back), await logitsOf(model));
    }
    await refused(
      await changed(await exported(rotary), { config: { num_key_value_heads: 1 } }),
      /k_proj\.weight is \[32, 32\], theirs\/config\.json asks for \[16, 32\]/,
    );
  });

  test('what a model of ours cannot have is named, all of it', async () => {
    const llama = { ...rotary, tieWeights: true };
    const wrong = async (config: object, expected: RegExp, of: Partial<GPTConfig> = llama): Promise<void> =>
      refused(await changed(await exported(of), { config }), expected);
    await wrong(
      { model_type: 'mistral' },
      /config\.json: model_type "mistral" cannot be imported: gpt2, arcee/,
    );
    await wrong(
      { num_key_value_heads: 3, rope_parameters: { rope_type: 'llama3', factor: 8, rope_theta: 500 } },
      /config\.json: the model has heads that its keys and values do not divide \(num_key_value_heads 3, num_attention_heads 2\), and rope scaling \(rope_type "llama3"\), which a model of Inkhorn cannot have/,
    );
    await wrong(
      { rope_parameters: null, rope_scaling: { type: 'linear', factor: 2 } },
      /rope scaling \(rope_type "linear"\)/,
    );
    await wrong({ rope_scaling: { type: 'linear', factor: 2 } }, /rope scaling \(rope_type "linear"\)/);
    await wrong({ rope_scaling: { partial_rotary_factor: 0.5 } }, /a part of each head/);
    await wrong({ partial_rotary_factor: 0.5 }, /rotary positions of a part of each head/);
    await wrong(
      { hidden_act: 'quick_gelu' },
      /hidden_act does not fit: the activation "quick_gelu" is not known; known are relu, /,
    );
    await wrong({ activation_function: 3 }, /activation_function is 3: expected a text/, learned);
    await wrong({ scale_attn_weights: false }, /unscaled scores/, learned);
    await wrong({ n_head: 3 }, /heads that do not divide the width \(n_head 3, n_embd 32\)/, learned);
    await wrong({ n_layer: 1e9 }, /nLayer 1000000000: at most 4096 blocks/, learned);
    await wrong(
      { n_layer: 3 },
      /config\.json asks for tensor transformer\.h\.2\.ln_1\.weight \[32\], which is missing/,
      learned,
    );
    await wrong(
      { n_layer: 1 },
      /surplus tensor "transformer\.h\.1\.\S+": the GPT2LMHeadModel of theirs\/config\.json has none/,
      learned,
    );
    await wrong(
      { n_positions: 9 },
      /wpe\.weight is \[8, 32\], theirs\/config\.json asks for \[9, 32\]/,
      learned,
    );
    await wrong({ quantization_config: { bits: 4 } }, /the weights are quantised/);
    await wrong(
      { tie_word_embeddings: false },
      /asks for tensor lm_head\.weight \[258, 32\], which is missing/,
    );
    const gate = await changed(await exported(llama), {
      tensors: (all) =>
        all.set('model.layers.0.mlp.gate_proj.weight', { shape: [1], data: new Float32Array(1) }),
      config: { model_type: 'llama', hidden_act: 'silu' },
    });
    await refused(gate, /the model has a gate in the MLP \(mlp\.gate_proj\), which/);
  });

  test('damaged weights are named', async () => {
    const name = 'transformer.h.1.mlp.c_fc.weight';
    const with_ = async (data: TensorToWrite['data'], dtype?: 'I64' | 'BF16'): Promise<Store> =>
      changed(await exported(learned), {
        tensors: (all) => all.set(name, { shape: [32, 128], dtype, data }),
      });
    const numbers = new Float32Array(32 * 128);
    await refused(
      await with_(numbers.with(77, Number.NaN)),
      /^theirs\/model\.safetensors: tensor transformer\.h\.1\.mlp\.c_fc\.weight holds NaN at element 77: the model is damaged/,
    );
    const halves = Uint16Array.from({ length: 32 * 128 }, (_, i) => (i === 5 ? 0xff80 : 0));
    await refused(await with_(new Uint8Array(halves.buffer), 'BF16'), /holds -Infinity at element 5/);
    await refused(
      await with_(new Uint8Array(8 * 32 * 128), 'I64'),
      /c_fc\.weight is I64: expected F32, F16 or BF16/,
    );
    const cut = await exported(learned);
    const whole = await cut.read('model.safetensors');
    for (const length of [0, 7, 100, whole.length - 1]) {
      await cut.write('model.safetensors', whole.subarray(0, length));
      await refused(cut, /^theirs\/model\.safetensors: .*(too few|truncated|cut off)/);
    }
  });
});

describe('a file of ours', () => {
  test('that `--to safetensors` wrote comes back as it was', async () => {
    for (const dtype of ['float32', 'bfloat16'] as const) {
      const model = modelOf({ ...presets.shakespeare, nLayer: 2, blockSize: 8 });
      const store = memoryStore('theirs');
      await exportModel(store, { model, tokenizer }, { to: 'safetensors', dtype });
      const { model: again } = await imported(store);
      assert.deepEqual(again.config, model.config);
      const expected = await logitsOf(model);
      (await logitsOf(again)).forEach((x, i) => {
        assert.ok(Math.abs(x - expected[i]) <= (dtype === 'float32' ? 0 : 0.05), `${x} for ${expected[i]}`);
      });
    }
  });
});

describe('what else is in a folder', () => {
  const put = async (files: Record<string, string>): Promise<Store> => {
    const store = memoryStore('theirs');
    for (const [name, content] of Object.entries(files))
      await store.write(name, new TextEncoder().encode(content));
    return store;
  };
  test('is called what it is', async () => {
    await refused(await put({}), /theirs holds no files: nothing that can be imported; that is a folder of/);
    await refused(await put({ 'a.txt': 'a', 'b.txt': 'b' }), /theirs holds a\.txt, b\.txt: nothing/);
    await refused(
      await put({ 'config.json': '{"nLayer": 2}' }),
      /theirs is a model folder of Inkhorn already/,
    );
    await refused(
      await put({ 'config.json': '{"model_type": 7}' }),
      /config\.json: model_type is 7: expected a text/,
    );
    const tensors = writeSafetensors(new Map([['w', { shape: [1], data: Float32Array.of(1) }]]));
    for (const [config, expected] of [
      [null, /x\.safetensors does not say what .*: a config\.json of Hugging Face is not beside it$/],
      ['{"a": 1}', /: the config\.json beside it has no model_type, as one of Hugging Face has$/],
    ] as const) {
      const there = await put(config === null ? {} : { 'config.json': config });
      await there.write('x.safetensors', tensors);
      await refused(there, expected);
    }
    const html = await put({ 'a.bin': '<html>' });
    await assert.rejects(
      importFiles(html, { file: 'a.bin' }),
      /theirs\/a\.bin is HTML, .*: it cannot be imported; what can is/,
    );
    await assert.rejects(importFiles(html, { file: 'b.bin' }), /theirs\/b\.bin: no such file/);
  });
});
