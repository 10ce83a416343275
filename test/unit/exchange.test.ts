// Exporters without the programs that read their files (scripts/proofs has those): every parameter arrives
// once and in its place, files are as their formats say, and what a target lacks is named.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { checkExport, type ExportOptions, exportFiles, exportModel } from '../../src/exchange/export.ts';
import { arcee, gpt2, type HfFamily } from '../../src/exchange/hf/target.ts';
import { pairRows, transpose, valuesFor } from '../../src/exchange/mapping.ts';
import { createGraph } from '../../src/exchange/onnx/graph.ts';
import { fromFloat16, toFloat16 } from '../../src/io/floats.ts';
import { memoryStore } from '../../src/io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { modelFiles } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { shapesOf } from '../../src/model/shapes.ts';
import { namedParameters, slots } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { isQuantized, weightValues } from '../../src/tensor/quantized.ts';
import { patterns, Tokenizer } from '../../src/tokenizer/index.ts';

const text = `It's 1984: the cat's hat, the cats, 12 345 hats;\r\n\r\n  the naïve cat. The hat!`;
const size = { blockSize: 8, nLayer: 2, nHead: 2, headSize: 16, nEmbd: 32, headBias: false, dropout: 0 };
const rotary = { ...size, position: 'rope', norm: 'rmsnorm', activation: 'relu2', bias: false } as const;

function configOf(changes: Partial<GPTConfig>, vocabSize = 256): GPTConfig {
  return makeConfig(presets.seed, vocabSize, { ...size, ...changes });
}

/** A model with numbers by which every element is known. */
function modelOf(changes: Partial<GPTConfig>, vocabSize = 256): GPT {
  const model = new GPT(configOf(changes, vocabSize));
  let n = 0;
  for (const [, parameter] of namedParameters(model))
    parameter.write(Float32Array.from({ length: parameter.size }, () => ((7 * n++) % 8191) / 4096 - 1));
  return model;
}

const bytes = new Tokenizer({ merges: [] });

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A parser of safetensors of its own. */
function parse(file: Uint8Array): {
  metadata: Record<string, string>;
  tensors: Map<string, Entry & { raw: Uint8Array }>;
} {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length)),
  );
  const tensors = new Map<string, Entry & { raw: Uint8Array }>();
  for (const [name, entry] of Object.entries(entries as Record<string, Entry>)) {
    const [from, to] = entry.data_offsets;
    tensors.set(name, { ...entry, raw: file.slice(8 + length + from, 8 + length + to) });
  }
  return { metadata, tensors };
}

function jsonOf(file: Uint8Array | undefined): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(file));
}

const refused = (changes: Partial<GPTConfig>, options: ExportOptions, expected: RegExp): Promise<void> =>
  assert.rejects(exportFiles({ model: modelOf(changes), tokenizer: bytes }, options), expected);

before(async () => {
  await useBackend('reference');
});

describe('tensors of a class of transformers', () => {
  const cases: [string, HfFamily, Partial<GPTConfig>][] = [
    ['Arcee', arcee, { ...rotary, tieWeights: true }],
    ['Arcee with biases and a head', arcee, { ...rotary, bias: true, qkvBias: true }],
    ['Arcee with heads of a free size', arcee, { ...rotary, headSize: 24 }],
    ['GPT-2', gpt2, { qkvBias: true, tieWeights: true }],
    ['GPT-2 without biases and positions', gpt2, { bias: false, position: 'none' }],
  ];
  for (const [name, family, changes] of cases) {
    test(`${name}: every element of every parameter is there once`, () => {
      const config = configOf(changes);
      assert.deepEqual(family.lacks(config), []);
      // Parameters whose elements are numbered through: those that arrive are sorted and compared.
      const weights = new Map<string, Float32Array>();
      let next = 1;
      for (const [parameter, shape] of shapesOf(config)) {
        const length = shape.reduce((n, side) => n * side, 1);
        weights.set(
          parameter,
          Float32Array.from({ length }, () => next++),
        );
      }
      const mapped = family.tensors(config);
      assert.equal(new Set(mapped.map(({ theirs }) => theirs)).size, mapped.length);
      const arrived = mapped.flatMap((one) => [...valuesFor(one, weights)]).filter((value) => value !== 0);
      assert.equal(arrived.length, next - 1);
      assert.deepEqual(
        Float64Array.from(arrived).sort(),
        Float64Array.from({ length: next - 1 }, (_, i) => i + 1),
      );
    });
  }

  test('GPT-2 stores matrices [in, out], Arcee [out, in] with q, k, v apart', () => {
    const config = configOf({ ...rotary, nHead: 1, headSize: 2, nEmbd: 2 });
    const ours = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12); // [3 * hs, C]
    const weights = new Map([['blocks.0.attn.qkv.weight', ours]]);
    const named = (family: HfFamily, name: string): number[] => {
      const mapped = family.tensors(config).find(({ theirs }) => theirs === name);
      assert.ok(mapped, name);
      return [...valuesFor(mapped, weights)];
    };
    assert.deepEqual(named(arcee, 'model.layers.0.self_attn.k_proj.weight'), [5, 6, 7, 8]);
    assert.deepEqual(
      named(gpt2, 'transformer.h.0.attn.c_attn.weight'),
      [1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12],
    );
    assert.deepEqual([...transpose(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)], [1, 4, 2, 5, 3, 6]);
  });
});

describe('rows of queries and keys for rotary pairs that are neighbours', () => {
  test('the scores of attention stay what they were', () => {
    const [H, hs, C] = [2, 6, 5];
    const draw = (k: number): Float32Array =>
      Float32Array.from({ length: H * hs * C }, (_, i) => Math.sin(k * i + k));
    const [q, k] = [draw(1.3), draw(2.1)];
    const x = Float32Array.from({ length: C }, (_, c) => Math.cos(c));
    /** W x of head h, rotated to a position: pairs (i, i + hs / 2), or neighbours. */
    const rotated = (W: Float32Array, h: number, position: number, near: boolean): number[] => {
      const y = Array.from({ length: hs }, (_, i) =>
        x.reduce((sum, xc, c) => sum + xc * W[(h * hs + i) * C + c], 0),
      );
      const out = [...y];
      for (let i = 0; i < hs / 2; i++) {
        const angle = position * 10000 ** (-i / (hs / 2));
        const [a, b] = near ? [2 * i, 2 * i + 1] : [i, i + hs / 2];
        out[a] = y[a] * Math.cos(angle) - y[b] * Math.sin(angle);
        out[b] = y[a] * Math.sin(angle) + y[b] * Math.cos(angle);
      }
      return out;
    };
    const score = (Q: Float32Array, K: Float32Array, h: number, near: boolean): number => {
      const key = rotated(K, h, 2, near);
      return rotated(Q, h, 9, near).reduce((sum, value, i) => sum + value * key[i], 0);
    };
    const [Q, K] = [pairRows(q, H, C), pairRows(k, H, C)];
    for (let h = 0; h < H; h++) {
      assert.ok(Math.abs(score(q, k, h, false) - score(Q, K, h, true)) < 1e-6);
      assert.ok(Math.abs(score(q, k, h, false) - score(q, k, h, true)) > 1e-3, 'and would not without');
    }
  });
});

describe('hf', () => {
  test('a folder as transformers wants it, with ties and tokens said', async () => {
    const tokenizer = new Tokenizer({ merges: [], specialTokens: ['<|endoftext|>'] });
    const model = modelOf({ ...rotary, tieWeights: true, ropeBase: 500, normEps: 1e-3 }, 257);
    const store = memoryStore();
    await exportModel(store, { model, tokenizer }, { to: 'hf' });
    assert.deepEqual(await store.list(), [
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    assert.deepEqual(jsonOf(await store.read('config.json')), {
      architectures: ['ArceeForCausalLM'],
      model_type: 'arcee',
      dtype: 'float32',
      vocab_size: 257,
      hidden_size: 32,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      head_dim: 16,
      max_position_embeddings: 8,
      hidden_act: 'relu2',
      rms_norm_eps: 1e-3,
      rope_parameters: { rope_type: 'default', rope_theta: 500 },
      attention_bias: false,
      mlp_bias: false,
      attention_dropout: 0,
      tie_word_embeddings: true,
      bos_token_id: 256,
      eos_token_id: 256,
      pad_token_id: null,
    });
    const { tensors } = parse(await store.read('model.safetensors'));
    assert.ok(!tensors.has('lm_head.weight'));
    assert.equal(tensors.get('model.layers.1.self_attn.v_proj.weight')?.dtype, 'F32');
    assert.equal(tensors.size, 2 + 2 * 8);
  });

  test('bfloat16 rounds to nearest, all tensors, and the config says so', async () => {
    const model = modelOf({ tieWeights: true });
    const { files } = await exportFiles({ model, tokenizer: bytes }, { to: 'hf', dtype: 'bfloat16' });
    assert.equal(jsonOf(files.get('config.json')).dtype, 'bfloat16');
    const { tensors } = parse(files.get('model.safetensors') as Uint8Array);
    const ours = await namedParameters(model).get('tokens.weight')?.data();
    const raw = tensors.get('transformer.wte.weight')?.raw.buffer;
    assert.ok(ours && raw);
    const words = Uint32Array.from(new Uint16Array(raw), (half) => half << 16);
    new Float32Array(words.buffer).forEach((value, i) => {
      assert.ok(Math.abs(value - ours[i]) <= Math.abs(ours[i]) / 256, `${value} for ${ours[i]}`);
    });
    assert.deepEqual(new Set([...tensors.values()].map(({ dtype }) => dtype)), new Set(['BF16']));
  });

  test('names all the parts that the nearest class lacks, and the preset that has none', async () => {
    const { seed, shakespeare } = presets;
    await refused(
      { ...shakespeare, nLayer: 2, blockSize: 8, logitCap: 15 },
      { to: 'hf' },
      /^Error: hf cannot express this model: ArceeForCausalLM, the nearest there, has no QK norm \(qkNorm\), no value residual \(valueResidual\), no skip \(skip embed\), no logit cap \(logitCap 15\); models of the preset portable can/,
    );
    await refused(
      { ...seed, nLayer: 1, blockSize: 8 },
      { to: 'hf' },
      /GPT2LMHeadModel, the nearest there, has no heads of a free size \(nHead 6 x headSize 38 = 228, nEmbd 232\), no head bias \(headBias\);/,
    );
    await refused({ ...rotary, headSize: 3 }, { to: 'hf' }, /has no odd head size \(headSize 3\);/);
    await refused(
      { ...rotary, nEmbd: 33 },
      { to: 'hf' },
      /no width that 2 heads do not divide \(nEmbd 33\);/,
    );
    await refused({ position: 'rope' }, { to: 'hf' }, /no rotary positions \(position rope\);/);
  });

  test('a weight that is not finite is named; integers are dequantised, and a note says so', async () => {
    const model = modelOf(rotary);
    const small = await quantize(model);
    const weight = namedParameters(model).get('blocks.1.mlp.fc.weight');
    assert.ok(weight);
    const { files, notes } = await exportFiles({ model: small, tokenizer: bytes }, { to: 'hf' });
    assert.match(notes.join('\n'), /its INT8 weights are exported as the numbers that they stand for/);
    const up = parse(files.get('model.safetensors') as Uint8Array).tensors.get(
      'model.layers.1.mlp.up_proj.weight',
    );
    assert.ok(up);
    const given = await weight.data();
    new Float32Array(up.raw.buffer).forEach((value, i) => {
      assert.ok(Math.abs(value - given[i]) <= 1 / 127, `${value} for ${given[i]}`);
    });
    weight.write(given.with(5, Number.NaN));
    await assert.rejects(
      exportFiles({ model, tokenizer: bytes }, { to: 'hf' }),
      /^Error: blocks\.1\.mlp\.fc\.weight holds NaN at element 5: every weight must be finite/,
    );
    await assert.rejects(
      exportFiles({ model, tokenizer: new Tokenizer({ merges: [[1, 2]] }) }, { to: 'hf' }),
      /^Error: the tokenizer has 257 tokens, the model 256:/,
    );
  });

  test('an option of another target, or of none, is refused', async () => {
    const contents = { model: modelOf(rotary), tokenizer: bytes };
    const wrong = (options: object): Promise<unknown> => exportFiles(contents, options as ExportOptions);
    await assert.rejects(
      wrong({ to: 'hf', format: 'json' }),
      /^Error: format json has no effect with target hf: only tokenizer has it/,
    );
    await assert.rejects(
      wrong({ to: 'hf', dtype: 'float16' }),
      /dtype "float16" is not one of float32, bfloat16/,
    );
    await assert.rejects(
      wrong({ to: 'gguf', type: 'int8' }),
      /^Error: type int8 is not one of F32, F16, BF16, Q8_0, Q4_0, which target gguf has/,
    );
    await assert.rejects(
      wrong({ to: 'onnx', type: 'Q8_0' }),
      /^Error: type Q8_0 is not one of float32, int8, int4, which target onnx has/,
    );
    await assert.rejects(wrong({ to: 'pickle' }), /to "pickle" is not one of hf, /);
    await assert.rejects(wrong({}), /needs to/);
  });
});

describe('safetensors', () => {
  test('one file has our names, config and tokenizer', async () => {
    const model = modelOf({ ...presets.shakespeare, nLayer: 2, blockSize: 8 });
    const tokenizer = Tokenizer.train(text, { vocabSize: 260 });
    await assert.rejects(
      exportFiles({ model, tokenizer }, { to: 'safetensors' }),
      /260 tokens, the model 256/,
    );
    const { files } = await exportFiles({ model, tokenizer: bytes }, { to: 'safetensors' });
    const { metadata, tensors } = parse(files.get('model.safetensors') as Uint8Array);
    assert.deepEqual(JSON.parse(metadata['config.json']).skip, 'embed');
    assert.deepEqual(Tokenizer.fromJSON(metadata['tokenizer.json']).merges, []);
    for (const [name, parameter] of namedParameters(model)) {
      const raw = tensors.get(name)?.raw;
      assert.ok(raw, name);
      assert.deepEqual(new Float32Array(raw.buffer), await parameter.data(), name);
    }
    assert.equal(tensors.size, namedParameters(model).size);
  });
});

describe('tokenizer', () => {
  const fileOf = async (
    tokenizer: Tokenizer,
    format: 'json' | 'tiktoken' | 'minbpe',
  ): Promise<[string, string[]]> => {
    const contents = { model: modelOf(rotary), tokenizer };
    const { files, notes } = await exportFiles(contents, { to: 'tokenizer', format });
    const [[, file]] = files;
    return [new TextDecoder().decode(file), notes];
  };

  for (const pattern of patterns) {
    test(`${pattern}: a minbpe file gives the same ids by minbpe's own rule`, async () => {
      const tokenizer = Tokenizer.train(text, { vocabSize: 280, pattern, specialTokens: ['<|end|>'] });
      const [file] = await fileOf(tokenizer, 'minbpe');
      const [version, expression, specials, special, ...merges] = file.trimEnd().split('\n');
      assert.deepEqual([version, specials, special], ['minbpe v1', '1', '<|end|> 279']);
      assert.equal(expression === '', pattern === 'none');
      if (pattern !== 'none') return; // possessive expressions are not JavaScript's: see scripts/proofs
      // BasicTokenizer.encode: again and again the pair that was merged first.
      let ids = [...new TextEncoder().encode(text)];
      const ranks = new Map(merges.map((line, rank) => [line, rank]));
      for (;;) {
        const found = ids
          .slice(1)
          .map((right, i) => ranks.get(`${ids[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
        const best = Math.min(...found);
        if (best === Number.POSITIVE_INFINITY) break;
        const merged: number[] = [];
        for (let i = 0; i < ids.length; i++) {
          const is = i + 1 < ids.length && ranks.get(`${ids[i]} ${ids[i + 1]}`) === best;
          merged.push(is ? 256 + best : ids[i]);
          if (is) i++;
        }
        ids = merged;
      }
      assert.deepEqual(ids, [...tokenizer.encode(text)]);
    });
  }

  test('tiktoken: the note has the pattern and the special tokens; json: as it is saved', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 280, specialTokens: ['<|end|>'] });
    const [ranks, notes] = await fileOf(tokenizer, 'tiktoken');
    assert.equal(ranks, tokenizer.toTiktoken());
    assert.match(notes[0], /pat_str="\(\?s:\.\+\)", special_tokens=\{"<\|end\|>":279\}$/);
    const [json] = await fileOf(tokenizer, 'json');
    assert.deepEqual(Tokenizer.fromJSON(json).merges, tokenizer.merges);
  });

  test('what a format cannot hold is refused', async () => {
    const spaced = new Tokenizer({ merges: [], specialTokens: ['two words'] });
    await assert.rejects(fileOf(spaced, 'minbpe'), /special token 'two words' holds a space/);
    const ids = Int32Array.from({ length: 256 }, (_, n) => n + 1);
    await assert.rejects(
      fileOf(new Tokenizer({ merges: [], ids }), 'minbpe'),
      /other ids, export it as \.json/,
    );
    const prefix = new Tokenizer({ merges: [], prefixSpace: true });
    for (const format of ['minbpe', 'tiktoken'] as const)
      await assert.rejects(fileOf(prefix, format), /puts a space before every text/);
  });
});

/** A parser of GGUF of its own. */
function parseGguf(file: Uint8Array): {
  fields: Map<string, unknown>;
  tensors: Map<string, { dims: number[]; type: number; at: number }>;
} {
  const view = new DataView(file.buffer, file.byteOffset);
  let at = 4;
  /** Skips so many bytes, and returns where they begin. */
  const skip = (size: number): number => {
    at += size;
    return at - size;
  };
  const u32 = (): number => view.getUint32(skip(4), true);
  const u64 = (): number => Number(view.getBigUint64(skip(8), true));
  const string = (): string => {
    const length = u64();
    at += length;
    return new TextDecoder().decode(file.subarray(at - length, at));
  };
  const value = (type: number): unknown => {
    if (type === 4 || type === 5) return u32();
    if (type === 6) return view.getFloat32(skip(4), true);
    if (type === 7) return file[skip(1)] === 1;
    if (type === 8) return string();
    assert.equal(type, 9);
    const inner = u32();
    return Array.from({ length: u64() }, () => value(inner));
  };
  assert.equal(new TextDecoder().decode(file.subarray(0, 4)), 'GGUF');
  assert.equal(u32(), 3);
  const [tensorCount, fieldCount] = [u64(), u64()];
  const fields = new Map(Array.from({ length: fieldCount }, () => [string(), value(u32())] as const));
  const places = Array.from({ length: tensorCount }, () => {
    const name = string();
    const dims = Array.from({ length: u32() }, u64);
    return [name, { dims, type: u32(), at: u64() }] as const;
  });
  const start = Math.ceil(at / 32) * 32;
  return {
    fields,
    tensors: new Map(places.map(([name, place]) => [name, { ...place, at: start + place.at }])),
  };
}

test('a folder is checked before its weights are read, with the line of the export itself', async () => {
  const cases: [Partial<GPTConfig>, ExportOptions, RegExp | null][] = [
    [{ qkNorm: true }, { to: 'hf' }, /^Error: hf cannot express this model: .*no QK norm/],
    [rotary, { to: 'hf', dtype: 'bfloat16' }, null],
    [{ ...rotary, nEmbd: 48, nHead: 3 }, { to: 'gguf', type: 'Q8_0' }, /type Q8_0 needs rows/],
    [{ ...rotary, nEmbd: 48, nHead: 3 }, { to: 'gguf', type: 'F16' }, null],
    [{ qkNorm: true }, { to: 'tokenizer', format: 'minbpe' }, null],
    [{}, { to: 'onnx', type: 'F16' }, /^Error: type F16 is not one of float32, int8, int4/],
    [{}, { to: 'peft' }, /target peft is for adapters/],
  ];
  for (const [changes, options, expected] of cases) {
    const model = modelOf(changes);
    const store = memoryStore('unread');
    for (const [name, contents] of await modelFiles({ model, tokenizer: bytes }))
      if (name !== 'model.safetensors') await store.write(name, contents);
    if (expected === null) await checkExport(store, options);
    else {
      await assert.rejects(checkExport(store, options), expected);
      await refused(changes, options, expected);
    }
  }
});

describe('gguf', () => {
  const end = new Tokenizer({ merges: [[104, 97]], specialTokens: ['<|end|>'] });
  const fileOf = async (type: 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0'): Promise<Uint8Array> => {
    const model = modelOf({ ...rotary, tieWeights: true }, 258);
    const { files } = await exportFiles({ model, tokenizer: end }, { to: 'gguf', type });
    return files.get('model.gguf') as Uint8Array;
  };

  test('has the fields that llama.cpp asks for, and the tokenizer', async () => {
    const { fields, tensors } = parseGguf(await fileOf('F32'));
    const expected = {
      'general.architecture': 'arcee',
      'arcee.context_length': 8,
      'arcee.embedding_length': 32,
      'arcee.block_count': 2,
      'arcee.feed_forward_length': 128,
      'arcee.attention.head_count': 2,
      'arcee.attention.key_length': 16,
      'arcee.attention.value_length': 16,
      'arcee.rope.dimension_count': 16,
      'arcee.rope.freq_base': 10000,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'superbpe',
      'tokenizer.ggml.bos_token_id': 257,
      'tokenizer.ggml.eos_token_id': 257,
      'tokenizer.ggml.add_bos_token': false,
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(fields.get(key), value, key);
    assert.deepEqual(fields.get('tokenizer.ggml.merges'), ['h a']);
    assert.deepEqual((fields.get('tokenizer.ggml.tokens') as string[]).slice(255), ['ÿ', 'ha', '<|end|>']);
    assert.deepEqual((fields.get('tokenizer.ggml.token_type') as number[]).slice(255), [1, 1, 3]);
    assert.deepEqual(tensors.get('blk.1.ffn_up.weight')?.dims, [32, 128], 'innermost first');
    assert.ok(!tensors.has('output.weight'), 'it is tied');
    for (const { at } of tensors.values()) assert.equal(at % 32, 0);
  });

  test('stores matrices in every type so that they are read back within its step; vectors stay floats', async () => {
    const exact = await fileOf('F32');
    const place = parseGguf(exact).tensors.get('blk.0.ffn_up.weight');
    assert.ok(place);
    const n = 32 * 128;
    const x = new Float32Array(exact.slice(place.at, place.at + 4 * n).buffer);
    const blocks = { Q8_0: [8, 34, 1 / 127], Q4_0: [2, 18, 1 / 8] } as const;
    for (const type of ['Q8_0', 'Q4_0'] as const) {
      const [id, bytes, step] = blocks[type];
      const file = await fileOf(type);
      const { tensors, fields } = parseGguf(file);
      const stored = tensors.get('blk.0.ffn_up.weight');
      assert.ok(stored);
      assert.equal(stored.type, id);
      assert.equal(fields.get('general.file_type'), type === 'Q8_0' ? 7 : 2);
      assert.equal(tensors.get('blk.0.attn_norm.weight')?.type, 0);
      for (let b = 0; b < n / 32; b++) {
        const block = file.slice(stored.at + bytes * b, stored.at + bytes * (b + 1));
        const [scale] = fromFloat16(new Uint16Array(block.slice(0, 2).buffer));
        const most = Math.max(...x.subarray(32 * b, 32 * b + 32).map(Math.abs));
        for (let i = 0; i < 32; i++) {
          const four = i < 16 ? block[2 + i] & 15 : block[2 + i - 16] >> 4;
          const code = type === 'Q8_0' ? (block[2 + i] << 24) >> 24 : four - 8;
          const off = Math.abs(code * scale - x[32 * b + i]);
          assert.ok(
            off <= most * step * (type === 'Q8_0' ? 0.6 : 1.01),
            `${type} ${b} ${i}: ${off} of ${most}`,
          );
        }
      }
    }
  });

  test('refuses rows of other lengths, halves out of range, and what an architecture lacks', async () => {
    const q8: ExportOptions = { to: 'gguf', type: 'Q8_0' };
    await refused(
      { ...rotary, headSize: 20, nEmbd: 40 },
      q8,
      /^Error: type Q8_0 needs rows of a multiple of 32 columns: those of tokens\.weight have 40;/,
    );
    await refused({}, { to: 'gguf' }, /no activation but gelu-tanh \(activation relu\);/);
    await refused({ ...rotary, bias: true }, { to: 'gguf' }, /arcee, .* has no biases \(bias\);/);
  });

  test('refuses weights that another type would make infinite', async () => {
    const model = modelOf(rotary);
    const weight = namedParameters(model).get('tokens.weight');
    assert.ok(weight);
    const half = 65504;
    const cases: [number, ExportOptions, string][] = [
      [1e5, { to: 'gguf', type: 'F16' }, `type F16 ends at ${half}; BF16 and F32 have room for it`],
      [9e6, { to: 'gguf', type: 'Q8_0' }, `type Q8_0 ends at ${127 * half}; BF16 and F32 have room for it`],
      [-1e6, { to: 'gguf', type: 'Q4_0' }, `type Q4_0 ends at ${8 * half}; BF16 and F32 have room for it`],
      [3.4e38, { to: 'gguf', type: 'Q4_0' }, `type Q4_0 ends at ${8 * half}; F32 has room for it`],
      [3.4e38, { to: 'gguf', type: 'BF16' }, 'type BF16 ends at 3.3895313892515355e+38; F32 has room for it'],
      [3.4e38, { to: 'hf', dtype: 'bfloat16' }, 'ends at 3.3895313892515355e+38; float32 has room for it'],
      [-3.4e38, { to: 'safetensors', dtype: 'bfloat16' }, 'float32 has room for it'],
    ];
    const values = await weight.data();
    for (const [value, options, wanted] of cases) {
      weight.write(values.with(3, value));
      await assert.rejects(exportFiles({ model, tokenizer: bytes }, options), (error: Error) => {
        assert.ok(
          error.message.startsWith(`tokens.weight holds ${Math.fround(value)} at element 3`),
          error.message,
        );
        assert.ok(error.message.endsWith(wanted), error.message);
        return true;
      });
    }
    for (const [value, type] of [
      [65504, 'F16'],
      [127 * half, 'Q8_0'],
      [8 * half, 'Q4_0'],
    ] as const) {
      weight.write(values.with(3, value));
      await exportFiles({ model, tokenizer: bytes }, { to: 'gguf', type });
    }
  });

  test('says which merges llama.cpp does not make', async () => {
    const contents = { model: modelOf(rotary, 257), tokenizer: new Tokenizer({ merges: [[49, 50]] }) };
    const { notes } = await exportFiles(contents, { to: 'gguf' });
    assert.match(notes.join('\n'), /merges digits, as in '12': .* of 1 of 1 merges/);
    const four = new Tokenizer({ merges: [[49, 50]], pattern: 'gpt4' });
    const dropped = await exportFiles({ ...contents, tokenizer: four }, { to: 'gguf' });
    assert.match(dropped.notes.join('\n'), /drops spaces before punctuation/);
    const preOf = (file: Uint8Array | undefined): unknown =>
      parseGguf(file ?? new Uint8Array(0)).fields.get('tokenizer.ggml.pre');
    assert.equal(preOf(dropped.files.get('model.gguf')), 'llama-bpe');
    const single = new Tokenizer({ merges: [[104, 97]], pattern: 'gpt4' });
    const kept = await exportFiles({ ...contents, tokenizer: single }, { to: 'gguf' });
    assert.equal(preOf(kept.files.get('model.gguf')), 'qwen2');
    assert.equal(kept.notes.length, 1);
    const words = { ...contents, tokenizer: new Tokenizer({ merges: [[104, 97]] }) };
    assert.doesNotMatch((await exportFiles(words, { to: 'gguf' })).notes.join('\n'), /digits/);
  });
});

/** A parser of protocol buffers of its own: the fields of a message by number. */
function parseMessage(file: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let [value, shift, byte] = [0, 1, 0];
    do {
      byte = file[at++];
      value += (byte & 127) * shift;
      shift *= 128;
    } while (byte > 127);
    return value;
  };
  while (at < file.length) {
    const tag = varint();
    const kind = tag % 8;
    let value: number | Uint8Array;
    if (kind === 0) value = varint();
    else {
      const length = kind === 2 ? varint() : 4;
      value = file.subarray(at, at + length);
      at += length;
    }
    const number = Math.floor(tag / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** What a test asks about an ONNX file. */
function parseOnnx(file: Uint8Array | undefined): {
  versions: Record<string, number>;
  inputs: string[];
  outputs: string[];
  operators: Set<string>;
  tensors: Map<string, { dims: number[]; type: number; raw: Uint8Array }>;
} {
  const messages = (parent: Map<number, unknown[]>, field: number): Map<number, (number | Uint8Array)[]>[] =>
    (parent.get(field) ?? []).map((one) => parseMessage(one as Uint8Array));
  const text = (value: unknown): string => new TextDecoder().decode(value as Uint8Array);
  const model = parseMessage(file ?? new Uint8Array(0));
  const [graph] = messages(model, 7);
  const names = (field: number): string[] => messages(graph, field).map((one) => text(one.get(1)?.[0]));
  const opsets = messages(model, 8).map((one) => [text(one.get(1)?.[0]), one.get(2)?.[0]]);
  return {
    versions: { ir: model.get(1)?.[0], ...Object.fromEntries(opsets) },
    inputs: names(11),
    outputs: names(12),
    operators: new Set(
      messages(graph, 1).map((node) => [text(node.get(7)?.[0]), text(node.get(4)?.[0])].join(':')),
    ),
    tensors: new Map(
      messages(graph, 5).map((tensor) => [
        text(tensor.get(8)?.[0]),
        {
          dims: (tensor.get(1) ?? []) as number[],
          type: tensor.get(2)?.[0] as number,
          raw: new Uint8Array(tensor.get(9)?.[0] as Uint8Array),
        },
      ]),
    ),
  };
}

describe('onnx', () => {
  const end = new Tokenizer({ merges: [], specialTokens: ['<|end|>'] });
  const own = { ...rotary, nEmbd: 40, headSize: 19, tieWeights: true, qkNorm: true } as const;

  test('a folder as transformers.js wants it, whatever the model', async () => {
    const model = modelOf({ ...own, skip: 'embed' }, 257);
    const store = memoryStore();
    const { notes } = await exportModel(store, { model, tokenizer: end }, { to: 'onnx' });
    assert.match(notes[0], /dtype fp32, and of type arcee/);
    assert.deepEqual(await store.list(), [
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const config = jsonOf(await store.read('config.json'));
    const asked = { model_type: 'arcee', num_hidden_layers: 2, num_key_value_heads: 2, head_dim: 19 };
    const more = {
      max_position_embeddings: 8,
      eos_token_id: 256,
      'transformers.js_config': { dtype: 'fp32' },
    };
    for (const [name, value] of Object.entries({ ...asked, ...more }))
      assert.deepEqual(config[name], value, name);
    assert.deepEqual(jsonOf(await store.read('generation_config.json')), {
      bos_token_id: 256,
      eos_token_id: 256,
      max_length: 8,
    });
    assert.deepEqual(await store.folder('onnx').list(), ['model.onnx']);
    const { versions, inputs, outputs, operators, tensors } = parseOnnx(
      await store.folder('onnx').read('model.onnx'),
    );
    assert.deepEqual(versions, { ir: 9, '': 20, 'com.microsoft': 1 });
    const caches = (name: string): string[] =>
      [0, 1].flatMap((n) => [`${name}.${n}.key`, `${name}.${n}.value`]);
    assert.deepEqual(inputs, ['input_ids', 'attention_mask', 'position_ids', ...caches('past_key_values')]);
    assert.deepEqual(outputs, [...caches('present'), 'logits']);
    assert.ok(
      [...operators].every((one) => one.startsWith(':')),
      'float graphs have no other operators',
    );
    assert.deepEqual(tensors.get('tokens.weight')?.dims, [257, 40]);
    assert.ok(![...tensors.keys()].some((name) => name.startsWith('head')), 'it is tied');
    const unplaced = await exportFiles(
      { model: modelOf({ position: 'none' }), tokenizer: bytes },
      { to: 'onnx' },
    );
    assert.ok(!parseOnnx(unplaced.files.get('onnx/model.onnx')).inputs.includes('position_ids'));
  });

  for (const [type, file, options] of [
    ['int8', 'onnx/model_quantized.onnx', {}],
    ['int4', 'onnx/model_q4.onnx', { bits: 4, method: 'rtn', groupSize: 32 }],
  ] as const) {
    test(`${type}: the codes and scales of a quantised model, bit for bit`, async () => {
      const small = await quantize(modelOf(own), options);
      const { files, notes } = await exportFiles({ model: small, tokenizer: bytes }, { to: 'onnx' });
      assert.equal(notes.length, 1, 'nothing was dequantised or rounded');
      const { tensors } = parseOnnx(files.get(file));
      const name = 'blocks.1.attn.proj.weight';
      const [rows, cols] = [40, 38];
      const given = slots(small).find((slot) => slot.name === name)?.value;
      assert.ok(given && isQuantized(given));
      const [codes, scale] = [tensors.get(name), tensors.get(`${name}.scale`)];
      assert.ok(codes && scale);
      const blocks = scale.dims[1];
      const block = codes.dims[2] * (type === 'int8' ? 1 : 2);
      assert.deepEqual([codes.dims[0], codes.dims[1], scale.dims[0]], [rows, blocks, rows]);
      const scales = new Float32Array(scale.raw.buffer);
      const expected = await weightValues(given);
      for (let i = 0; i < rows * blocks * block; i++) {
        const [row, col] = [Math.floor(i / (blocks * block)), i % (blocks * block)];
        const byte = codes.raw[type === 'int8' ? i : i >> 1];
        const code = type === 'int8' ? byte - 128 : ((byte >> (4 * (i % 2))) & 15) - 8;
        const value = Math.fround(code * scales[row * blocks + Math.floor(col / block)]);
        assert.ok(
          value === (col < cols ? expected[row * cols + col] : 0),
          `row ${row}, column ${col}: ${value}`,
        );
      }
    });
  }

  test('integers of one kind do not become those of another; rows too short for INT4 are refused', async () => {
    const small = await quantize(modelOf(own));
    await assert.rejects(
      exportFiles({ model: small, tokenizer: bytes }, { to: 'onnx', type: 'int4' }),
      /^Error: the weights are INT8: export them as they are \(type int8\), as floats \(type float32\)/,
    );
    const { notes } = await exportFiles({ model: small, tokenizer: bytes }, { to: 'onnx', type: 'float32' });
    assert.match(notes[0], /its INT8 weights are exported as the numbers that they stand for/);
    await refused(
      { headSize: 12 },
      { to: 'onnx', type: 'int4' },
      /^Error: type int4 needs rows of 32 columns or more: those of blocks\.0\.attn\.proj\.weight have 24; int8 takes any/,
    );
  });

  test('a file that protocol buffers cannot hold is refused before it is put together', () => {
    const graph = createGraph();
    graph.constant('large', 'float32', [2 ** 29], new Float32Array(2 ** 29));
    assert.throws(
      () => graph.build(),
      /^Error: the file would have 2\.1 GB, and one of ONNX ends at 2\.1 GB: a type/,
    );
  });

  test('nothing is left of a folder whose last files cannot be written', async () => {
    const store = memoryStore();
    const full = { ...store, writeAll: () => Promise.reject(new Error('no space')) };
    await assert.rejects(
      exportModel(full, { model: modelOf(own), tokenizer: bytes }, { to: 'onnx' }),
      /no space/,
    );
    assert.deepEqual([await store.list(), await store.folder('onnx').list()], [[], []]);
  });
});

test('halves: every one is read back as it is, and halfway cases go to the even one', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, h) => h).filter((h) => (h & 0x7c00) < 0x7c00);
  assert.deepEqual(toFloat16(fromFloat16(all)), all);
  const cases = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -26, -(2 ** -24)];
  const halves = [0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1, 0x8001];
  assert.deepEqual([...toFloat16(Float32Array.from(cases))], halves);
});
