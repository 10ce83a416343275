// Tokenizers of other programs give the ids that they have there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportFiles } from '../../src/exchange/export.ts';
import { importFiles, importTokenizer } from '../../src/exchange/import.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { type ModelFolder, tokenizerFiles } from '../../src/model/folder.ts';
import { partsOf, patterns, Tokenizer } from '../../src/tokenizer/index.ts';
import { pickled, Tuple } from '../support/torch-file.ts';

const text = `It's 1984: the cat's hat, the cats, 12 345 hats;\r\n\r\n  the naïve cat. The hat!`;
const utf8 = (content: string): Uint8Array => new TextEncoder().encode(content);

async function placed(files: Record<string, Uint8Array | string>): Promise<Store> {
  const store = memoryStore('theirs');
  for (const [name, content] of Object.entries(files))
    await store.write(name, typeof content === 'string' ? utf8(content) : content);
  return store;
}

async function refused(
  files: Record<string, Uint8Array | string>,
  expected: RegExp,
  file?: string,
): Promise<void> {
  await assert.rejects(importTokenizer(await placed(files), { file }), (error: Error) => {
    assert.match(error.message, expected);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

/** The .model file of a tokenizer. */
async function minbpeFile(tokenizer: Tokenizer): Promise<string> {
  const contents = { tokenizer } as ModelFolder; // its model is not read
  const { files } = await exportFiles(contents, { to: 'tokenizer', format: 'minbpe' });
  return new TextDecoder().decode(files.get('tokenizer.model'));
}

describe('minbpe', () => {
  for (const pattern of patterns) {
    test(`${pattern}: what was exported comes back, found by its contents, and becomes a folder`, async () => {
      const tokenizer = Tokenizer.train(text, { vocabSize: 280, pattern, specialTokens: ['<|end|>'] });
      const store = await placed({ 'basic.model': await minbpeFile(tokenizer) });
      const imported = await importFiles(store);
      assert.equal(imported.from, 'minbpe');
      assert.equal(imported.config, null);
      assert.deepEqual(partsOf(imported.tokenizer), partsOf(tokenizer));
      assert.deepEqual(imported.files, new Map(tokenizerFiles(tokenizer)));
      const renamed = await placed({ 'any.txt': (await minbpeFile(tokenizer)).replaceAll('\n', '\r\n') });
      const again = await importTokenizer(renamed, { file: 'any.txt' });
      assert.deepEqual(again.tokenizer.encode(text), tokenizer.encode(text));
    });
  }

  test('says which line is wrong', async () => {
    const wrong = (file: string, expected: RegExp): Promise<void> => refused({ 'a.model': file }, expected);
    await wrong(
      'minbpe v1\n(a|b)+\n0\n',
      /^theirs\/a\.model: \.model line 2: "\(a\|b\)\+": expected nothing, or the pattern of gpt4, o200k, gpt2/,
    );
    await wrong('minbpe v1\n\n', /line 3: missing: expected the number of special tokens/);
    await wrong('minbpe v1\n\n2\n<a> 300\n', /line 5: missing: expected a special token and its id/);
    await wrong('minbpe v1\n\n0\n104 97\n104\n', /line 5: "104": expected the two tokens of a merge/);
    await wrong('minbpe v1\n\n0\n104 256\n', /a\.model: merge 0 uses token 256/);
    await wrong('minbpe v2\n\n0\n', /theirs holds a\.model: nothing that can be imported/);
  });
});

describe('Hugging Face', () => {
  const tokenizer = Tokenizer.train(text, {
    vocabSize: 280,
    pattern: 'gpt2',
    specialTokens: ['<|endoftext|>'],
  });
  const json = JSON.parse(JSON.stringify(tokenizer));
  const vocab = { ...json.model.vocab, '<|endoftext|>': 279 };

  test('tokenizer.json; vocab.json with merges.txt', async () => {
    const merges = `#version: 0.2\n${json.model.merges.join('\n')}\n`;
    const two = { 'vocab.json': JSON.stringify(vocab), 'merges.txt': merges };
    const places = [
      [{ 'tokenizer.json': JSON.stringify(json) }, undefined, 'tokenizer.json'],
      [{ 'any.json': JSON.stringify(json) }, 'any.json', 'tokenizer.json'],
      [two, undefined, 'GPT-2'],
      [two, 'vocab.json', 'GPT-2'],
      [two, 'merges.txt', 'GPT-2'],
    ] as const;
    for (const [files, file, from] of places) {
      const found = await importTokenizer(await placed(files), { file });
      assert.equal(found.from, from);
      assert.deepEqual(partsOf(found.tokenizer), partsOf(tokenizer));
    }
    await refused(
      { ...two, 'merges.txt': 'h\n' },
      /^theirs\/vocab\.json, merges\.txt: tokenizer\.json: merge 0 is "h", not two tokens/,
    );
    await refused(
      { ...two, 'vocab.json': '[]' },
      /theirs\/vocab\.json, merges\.txt: .*model\.vocab is \[\], not an object/,
    );
  });

  test("the form of GPT-2's own tokenizer.json, of 2020", async () => {
    const { type: _, ...model } = {
      ...json.model,
      vocab,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
    };
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
    const old = {
      ...json,
      added_tokens: [{ ...json.added_tokens[0], normalized: true }],
      pre_tokenizer: byteLevel,
      post_processor: { ...byteLevel, add_prefix_space: true, trim_offsets: false },
      decoder: { ...byteLevel, add_prefix_space: true },
      model,
    };
    const { tokenizer: read } = await importTokenizer(
      await placed({ 'tokenizer.json': JSON.stringify(old) }),
    );
    assert.deepEqual(partsOf(read), partsOf(tokenizer));
    const { merges: __, ...words } = model;
    await refused(
      { 'tokenizer.json': JSON.stringify({ ...old, model: words }) },
      /model\.type undefined is not supported/,
    );
  });

  test('what would give other ids is refused', async () => {
    const wrong = (changes: object, expected: RegExp): Promise<void> =>
      refused({ 'tokenizer.json': JSON.stringify({ ...json, ...changes }) }, expected);
    await wrong(
      { normalizer: { type: 'NFC' } },
      /^theirs\/tokenizer\.json: tokenizer\.json: normalizer .* is not supported/,
    );
    await wrong(
      { model: { type: 'Unigram', vocab: [] } },
      /model\.type "Unigram" is not supported: only 'BPE'/,
    );
    await wrong(
      { pre_tokenizer: { type: 'Metaspace' } },
      /pre_tokenizer .* is not supported: only ByteLevel/,
    );
  });

  test('a model folder of ours, for its tokenizer', async () => {
    const store = await placed({ 'config.json': '{"nLayer": 1}', 'tokenizer.json': JSON.stringify(json) });
    assert.deepEqual(partsOf((await importTokenizer(store)).tokenizer), partsOf(tokenizer));
    await assert.rejects(
      importFiles(await placed({ 'tokenizer.json': JSON.stringify(json) }), { tokenizer }),
      /theirs\/tokenizer\.json holds a tokenizer and no model/,
    );
  });
});

describe("the seed's pickles", () => {
  /** pickle.dumps({(104, 97): 256, (256, 116): 257}, protocol) of Python 3.11, in base64. */
  const written = [
    'KGRwMAooSTEwNApJOTcKdHAxCkkyNTYKcyhJMjU2CkkxMTYKdHAyCkkyNTcKcy4=',
    'gAJ9cQAoS2hLYYZxAU0AAU0AAUt0hnECTQEBdS4=',
    'gASVGAAAAAAAAAB9lChLaEthhpRNAAFNAAFLdIaUTQEBdS4=',
  ];
  const expected = new Tokenizer({
    merges: [
      [104, 97],
      [256, 116],
    ],
  });
  const tokens = Array.from({ length: 258 }, (_, id): [number, Uint8Array] => [id, expected.token(id)]);

  test('merges.pkl alone, of every protocol, or with vocab.pkl', async () => {
    for (const base64 of written) {
      const merges = new Uint8Array(Buffer.from(base64, 'base64'));
      const both = { 'merges.pkl': merges, 'vocab.pkl': pickled(new Map(tokens)) };
      for (const files of [{ 'merges.pkl': merges } as Record<string, Uint8Array>, both]) {
        for (const file of [undefined, 'merges.pkl']) {
          const { from, tokenizer } = await importTokenizer(await placed(files), { file });
          assert.equal(from, 'seed');
          assert.deepEqual(partsOf(tokenizer), partsOf(expected));
        }
      }
    }
  });

  test('what does not fit is named', async () => {
    const merges = (...ids: number[]): Uint8Array =>
      pickled(
        new Map([
          [new Tuple(104, 97), ids[0]],
          [new Tuple(256, 116), ids[1]],
        ]),
      );
    await refused(
      { 'merges.pkl': merges(256, 258) },
      /^theirs\/merges\.pkl: the merge \(256, 116\) makes token 258, not 257/,
    );
    await refused(
      { 'merges.pkl': pickled(new Map([['a', 1]])) },
      /theirs\/merges\.pkl holds no merges: expected \{\(left, right\): id\}/,
    );
    const both = (vocab: Uint8Array): Record<string, Uint8Array> => ({
      'merges.pkl': merges(256, 257),
      'vocab.pkl': vocab,
    });
    await refused(
      both(pickled(new Map(tokens.slice(1)))),
      /theirs\/vocab\.pkl: it has 257 tokens, merges\.pkl 258: they are not/,
    );
    const other = new Map(tokens).set(257, utf8('hut'));
    await refused(both(pickled(other)), /theirs\/vocab\.pkl: its token 257 is not the one of merges\.pkl/);
    await refused(both(pickled([])), /theirs\/vocab\.pkl: it holds no vocabulary/);
    await refused(
      { 'vocab.pkl': pickled(new Map(tokens)) },
      /vocab\.pkl holds tokens without their merges/,
      'vocab.pkl',
    );
  });
});
