// The fast implementations against the definitions, round trips, and damaged files, on random input.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encode as encodeByDefinition, makeVocabulary } from '../../src/tokenizer/bpe.ts';
import { makeEncoder } from '../../src/tokenizer/bpe-fast.ts';
import { makeQueueEncoder } from '../../src/tokenizer/bpe-queue.ts';
import { type Merge, patterns, Tokenizer } from '../../src/tokenizer/index.ts';
import { chunkEnds } from '../../src/tokenizer/patterns.ts';
import { train } from '../../src/tokenizer/train.ts';
import { trainFast } from '../../src/tokenizer/train-fast.ts';

/** Bytes from an alphabet of one to four letters, which gives many ties and overlaps. */
const smallText = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc
    .integer({ min: 1, max: 4 })
    .chain((n) => fc.array(fc.integer({ min: 97, max: 96 + n }), { minLength: 1, maxLength }))
    .map((letters) => Uint8Array.from(letters));
const anyText = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => new TextEncoder().encode(text)),
);
const pattern = fc.constantFrom(...patterns);

/** Checks that both encoders give the ids of the definition. */
function assertEncodes(merges: readonly Merge[], bytes: Uint8Array): void {
  const vocabulary = makeVocabulary(merges);
  const expected = encodeByDefinition(vocabulary, bytes);
  for (const make of [makeEncoder, makeQueueEncoder]) {
    const ids = new Int32Array(bytes.length);
    const n = make(vocabulary).encode(bytes, 0, bytes.length, ids, 0);
    assert.deepEqual([...ids.subarray(0, n)], expected, make.name);
  }
}

/** A vocabulary of merges that no training would make: tokens that never form, in any order. */
const strangeMerges = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 12 }).map((draws) => {
  const merges: Merge[] = [];
  const spellings = ['a', 'b', 'c'];
  for (const [x, y] of draws) {
    const [l, r] = [x % spellings.length, y % spellings.length];
    const spelling = spellings[l] + spellings[r];
    if (spellings.includes(spelling)) continue;
    spellings.push(spelling);
    merges.push([l, r].map((k) => (k < 3 ? 97 + k : 253 + k)) as unknown as Merge);
  }
  return merges;
});

describe('the fast versions equal the definitions', () => {
  test('training: merges and counts, ties included', () => {
    fc.assert(
      fc.property(
        fc.array(smallText(60), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (chunks, merges) => {
          let end = 0;
          const ends = Int32Array.from(chunks, (chunk) => (end += chunk.length));
          assert.deepEqual(trainFast(Buffer.concat(chunks), ends, merges), train(chunks, merges));
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('encoding another text with trained merges', () => {
    fc.assert(
      fc.property(smallText(120), smallText(120), fc.integer({ min: 1, max: 60 }), (corpus, text, n) => {
        const merges = train([corpus], n).map((step) => step.pair);
        assertEncodes(merges, text);
      }),
      { numRuns: 1500 },
    );
  });

  test('encoding with merges that no training gives', () => {
    fc.assert(
      fc.property(strangeMerges, smallText(40), (merges, text) => {
        assertEncodes(merges, text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('round trips', () => {
  test('any bytes with any pattern; and the bytes of a token become that token', () => {
    fc.assert(
      fc.property(anyText, anyText, pattern, (corpus, text, pattern) => {
        fc.pre(corpus.length > 0);
        const ends = chunkEnds(corpus, pattern);
        const merges = trainFast(corpus, ends, 20).map((step) => step.pair);
        const tokenizer = new Tokenizer({ merges, pattern });
        const ids = tokenizer.encode(text);
        assert.deepEqual(tokenizer.decodeBytes(ids), Uint8Array.from(text));
        assert.equal(tokenizer.byteLength(ids), text.length);
        const whole = new Tokenizer({ merges });
        for (let id = 0; id < whole.vocabSize; id++)
          assert.deepEqual([...whole.encode(whole.token(id))], [id]);
      }),
      { numRuns: 400 },
    );
  });

  test('encoding in parts of any length gives the tokens of the whole, special ones included', () => {
    const name = '<|end|>';
    const texts = fc.array(fc.oneof(anyText, fc.constant(new TextEncoder().encode(name))), { maxLength: 6 });
    fc.assert(
      fc.property(texts, pattern, fc.integer({ min: 1, max: 12 }), (texts, pattern, partLength) => {
        const tokenizer = new Tokenizer({ merges: [[97, 97]], pattern, specialTokens: [name] });
        const text = Buffer.concat(texts);
        const options = { allowedSpecial: 'all' } as const;
        const parts = [...tokenizer.encodeParts(text, { ...options, partLength })];
        assert.deepEqual(
          parts.flatMap((part) => [...part]),
          [...tokenizer.encode(text, options)],
        );
        for (const part of parts) assert.ok(part.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  test('chunks are never empty and end with the text', () => {
    fc.assert(
      fc.property(anyText, pattern, (text, pattern) => {
        const ends = [...chunkEnds(text, pattern)];
        assert.equal(ends.at(-1) ?? 0, text.length);
        for (let k = 0; k < ends.length; k++) assert.ok(ends[k] > (ends[k - 1] ?? 0));
      }),
      { numRuns: 1000 },
    );
  });

  test('streaming gives the text that decoding at once gives, whole characters at a time', () => {
    const emoji = fc.string({
      unit: fc.constantFrom('🖋', '👩‍🚀', 'é', 'e\u0301', '中', ' ', 'a'),
      maxLength: 20,
    });
    const bytes = fc.oneof(
      emoji.map((text) => new TextEncoder().encode(text)),
      anyText,
    );
    fc.assert(
      fc.property(bytes, smallText(20), (text, corpus) => {
        const tokenizer = new Tokenizer({
          merges: trainFast(
            Buffer.concat([text, corpus]),
            Int32Array.of(text.length, text.length + corpus.length),
            9,
          ).map((step) => step.pair),
        });
        const ids = tokenizer.encode(text);
        const stream = tokenizer.stream();
        const parts = Array.from(ids, (id) => stream.push(id));
        assert.equal(parts.join('') + stream.flush(), tokenizer.decode(ids));
        for (const part of parts) assert.doesNotMatch(part, /\p{Cs}/u);
      }),
      { numRuns: 500 },
    );
  });

  test('files', () => {
    fc.assert(
      fc.property(smallText(80), pattern, (corpus, pattern) => {
        const merges = trainFast(corpus, Int32Array.of(corpus.length), 30).map((step) => step.pair);
        const tokenizer = new Tokenizer({ merges, pattern, specialTokens: ['<|endoftext|>'] });
        assert.deepEqual(Tokenizer.fromJSON(JSON.stringify(tokenizer)).toJSON(), tokenizer.toJSON());
        assert.deepEqual(Tokenizer.fromTiktoken(tokenizer.toTiktoken(), { pattern }).merges, merges);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a damaged file gives one clear error, or a tokenizer that works', () => {
  const good = Tokenizer.train('the cat sat on the mat, the rat sat on the cat', {
    vocabSize: 270,
    specialTokens: ['<|endoftext|>'],
  });
  const damage = (file: string): fc.Arbitrary<string> =>
    fc
      .tuple(
        fc.nat(file.length),
        fc.nat(12),
        fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('0', '"', '}', '-1', 'null', ' ')),
      )
      .map(([at, gone, put]) => file.slice(0, at) + put + (gone === 12 ? '' : file.slice(at + gone)));

  const works = (read: () => Tokenizer): void => {
    let tokenizer: Tokenizer;
    try {
      tokenizer = read();
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
      assert.match(
        error.message,
        /^(".*" occurs twice in tokenizer\.json|tokenizer\.json|\.tiktoken line \d|merge \d|byte \d|special token)/,
      );
      assert.doesNotMatch(error.message, /\n/);
      return;
    }
    assert.equal(tokenizer.decode(tokenizer.encode('the cat')), 'the cat');
  };

  test('tokenizer.json', () => {
    const file = JSON.stringify(good);
    fc.assert(
      fc.property(damage(file), (damaged) => works(() => Tokenizer.fromJSON(damaged))),
      { numRuns: 1500 },
    );
  });

  test('tokenizer.json, a value replaced by another', () => {
    const file = JSON.stringify(good);
    const paths = fc.constantFrom(
      'version',
      'added_tokens',
      'normalizer',
      'pre_tokenizer',
      'post_processor',
      'decoder',
      'model',
      'type',
      'vocab',
      'merges',
      'special',
      'content',
      'id',
      'use_regex',
    );
    fc.assert(
      fc.property(paths, fc.jsonValue(), (name, value) => {
        works(() => Tokenizer.fromJSON(JSON.parse(file, (key, old) => (key === name ? value : old))));
      }),
      { numRuns: 500 },
    );
  });

  test('.tiktoken', () => {
    const file = good.toTiktoken();
    fc.assert(
      fc.property(damage(file), (damaged) =>
        works(() => Tokenizer.fromTiktoken(damaged, { pattern: 'none' })),
      ),
      { numRuns: 1000 },
    );
  });
});
