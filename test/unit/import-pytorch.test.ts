// Files of PyTorch that the test writes itself: nanoGPT's checkpoints and weights of Hugging Face, in both
// containers; and what is wrong with them, in one line.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { exportModel } from '../../src/exchange/export.ts';
import { importFiles, importModel } from '../../src/exchange/import.ts';
import { isTorch } from '../../src/exchange/torch/file.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { Call, pickled, TorchView, Tuple, torchArchive, torchLegacy, zipped } from '../support/torch-file.ts';

const tokenizer = new Tokenizer({ merges: [[104, 97]] });
const ids = Int32Array.of(104, 256, 3, 7);
const config = makeConfig(presets.seed, 257, {
  ...{ blockSize: 8, nLayer: 2, nHead: 2, headSize: 8, nEmbd: 16, headBias: false, dropout: 0.25 },
  ...{ qkvBias: true, tieWeights: true, activation: 'gelu', init: 'gpt2' },
});

let model: GPT;
let logits: Float32Array;
/** The tensors as transformers names them, and as nanoGPT does, whose matrices are [out, in]. */
const theirs = new Map<string, TorchView>();
const nano = new Map<string, TorchView>();

before(async () => {
  await useBackend('reference');
  model = new GPT(config);
  let n = 0;
  for (const [, parameter] of namedParameters(model))
    parameter.write(Float32Array.from({ length: parameter.size }, () => ((7 * n++) % 8191) / 16384 - 0.25));
  logits = await model.forward(tensor(ids, [1, ids.length])).data();
  const store = memoryStore();
  await exportModel(store, { model, tokenizer }, { to: 'hf' });
  for (const [name, { data, shape }] of readSafetensors(await store.read('model.safetensors')).tensors) {
    theirs.set(name, new TorchView(data as Float32Array, shape));
    const isMatrix = /\.(?:c_attn|c_proj|c_fc)\.weight$/.test(name);
    const [rows, columns = 0] = shape;
    const turned = new Float32Array(data.length);
    for (let i = 0; isMatrix && i < data.length; i++)
      turned[(i % columns) * rows + Math.floor(i / columns)] = data[i];
    nano.set(
      name,
      isMatrix ? new TorchView(turned, [columns, rows]) : new TorchView(data as Float32Array, shape),
    );
  }
});

const args = { n_layer: 2, n_head: 2, n_embd: 16, block_size: 8, bias: true, vocab_size: 257, dropout: 0.25 };
const dict = (fields: object): Map<unknown, unknown> => new Map(Object.entries(fields));

/** A checkpoint of nanoGPT, with what it holds besides. */
function checkpoint(state: ReadonlyMap<string, unknown>, changes: object = {}): Map<unknown, unknown> {
  return dict({
    model: new Map(state),
    optimizer: dict({ state: new Map([[0, dict({ exp_avg: new TorchView(new Float32Array(4), [4]) })]]) }),
    model_args: dict({ ...args, ...changes }),
    iter_num: 2000,
    best_val_loss: new TorchView(Float32Array.of(1.5), []),
    config: dict({ learning_rate: 6e-4, device: 'cuda' }),
  });
}

/** nanoGPT's names of a tied head and a mask, too. */
const whole = (): Map<string, TorchView> =>
  new Map([
    ...nano,
    ['lm_head.weight', nano.get('transformer.wte.weight') as TorchView],
    ['transformer.h.0.attn.bias', new TorchView(new Float32Array(64), [1, 1, 8, 8])],
  ]);

async function placed(files: Record<string, Uint8Array>): Promise<Store> {
  const store = memoryStore('theirs');
  for (const [name, bytes] of Object.entries(files)) await store.write(name, bytes);
  return store;
}

/** Imports, and compares logits. */
async function same(store: Store, file?: string): Promise<GPT> {
  const ours = memoryStore('ours');
  await importModel(store, ours, { file, tokenizer });
  const { model: again } = await loadModel(ours);
  assert.deepEqual(await again.forward(tensor(ids, [1, ids.length])).data(), logits);
  return again;
}

async function refused(bytes: Uint8Array, expected: RegExp): Promise<void> {
  const store = await placed({ 'ckpt.pt': bytes });
  await assert.rejects(importFiles(store, { tokenizer }), (error: Error) => {
    assert.match(error.message, expected);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

describe('a checkpoint of nanoGPT', () => {
  test('in both containers, compiled or not, with a tied head and a mask', async () => {
    const compiled = new Map(Array.from(whole(), ([name, view]) => [`_orig_mod.${name}`, view] as const));
    for (const save of [torchArchive, torchLegacy]) {
      for (const state of [whole(), compiled]) {
        const again = await same(await placed({ 'ckpt.pt': save(checkpoint(state)) }));
        assert.deepEqual(again.config, config);
      }
    }
    const data = Uint8Array.of(1, 0, 2, 0); // nanoGPT's tokens
    const folder = await placed({ 'ckpt.pt': torchArchive(checkpoint(whole())), 'train.bin': data });
    await same(folder);
    await same(folder, 'ckpt.pt');
  });

  test('without biases; of before `bias` and with an unknown vocabulary', async () => {
    const bare = new Map(whole());
    for (const name of bare.keys()) if (name.endsWith('.bias')) bare.delete(name);
    const store = await placed({ 'ckpt.pt': torchArchive(checkpoint(bare, { bias: false })) });
    const { config: found } = await importFiles(store, { tokenizer });
    assert.deepEqual([found?.bias, found?.qkvBias], [false, false]);
    const old = checkpoint(whole(), { vocab_size: null });
    (old.get('model_args') as Map<string, unknown>).delete('bias');
    await same(await placed({ 'ckpt.pt': torchArchive(old) }));
  });

  test('views of one storage, in any order of their elements', async () => {
    const views = new Map(whole());
    const all = new Float32Array(10 + 16 + 16);
    for (const [i, name] of ['ln_1', 'ln_2'].entries()) {
      const at = 10 + 16 * i;
      all.set(whole().get(`transformer.h.1.${name}.weight`)?.data as Float32Array, at);
      views.set(`transformer.h.1.${name}.weight`, new TorchView(all, [16], { offset: at }));
    }
    const { data } = theirs.get('transformer.h.0.mlp.c_fc.weight') as TorchView; // [16, 64] in the storage
    views.set('transformer.h.0.mlp.c_fc.weight', new TorchView(data, [64, 16], { stride: [1, 64] }));
    for (const save of [torchArchive, torchLegacy])
      await same(await placed({ 'ckpt.pt': save(checkpoint(views)) }));
  });

  test('says what is wrong with it', async () => {
    const changed = (changes: object): Uint8Array => torchArchive(checkpoint(whole(), changes));
    await refused(
      changed({ n_head: 3 }),
      /^theirs\/ckpt\.pt: model_args: n_head 3 does not divide n_embd 16/,
    );
    await refused(changed({ n_layer: 'two' }), /model_args: n_layer is "two": expected a whole number >= 1/);
    await refused(
      changed({ n_layer: 3 }),
      /model_args of theirs\/ckpt\.pt asks for tensor transformer\.h\.2\.ln_1\.weight \[16\], which is missing/,
    );
    await refused(
      changed({ block_size: 9 }),
      /tensor transformer\.wpe\.weight is \[8, 16\], model_args of \S+ asks for \[9, 16\]/,
    );
    await refused(
      changed({ bias: false }),
      /surplus tensor "transformer\.\S+\.bias": the nanoGPT of model_args/,
    );
    const longs = new Map<string, TorchView>([
      ...whole(),
      ['transformer.ln_f.weight', new TorchView(new BigInt64Array(16), [16])],
    ]);
    await refused(
      torchArchive(checkpoint(longs)),
      /transformer\.ln_f\.weight is I64: expected F32, F16 or BF16/,
    );
    const nan = new TorchView(new Float32Array(16).fill(Number.NaN, 3), [16]);
    await refused(
      torchArchive(checkpoint(new Map([...whole(), ['transformer.ln_f.weight', nan]]))),
      /tensor transformer\.ln_f\.weight holds NaN at element 3/,
    );
    const text = new Map<string, unknown>([...whole(), ['transformer.ln_f.weight', 'a text']]);
    await refused(
      torchArchive(checkpoint(text)),
      /"transformer\.ln_f\.weight" of the state_dict is no tensor/,
    );
    const spread = new TorchView(Float32Array.of(1), [16], { stride: [0] });
    await refused(
      torchArchive(checkpoint(new Map([...whole(), ['transformer.ln_f.weight', spread]]))),
      /a tensor \[16\] of 1 number repeats them: save it with \.contiguous\(\)/,
    );
    await refused(
      torchArchive(dict({ loss: 1, step: 2 })),
      /theirs\/ckpt\.pt holds a dict of "loss", "step": it cannot be imported; what can is/,
    );
    await refused(torchArchive([1, 2]), /holds a list of 2: it cannot be imported/);
    await refused(torchArchive(new Map(whole())), /holds a dict of "transformer\.\S+", /);
    const store = await placed({ 'ckpt.pt': changed({}) });
    await assert.rejects(importFiles(store), /theirs\/ckpt\.pt has no tokenizer beside it/);
    await store.write('other.pt', changed({}));
    await assert.rejects(
      importFiles(store, { tokenizer }),
      /theirs holds several models, ckpt\.pt, other\.pt: name the file of one/,
    );
  });

  describe('of characters', () => {
    const characters = ['\n', ' ', 'a', 'h', 't', 'é', '…', '—', '😀'];
    const meta = (stoi: [unknown, unknown][]): Uint8Array =>
      pickled(
        dict({ vocab_size: stoi.length, itos: new Map(stoi.map(([c, i]) => [i, c])), stoi: new Map(stoi) }),
      );
    const numbered = characters.map((character, id): [string, number] => [character, id]);
    const V = characters.length;
    /** The first rows of the embedding: those of the characters. */
    const few = (): Uint8Array => {
      const { data } = nano.get('transformer.wte.weight') as TorchView;
      const rows = new TorchView((data as Float32Array).slice(0, V * 16), [V, 16]);
      return torchArchive(
        checkpoint(new Map([...nano, ['transformer.wte.weight', rows]]), { vocab_size: V }),
      );
    };

    test('with its meta.pkl: its own logits, and no chance for other bytes', async () => {
      const ours = memoryStore('ours');
      const store = await placed({ 'ckpt.pt': few(), 'meta.pkl': meta(numbered) });
      const { tokenizer: read, config: made, notes } = await importModel(store, ours);
      const text = 'the heat…—é\n😀a';
      const known = [...text].filter((character) => characters.includes(character)).join('');
      assert.deepEqual(
        [...read.encode(known)],
        [...known].map((one) => characters.indexOf(one)),
      );
      assert.equal(read.decode(read.encode('zebra 中文')), 'zebra 中文');
      assert.match(notes.join(), /the model knows 9 characters: the other 25\d tokens/);
      const { model: again, tokenizer: saved } = await loadModel(ours);
      assert.deepEqual([...saved.encode(known)], [...read.encode(known)]);
      assert.deepEqual([made?.vocabSize, made?.headBias], [read.vocabSize, true]);
      const input = Int32Array.of(4, 3, 2, 8, 6);
      const found = await again.forward(tensor(input, [1, 5])).data();
      const expected = await model.forward(tensor(input, [1, 5])).data();
      for (let t = 0; t < 5; t++) {
        for (let id = 0; id < read.vocabSize; id++) {
          const logit = found[t * read.vocabSize + id];
          assert.equal(logit, id < V ? expected[t * 257 + id] : -1e4, `token ${id} at ${t}`);
        }
      }
    });

    test('the table alone is a tokenizer; one that is none is refused', async () => {
      const { config: none, tokenizer: read } = await importFiles(
        await placed({ 'meta.pkl': meta(numbered) }),
      );
      assert.equal(none, null);
      assert.deepEqual([...read.encode('é')], [5]);
      const wrong: [[unknown, unknown][], RegExp][] = [
        [[['ab', 0]], /theirs\/meta\.pkl: "ab" is not a character/],
        [[['', 0]], /"" is not a character/],
        [[['a', 1]], /character "a" has number 1: 1 are numbered from 0/],
        [[['a', 'b']], /character "a" has number "b"/],
        [
          [
            ['a', 0],
            ['b', 0],
          ],
          /number 0 is that of two characters, "a" and "b"/,
        ],
        [[], /stoi is empty/],
      ];
      for (const [stoi, expected] of wrong)
        await assert.rejects(importFiles(await placed({ 'meta.pkl': meta(stoi) })), expected);
      const other = await placed({ 'ckpt.pt': few(), 'meta.pkl': meta(numbered.slice(0, 8)) });
      await assert.rejects(
        importFiles(other),
        /the model has 9 tokens, the tokenizer \d+: they are not of one model/,
      );
    });
  });

  test('a pickle that wants to run something is refused by the name of that', async () => {
    const wants =
      /^theirs\/ckpt\.pt: the pickle asks Python for "builtins\.print" at byte [\d,]+, which is no part of a model: nothing was run/;
    const call = new Call('builtins', 'print', ['hello']);
    for (const save of [torchArchive, torchLegacy, pickled]) {
      await refused(save(call), wants);
      await refused(save(checkpoint(new Map<string, unknown>([...whole(), ['x', call]]))), wants);
    }
  });
});

describe("the seed's state_dict", () => {
  const seed = makeConfig(presets.seed, 257, { blockSize: 8, nLayer: 2, nHead: 3, headSize: 5, nEmbd: 16 });

  /** Its tensors, cut out of those of a model of ours. */
  async function stateOf(of: GPT): Promise<Map<string, TorchView>> {
    const values = new Map<string, TorchView>();
    const [C, hs, H] = [16, 5, 3];
    for (const [ours, parameter] of namedParameters(of)) {
      const theirs = ours
        .replace(/^tokens/, 'token_embedding_table')
        .replace(/^positions/, 'position_embedding_table')
        .replace(/^norm\./, 'ln_f.')
        .replace(/^head/, 'lm_head')
        .replace('.attn.proj', '.sa.proj')
        .replace('.mlp.fc', '.ffwd.net.0')
        .replace('.mlp.proj', '.ffwd.net.2')
        .replace(/\.norm([12])/, '.ln$1');
      const data = (await parameter.data()) as Float32Array;
      if (!ours.endsWith('attn.qkv.weight')) values.set(theirs, new TorchView(data, parameter.shape));
      for (let row = 0; ours.endsWith('attn.qkv.weight') && row < 3 * H; row++) {
        const kind = ['query', 'key', 'value'][Math.floor(row / H)];
        const at = theirs.replace('attn.qkv', `sa.heads.${row % H}.${kind}`);
        values.set(at, new TorchView(data.slice(row * hs * C, (row + 1) * hs * C), [hs, C]));
        values.set(at.replace(`${kind}.weight`, 'tril'), new TorchView(new Float32Array(64), [8, 8]));
      }
    }
    return values;
  }

  test('has all sizes in its tensors; with merges.pkl beside it, nothing else is needed', async () => {
    const model = new GPT(seed, { seed: 5 });
    const store = await placed({
      'model_weight_uq.pth': torchArchive(await stateOf(model)),
      'merges.pkl': pickled(new Map([[new Tuple(104, 97), 256]])),
    });
    const ours = memoryStore('ours');
    const { from } = await importModel(store, ours);
    assert.equal(from, 'seed');
    const { model: again } = await loadModel(ours);
    assert.deepEqual(again.config, seed);
    const input = tensor(ids, [1, ids.length]);
    assert.deepEqual(await again.forward(input).data(), await model.forward(input).data());
  });

  test('says what is missing', async () => {
    const state = await stateOf(new GPT(seed));
    const without = (name: string): Uint8Array =>
      torchArchive(new Map([...state].filter(([one]) => one !== name)));
    await refused(
      without('blocks.1.sa.heads.2.value.weight'),
      /asks for tensor blocks\.1\.sa\.heads\.2\.value\.weight \[5, 16\], which is missing/,
    );
    await refused(
      without('blocks.0.ffwd.net.0.weight'),
      /the state_dict has no matrix blocks\.0\.ffwd\.net\.0\.weight/,
    );
    await refused(
      torchArchive(new Map([...state, ['x', new TorchView(new Float32Array(1), [1])]])),
      /surplus tensor "x"/,
    );
  });
});

describe('weights of Hugging Face by PyTorch', () => {
  const describedBy = {
    model_type: 'gpt2',
    ...{ n_positions: 8, n_embd: 16, n_layer: 2, n_head: 2, vocab_size: 257, activation_function: 'gelu' },
  };
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

  test('in one file, of both containers, and in several', async () => {
    for (const save of [torchArchive, torchLegacy]) {
      const store = await placed({
        'config.json': json(describedBy),
        'pytorch_model.bin': save(new Map(theirs)),
      });
      await same(store);
      await same(store, 'pytorch_model.bin');
    }
    const [one, other] = [new Map([...theirs].slice(0, 9)), new Map([...theirs].slice(9))];
    const weight_map = Object.fromEntries(
      [...theirs.keys()].map((name) => [name, one.has(name) ? 'a.bin' : 'b.bin']),
    );
    await same(
      await placed({
        'config.json': json(describedBy),
        'pytorch_model.bin.index.json': json({ weight_map }),
        'a.bin': torchArchive(one),
        'b.bin': torchArchive(other),
      }),
    );
  });
});

test('a header of safetensors is no pickle, though its length may begin as one', () => {
  assert.ok(isTorch(Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x28, 0, 0, 0x7b)));
  assert.ok(!isTorch(Uint8Array.of(0x80, 2, 0, 0, 0, 0, 0, 0, 0x7b)));
});

describe('an archive', () => {
  test('with a bit that fell over is damaged, where it has sums of its bytes', async () => {
    const damaged = (name: string, sums: boolean): Uint8Array => {
      const file = torchArchive(checkpoint(whole()), {}, sums).slice();
      const at = Buffer.from(file.buffer).indexOf(name) + name.length; // behind the first header
      file[at + 1] ^= 1;
      return file;
    };
    const says = (name: string): RegExp =>
      new RegExp(
        `^theirs/ckpt\\.pt: entry "${name}" of the archive is damaged: the CRC-32 of its bytes is [0-9a-f]{8}, that of`,
      );
    await refused(damaged('archive/data/1', true), says('archive/data/1'));
    await refused(damaged('archive/byteorder', true), says('archive/byteorder'));
    await refused(damaged('archive/data.pkl', true), says('archive/data.pkl'));
    await importFiles(await placed({ 'ckpt.pt': damaged('archive/data/1', false) }), { tokenizer });
  });

  test('that is cut off, compressed or of something else is called that', async () => {
    const file = torchArchive(checkpoint(whole()));
    for (const length of [100, file.length >> 1, file.length - 1])
      await refused(
        file.subarray(0, length),
        /^theirs\/ckpt\.pt: truncated: the archive has no directory at its end/,
      );
    const legacy = torchLegacy(checkpoint(whole()));
    await refused(
      legacy.subarray(0, legacy.length - 1),
      /truncated: storage "\d+" goes beyond the end of the file/,
    );
    await refused(legacy.subarray(0, 40), /^theirs\/ckpt\.pt: truncated: the pickle goes on/);
    await refused(
      zipped(new Map([['word/document.xml', new Uint8Array(9)]])),
      /a ZIP archive without a data\.pkl/,
    );
    await refused(
      zipped(new Map([['a/data.pkl', new Uint8Array(9)]]), 8),
      /entry "a\/data\.pkl" of the archive is compressed/,
    );
    await refused(
      torchArchive(1, { 'archive/byteorder': new TextEncoder().encode('big') }),
      /its numbers are big-endian/,
    );
    await refused(
      torchArchive(checkpoint(whole()), { 'archive/data/0': new Uint8Array(5) }),
      /data\/0 has 5 bytes: \d+ numbers of F32 take/,
    );
  });
});
