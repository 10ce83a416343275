// tokenizer.json and .tiktoken: files are read back as written, another implementation reads them too, and
// damaged or foreign files are refused by name.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { fromBase64, toBase64 } from '../../src/tokenizer/base64.ts';
import { type Pattern, partsOf, patterns, Tokenizer } from '../../src/tokenizer/index.ts';

const end = '<|endoftext|>';
const text = `It's 1984: the cat's hat, THE CAT'S HAT;

  naïve 🖋 and naïve 中文 __proto__ constructor. Byte pairs become tokens while merging continues.`;

function trained(pattern: Pattern): Tokenizer {
  return Tokenizer.train(text, { vocabSize: 320, pattern, specialTokens: [end, '<|pad|>'] });
}

function assertSame(actual: Tokenizer, expected: Tokenizer): void {
  assert.deepEqual(actual.merges, expected.merges);
  assert.deepEqual(actual.byteIds, expected.byteIds);
  assert.deepEqual(actual.ids, expected.ids);
  assert.equal(actual.prefixSpace, expected.prefixSpace);
  assert.deepEqual(actual.specialTokens, expected.specialTokens);
  assert.equal(actual.pattern, expected.pattern);
  assert.equal(actual.vocabSize, expected.vocabSize);
  const sample = `${text}${end}`;
  const options = { allowedSpecial: 'all' } as const;
  assert.deepEqual(actual.encode(sample, options), expected.encode(sample, options));
}

/** Bytes numbered as in GPT-2's files: visible characters first. */
function byteIdsOfGpt2(): Int32Array {
  const visible = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const order = [...bytes.filter(visible), ...bytes.filter((byte) => !visible(byte))];
  return Int32Array.from(bytes, (byte) => order.indexOf(byte));
}

describe('tokenizer.json', () => {
  for (const pattern of patterns) {
    test(`${pattern}: what is written is read back, as text and parsed`, () => {
      const tokenizer = trained(pattern);
      assertSame(Tokenizer.fromJSON(JSON.stringify(tokenizer)), tokenizer);
      assertSame(Tokenizer.fromJSON(tokenizer.toJSON()), tokenizer);
    });

    test(`${pattern}: another implementation gives the same ids`, () => {
      const tokenizer = trained(pattern);
      const other = new HuggingFace(JSON.parse(JSON.stringify(tokenizer)), {});
      const sample = `${text} unseen wörds, 12345!${end}x`;
      const ids = [...tokenizer.encode(sample, { allowedSpecial: 'all' })];
      assert.deepEqual(other.encode(sample).ids, ids);
      assert.equal(other.decode(ids, { clean_up_tokenization_spaces: false }), sample);
    });
  }

  test('50 KB of Tiny Shakespeare: another implementation gives the same ids', (t) => {
    const path = '../shared/data/tinyshakespeare.txt';
    if (!existsSync(path)) return t.skip(`${path} is not here`);
    const corpus = readFileSync(path, 'utf8');
    const tokenizer = Tokenizer.train(corpus, { vocabSize: 500 });
    const slice = corpus.slice(500_000, 550_000);
    const other = new HuggingFace(JSON.parse(JSON.stringify(tokenizer)), {});
    assert.deepEqual(other.encode(slice).ids, [...tokenizer.encode(slice)]);
  });

  test('a token may be spelt like a property of every object', () => {
    const tokenizer = Tokenizer.train('__proto__', { vocabSize: 263 });
    assert.equal(tokenizer.encode('__proto__').length, 1);
    assertSame(Tokenizer.fromJSON(JSON.stringify(tokenizer)), tokenizer);
  });

  test("bytes may be numbered as in GPT-2's file, merges may be pairs, special tokens may be in the vocabulary too", () => {
    const byteIds = byteIdsOfGpt2();
    const [t, h, e] = [...'the'].map((c) => byteIds[c.charCodeAt(0)]);
    const gpt2 = new Tokenizer({
      merges: [
        [t, h],
        [256, e],
      ],
      pattern: 'gpt2',
      specialTokens: [end],
      byteIds,
    });
    assert.equal(byteIds['!'.charCodeAt(0)], 0);
    const file = gpt2.toJSON();
    const { model } = file;
    const vocab = { [end]: 258, ...model.vocab };
    const merges = model.merges.map((merge) => merge.split(' '));
    assertSame(Tokenizer.fromJSON({ ...file, model: { ...model, vocab, merges } }), gpt2);
    assert.deepEqual([...gpt2.encode('the!')], [257, 0]);
    assertSame(Tokenizer.fromTiktoken(gpt2.toTiktoken(), { pattern: 'gpt2', specialTokens: [end] }), gpt2);
  });

  test("a file as Hugging Face's trainers write it: special tokens first, a space before the text, no decoder", () => {
    const plain = trained('gpt2').toJSON();
    const vocab = Object.fromEntries(Object.entries(plain.model.vocab).map(([name, id]) => [name, id + 2]));
    const added_tokens = plain.added_tokens.map((token, id) => ({ ...token, id }));
    const names = Object.fromEntries(added_tokens.map(({ content, id }) => [content, id]));
    const file = {
      ...plain,
      added_tokens,
      decoder: null,
      pre_tokenizer: { ...plain.pre_tokenizer, add_prefix_space: true },
      model: {
        ...plain.model,
        unk_token: '<|pad|>',
        byte_fallback: true,
        ignore_merges: true,
        vocab: { ...names, ...vocab },
        merges: plain.model.merges.map((merge) => merge.split(' ')),
      },
    };
    const tokenizer = Tokenizer.fromJSON(file);
    assert.equal(tokenizer.specialTokens.get(end), 0);
    assert.deepEqual([...tokenizer.encode(' ')], [tokenizer.byteIds[32]]);
    assert.equal(tokenizer.byteIds[32], 34);
    const other = new HuggingFace({ ...file, decoder: plain.decoder }, {});
    for (const sample of [`${text}${end}x`, 'the cat', ' the cat', '', `a${end} b${end}`]) {
      const ids = [...tokenizer.encode(sample, { allowedSpecial: 'all' })];
      assert.deepEqual(other.encode(sample, { add_special_tokens: false }).ids, ids, sample);
    }
    assert.equal(tokenizer.decode(tokenizer.encode('the cat')), ' the cat');
    assertSame(Tokenizer.fromJSON(JSON.stringify(tokenizer)), tokenizer);
  });

  test('ids that are in another order than the merges', () => {
    const file = JSON.parse(JSON.stringify(trained('none')));
    const highest = 256 + file.model.merges.length - 1;
    for (const [spelling, id] of Object.entries<number>(file.model.vocab))
      file.model.vocab[spelling] = highest - id;
    const turned = Tokenizer.fromJSON(file);
    const plain = trained('none').encode('the cat sat on the mat: é');
    assert.deepEqual(
      turned.encode('the cat sat on the mat: é'),
      plain.map((id) => highest - id),
    );
    assertSame(Tokenizer.fromJSON(JSON.stringify(turned)), turned);
  });

  // A damage to a good file, and the error for it.
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  const regex = (Regex: string): object => ({
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }, byteLevel],
  });
  type File = ReturnType<typeof parsed>;
  const parsed = () => JSON.parse(JSON.stringify(trained('none')));
  const wrong: [what: string, change: (file: File) => unknown, message: RegExp][] = [
    ['no object', () => [], /the file is \[\], not an object/],
    ['nothing', () => undefined, /the file is missing, not an object/],
    [
      'cut off',
      (f) => JSON.stringify(f).slice(0, 900),
      /tokenizer\.json is not valid JSON: cut off after 900 characters/,
    ],
    [
      'WordPiece',
      (f) => {
        f.model.type = 'WordPiece';
      },
      /model\.type "WordPiece" is not supported: only 'BPE'/,
    ],
    [
      'no model',
      (f) => {
        delete f.model;
      },
      /model is missing, not an object/,
    ],
    [
      'a normalizer',
      (f) => {
        f.normalizer = { type: 'NFC' };
      },
      /normalizer {"type":"NFC"} is not supported/,
    ],
    [
      'truncation',
      (f) => {
        f.truncation = { max_length: 512 };
      },
      /truncation .* is not supported/,
    ],
    [
      'a template',
      (f) => {
        f.post_processor = { type: 'TemplateProcessing' };
      },
      /post_processor .*Template/,
    ],
    [
      'another decoder',
      (f) => {
        f.decoder = { type: 'Metaspace' };
      },
      /decoder .*Metaspace.* only ByteLevel/,
    ],
    [
      'no pre-tokenizer',
      (f) => {
        f.pre_tokenizer = null;
      },
      /pre_tokenizer null is not supported/,
    ],
    [
      'an unknown pattern',
      (f) => {
        f.pre_tokenizer = regex('\\w+');
      },
      /pre_tokenizer .*w\+.* is not supported/,
    ],
    [
      'a bad split',
      (f) => {
        f.pre_tokenizer = { type: 'Sequence', pretokenizers: 3 };
      },
      /pretokenizers is 3, not a list/,
    ],
    [
      'dropout',
      (f) => {
        f.model.dropout = 0.1;
      },
      /model\.dropout 0\.1/,
    ],
    [
      'a suffix',
      (f) => {
        f.model.end_of_word_suffix = '</w>';
      },
      /end_of_word_suffix "<\/w>"/,
    ],
    [
      'no merges',
      (f) => {
        delete f.model.merges;
      },
      /model\.merges is missing, not a list/,
    ],
    [
      'a merge short',
      (f) => {
        f.model.merges.pop();
      },
      /no merge makes token .* \(id 317\)/,
    ],
    [
      'a merge of three',
      (f) => {
        f.model.merges[5] = 'a b c';
      },
      /merge 5 is "a b c", not two tokens/,
    ],
    [
      'an unknown part',
      (f) => {
        f.model.merges[5] = 'a 猫';
      },
      /merge 5 .* needs token "猫", which is not in/,
    ],
    [
      'a merge twice',
      (f) => {
        f.model.merges[6] = f.model.merges[5];
      },
      /merge 6 makes token 261, which is there already/,
    ],
    [
      'no vocabulary',
      (f) => {
        f.model.vocab = null;
      },
      /model\.vocab is null, not an object/,
    ],
    [
      'a missing byte',
      (f) => {
        delete f.model.vocab.Z;
      },
      /model\.vocab has no token for 1 of the 256 bytes \(0x5A\).*initial_alphabet/,
    ],
    [
      'an id twice',
      (f) => {
        f.model.vocab.Z = 89;
      },
      /has id 89, which .* has too/,
    ],
    [
      'an id that is none',
      (f) => {
        f.model.vocab.Z = 'x';
      },
      /token "Z" has id "x"/,
    ],
    [
      'a special token first',
      (f) => {
        f.added_tokens[0].id = 0;
      },
      /token ".*" has id 0, which "<\|endoftext\|>" has too/,
    ],
    [
      'an ordinary added token',
      (f) => {
        f.added_tokens[0].special = false;
      },
      /special false is not supported: set it to true, which gives the same ids where .*--allow-special/,
    ],
    [
      'a stripping token',
      (f) => {
        f.added_tokens[0].lstrip = true;
      },
      /lstrip true is not supported/,
    ],
    [
      'no list of special tokens',
      (f) => {
        f.added_tokens = {};
      },
      /added_tokens is {}, not a list/,
    ],
  ];
  for (const [what, change, message] of wrong)
    test(`refused: ${what}`, () => {
      const file = parsed();
      const changed = change(file);
      const given = what === 'nothing' ? undefined : (changed ?? file);
      assert.throws(() => Tokenizer.fromJSON(given), message);
    });
});

describe('.tiktoken', () => {
  test('what is written is read back: the merges are found again', () => {
    for (const pattern of patterns) {
      const tokenizer = trained(pattern);
      const extras = { pattern, specialTokens: [...tokenizer.specialTokens.keys()] };
      assertSame(Tokenizer.fromTiktoken(tokenizer.toTiktoken(), extras), tokenizer);
    }
  });

  test('lines are base64 and rank', () => {
    const lines = Tokenizer.train('aaa', { vocabSize: 257 }).toTiktoken().split('\n');
    assert.deepEqual([lines[0], lines[97], lines[256], lines[257]], ['AA== 0', 'YQ== 97', 'YWE= 256', '']);
  });

  const file = trained('none').toTiktoken();
  const lines = file.trimEnd().split('\n');
  const wrong: [what: string, file: string, message: RegExp][] = [
    ['empty', '', /line 1: missing: a file has 256 byte tokens/],
    ['another format', '{"model": {}}', /line 1: '{"model": {}}' is not base64, a space and a rank/],
    ['cut inside a rank', file.slice(0, -2), /rank 31 should be 317/],
    ['cut inside base64', file.slice(0, file.lastIndexOf(' ') - 1), /line 318: .* is not base64/],
    ['a byte lost', lines.slice(0, 200).join('\n'), /line 201: missing/],
    ['a byte twice', lines.with(98, 'YQ== 98').join('\n'), /line 99: byte 97 is token 97 already/],
    ['no byte', lines.with(98, 'YWE= 98').join('\n'), /line 99: 'aa' is not one byte/],
    [
      'a token twice',
      lines.with(257, `${lines[256].split(' ')[0]} 257`).join('\n'),
      /line 258: .* is token 256 again/,
    ],
    [
      'a token from nowhere',
      lines.with(257, 'eHl6eHl6 257').join('\n'),
      /line 258: 'xyzxyz' is not made of two tokens/,
    ],
  ];
  for (const [what, damaged, message] of wrong)
    test(`refused: ${what}`, () =>
      assert.throws(() => Tokenizer.fromTiktoken(damaged, { pattern: 'none' }), message));

  test('a file without its pattern is refused', () => {
    const read = Tokenizer.fromTiktoken as (file: string) => Tokenizer;
    assert.throws(() => read(file), /do not hold their pattern.*none, gpt2, gpt4, o200k.*cl100k_base/);
  });

  test('ranks may have gaps, which special tokens may fill', () => {
    const gapped = lines.map((line, k) => (k < 300 ? line : `${line.split(' ')[0]} ${k + 1}`)).join('\n');
    const specialTokens = new Map([
      [end, 300],
      ['<|pad|>', 400],
    ]);
    const tokenizer = Tokenizer.fromTiktoken(gapped, { pattern: 'none', specialTokens });
    const plain = trained('none').encode(text);
    assert.deepEqual(
      tokenizer.encode(text),
      plain.map((id) => (id < 300 ? id : id + 1)),
    );
    assert.deepEqual([...tokenizer.encode(`a${end}`, { allowedSpecial: 'all' })], [97, 300]);
    assert.equal(tokenizer.vocabSize, 401);
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    assert.deepEqual(tokenizer.token(350), new Uint8Array(0));
    assert.throws(() => tokenizer.token(401), /token 401 is not in the vocabulary/);
    assert.deepEqual(tokenizer.mergeOf(301), trained('none').merges[44]);
    assert.equal(`${tokenizer.toTiktoken()}`, `${gapped}\n`);
    assertSame(Tokenizer.fromJSON(JSON.stringify(tokenizer)), tokenizer);
    const taken = new Map([[end, 299]]);
    assert.throws(
      () => Tokenizer.fromTiktoken(gapped, { pattern: 'none', specialTokens: taken }),
      /has id 299, which another token has/,
    );
  });

  test('Windows line ends are read', () => {
    assert.equal(Tokenizer.fromTiktoken(file.replaceAll('\n', '\r\n'), { pattern: 'none' }).vocabSize, 318);
  });
});

test('base64 is strict', () => {
  for (let n = 0; n < 8; n++) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => 255 - 31 * i);
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
    assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  }
  for (const bad of ['A', 'AB=', 'A===', 'AB==C', 'A B=', 'AB-_', 'AB==AA==', 'Af=='])
    assert.equal(fromBase64(bad), undefined, bad);
});

test('the parts of a tokenizer make an equal one, and are its own no more', () => {
  const merges: [number, number][] = [
    [97, 98],
    [256, 99],
  ];
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => 255 - byte);
  const ids = Int32Array.from({ length: 258 }, (_, number) => (number * 7) % 258);
  const specialTokens = new Map([['<|end|>', 300]]);
  for (const given of [
    { merges },
    { merges, pattern: 'gpt2', specialTokens: ['<|a|>', '<|b|>'] } as const,
    { merges, byteIds },
    { merges, byteIds, ids, specialTokens, prefixSpace: true },
  ]) {
    const tokenizer = new Tokenizer(given);
    const parts = structuredClone(partsOf(tokenizer));
    const again = new Tokenizer(parts);
    assert.deepEqual(again.toJSON(), tokenizer.toJSON());
    assert.deepEqual(again.byteIds, tokenizer.byteIds);
    assert.deepEqual(again.encode('abc abcab'), tokenizer.encode('abc abcab'));
    assert.notEqual(partsOf(tokenizer).byteIds, tokenizer.byteIds);
  }
});
