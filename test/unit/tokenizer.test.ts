// The tokenizer against the reference run's merges and worked example, and the promises and errors of its
// API.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { encode as encodeByDefinition, makeVocabulary } from '../../src/tokenizer/bpe.ts';
import { type Merge, printable, Tokenizer, visibleLine } from '../../src/tokenizer/index.ts';
import { type MergeStep, train } from '../../src/tokenizer/train.ts';
import { trainFast } from '../../src/tokenizer/train-fast.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const shared = '../shared/data';
const text =
  'the cat sat on the mat; the rat sat on the cat; '.repeat(8) +
  'a byte pair becomes one token, again and again';

describe('the reference run', () => {
  const here = existsSync(`${shared}/tinyshakespeare.txt`) && existsSync(`${shared}/seed-merges.json`);
  const skip = here ? false : `${shared}/tinyshakespeare.txt and seed-merges.json are not here`;

  test('500 tokens of Tiny Shakespeare: the same 244 merges, 574,057 tokens, 1.94 bytes each', {
    skip,
  }, () => {
    const corpus = readFileSync(`${shared}/tinyshakespeare.txt`);
    const golden: Merge[] = JSON.parse(readFileSync(`${shared}/seed-merges.json`, 'utf8'));
    const tokenizer = Tokenizer.train(corpus, { vocabSize: 500 });
    assert.deepEqual(tokenizer.merges, golden);
    const ids = tokenizer.encode(corpus);
    assert.equal(ids.length, 574_057);
    assert.equal(tokenizer.compressionRatio(ids).toFixed(2), '1.94');
    assert.ok(corpus.equals(tokenizer.decodeBytes(ids)));
  });

  test('its merges encode the worked example as it did', { skip }, () => {
    const merges: Merge[] = JSON.parse(readFileSync(`${shared}/seed-merges.json`, 'utf8'));
    const tokenizer = new Tokenizer({ merges });
    const ids = tokenizer.encode('Hi, My name is Toufik');
    assert.deepEqual([...ids], [72, 105, 261, 77, 265, 110, 97, 378, 279, 84, 262, 102, 105, 107]);
    assert.equal(tokenizer.compressionRatio(ids), 1.5);
    assert.equal(tokenizer.decode(ids), 'Hi, My name is Toufik');
  });
});

describe('training', () => {
  const both = (chunks: Uint8Array[], merges: number): MergeStep[] => {
    const slow = train(chunks, merges);
    let end = 0;
    const ends = Int32Array.from(chunks, (chunk) => (end += chunk.length));
    assert.deepEqual(trainFast(Buffer.concat(chunks), ends, merges), slow);
    return slow;
  };
  const [a, b, c, d] = [97, 98, 99, 100];

  test('the example of its comment', () => {
    assert.deepEqual(both([utf8('aaabdaaabac')], 3), [
      { pair: [a, a], id: 256, count: 4 },
      { pair: [256, a], id: 257, count: 2 },
      { pair: [257, b], id: 258, count: 2 },
    ]);
  });

  test('among equals the pair first seen in the current sequence wins', () => {
    assert.deepEqual(both([utf8('cdxabxabycd')], 1)[0].pair, [c, d]);
    // After (a,b) the text is X c X c b d b d: (X,c) and (b,d) both occur twice, and (X,c) comes first.
    const steps = both([utf8('abcabcbdbdab')], 2);
    assert.deepEqual(
      steps.map((step) => step.pair),
      [
        [a, b],
        [256, c],
      ],
    );
    assert.equal(steps[1].count, 2);
  });

  test('overlapping pairs count at every place and merge left to right', () => {
    const [first, second] = both([utf8('aaaaa')], 2);
    assert.deepEqual(first, { pair: [a, a], id: 256, count: 4 });
    assert.deepEqual(second, { pair: [256, 256], id: 257, count: 1 });
  });

  test('no merge crosses a chunk, and equal chunks count each time', () => {
    assert.deepEqual(both(['ab', 'ab', 'ba', 'ab'].map(utf8), 5), [
      { pair: [a, b], id: 256, count: 3 },
      { pair: [b, a], id: 257, count: 1 },
    ]);
  });

  test('onMerge gets pair, id, count and bytes of each merge in order', () => {
    const seen: string[] = [];
    const onMerge = ({ pair, id, count, bytes }: MergeStep & { bytes: Uint8Array }): void => {
      seen.push(`${pair} ${id} ${count} ${printable(bytes)}`);
    };
    Tokenizer.train('aaabdaaabac', { vocabSize: 259, onMerge });
    assert.deepEqual(seen, ['97,97 256 4 aa', '256,97 257 2 aaa', '257,98 258 2 aaab']);
  });

  test('is a stream of merges, of which each is made when it is asked for', async () => {
    const seen: string[] = [];
    const progress: unknown[] = [];
    const options = { vocabSize: 259, onProgress: (...args: unknown[]) => progress.push(args) };
    for await (const event of Tokenizer.trainEvents('aaabdaaabac', options))
      if (event.type === 'done') seen.push(`${event.tokenizer.vocabSize}`);
      else seen.push(`${event.pair} ${event.id} ${event.count} ${printable(event.bytes)}`);
    assert.deepEqual(seen, ['97,97 256 4 aa', '256,97 257 2 aaa', '257,98 258 2 aaab', '259']);

    // Leaving the loop, or the signal, ends it.
    const long = text.repeat(40);
    for await (const event of Tokenizer.trainEvents(long, { vocabSize: 400 })) {
      assert.equal(event.type, 'merge');
      break;
    }
    const controller = new AbortController();
    let merges = 0;
    await assert.rejects(
      async () => {
        const { signal } = controller;
        for await (const _ of Tokenizer.trainEvents(long, { vocabSize: 400, signal }))
          if (++merges === 5) controller.abort(new RangeError('enough'));
      },
      { name: 'RangeError', message: 'enough' },
    );
    assert.equal(merges, 5);
    const refused = { vocabSize: 259, onMerge() {} } as never;
    await assert.rejects(Tokenizer.trainEvents('aaab', refused).next(), /unknown option 'onMerge'/);
    await assert.rejects(Tokenizer.trainEvents('', { vocabSize: 259 }).next(), /text to train on is empty/);
  });

  test('with atMost ends before a pair that occurs once, or with too few tokens', async () => {
    const short = 'so it goes and goes, and so on it goes.';
    const once = train([utf8(short)], 100).findIndex(({ count }) => count < 2);
    const long = 'ab'.repeat(3000);
    let tokens = long.length;
    const few = train([utf8(long)], 100).findIndex(({ count }) => {
      tokens -= count;
      return tokens < long.length / 4;
    });
    for (const [corpus, enough] of [[short, once] as const, [long, few] as const]) {
      const events: number[] = [];
      const options = { vocabSize: 500, atMost: true };
      for await (const event of Tokenizer.trainEvents(corpus, options))
        if (event.type === 'merge') events.push(event.id);
        else assert.deepEqual(event.tokenizer.merges, Tokenizer.train(corpus, options).merges);
      assert.ok(enough > 0);
      assert.deepEqual(
        events,
        Array.from({ length: enough }, (_, i) => 256 + i),
      );
    }
  });

  test('refuses what cannot be trained, and says what can', () => {
    const refused: [() => unknown, RegExp][] = [
      [() => Tokenizer.train('abcd', { vocabSize: 1e12 }), /use 259 or less/],
      [
        () => Tokenizer.train('abcd', { vocabSize: '258' as never }),
        /vocabSize "258" is not a whole number >= 256/,
      ],
      [() => Tokenizer.train('', { vocabSize: 300 }), /text to train on is empty/],
      [() => Tokenizer.train('abc', { vocabSize: 255 }), /vocabSize 255 is not a whole number >= 256/],
      [() => Tokenizer.train('abc', { vocabSize: 300.5 }), /vocabSize 300\.5 is not a whole/],
      [() => Tokenizer.train(text, { vocabSize: 257, specialTokens: ['<|a|>', '<|b|>'] }), /at least 258/],
      [
        () => Tokenizer.train('abcd', { vocabSize: 300 }),
        /vocabSize 300 is more than 4 bytes .*use 259 or less/,
      ],
      [
        () => Tokenizer.train('abc', { vocabSize: 256, pattern: 'gpt5' as 'gpt4' }),
        /pattern "gpt5" is not one of none, gpt2, gpt4, o200k/,
      ],
      [() => Tokenizer.train('abc', { vocabSize: 256, specialTokens: ['<|a|>', '<|a|>'] }), /given twice/],
      [
        () => Tokenizer.train('abc', { vocabSize: 256, specialTokens: [''] }),
        /specialTokens\[0\] "" is not a text of one character/,
      ],
      [
        () => new Tokenizer({ merges: [[97, 98]], specialTokens: ['ab'] }),
        /'ab' is spelt like an ordinary token/,
      ],
      [
        () => Tokenizer.train('abc', { vocabSize: 256, vocab: 3 } as never),
        /unknown option 'vocab' for Tokenizer.train: .*; did you mean 'vocabSize'\?/,
      ],
    ];
    for (const [attempt, message] of refused) assert.throws(attempt, message);
    assert.equal(Tokenizer.train('abcd', { vocabSize: 259 }).vocabSize, 259);
    assert.equal(Tokenizer.train('abc', { vocabSize: 256 }).merges.length, 0);
  });
});

describe('encoding and decoding', () => {
  const tokenizer = Tokenizer.train(text, { vocabSize: 290 });

  test('gives an Int32Array, which is what engines upload', () => {
    assert.ok(tokenizer.encode('the cat') instanceof Int32Array);
    assert.equal(tokenizer.encode('').length, 0);
    assert.equal(tokenizer.decode([]), '');
  });

  test('any bytes survive; as text, what is not UTF-8 is U+FFFD', () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => (i * 37) & 255);
    for (const pattern of ['none', 'gpt2', 'gpt4'] as const) {
      const any = Tokenizer.train(text, { vocabSize: 270, pattern });
      assert.deepEqual(any.decodeBytes(any.encode(bytes)), bytes);
    }
    assert.equal(tokenizer.decode(tokenizer.encode(Uint8Array.of(104, 0xff, 105))), 'h\uFFFDi');
    assert.equal(tokenizer.decode(tokenizer.encode('\uFEFFthe')), '\uFEFFthe');
    assert.equal(tokenizer.decode(tokenizer.encode('a\uD800b')), 'a\uFFFDb');
  });

  test('counts bytes', () => {
    const ids = tokenizer.encode('the cät');
    assert.equal(tokenizer.byteLength(ids), 8);
    assert.equal(tokenizer.compressionRatio(ids), 8 / ids.length);
    assert.deepEqual(tokenizer.token(256), utf8(printable(tokenizer.token(256)).replaceAll('␣', ' ')));
  });

  test('refuses ids that are not in the vocabulary', () => {
    for (const id of [290, -1, 1.5, Number.NaN]) {
      const message = new RegExp(`token ${id} is not in the vocabulary: ids go from 0 to 289`);
      assert.throws(() => tokenizer.decode([id]), message);
      assert.throws(() => tokenizer.byteLength([id]), message);
      assert.throws(() => tokenizer.stream().push(id), message);
    }
  });

  test('streams whole characters only', () => {
    const bytes = new Tokenizer({ merges: [] });
    const stream = bytes.stream();
    const shown = Array.from(bytes.encode('aé🖋b'), (id) => stream.push(id));
    assert.deepEqual(shown, ['a', '', 'é', '', '', '', '🖋', 'b']);
    assert.equal(stream.flush(), '');
    assert.equal(stream.push(0xf0) + stream.push(0x9f), '');
    assert.equal(stream.flush(), '\uFFFD');
    assert.equal(stream.push(97), 'a');
  });

  test('prints tokens on one visible line', () => {
    const bytes = [...utf8(' é\n\t\\'), 0, 0x7f, 0xe2, 0x82, ...utf8('\u00a0\u200b🖋')];
    assert.equal(printable(Uint8Array.from(bytes)), '␣é\\n\\t\\\\\\x00\\x7F\\xE2\\x82\\u{A0}\\u{200B}🖋');
  });

  test('the text of a token shows bytes that are no character', () => {
    const bytes = new Tokenizer({ merges: [] });
    assert.equal(bytes.tokenText(0xe2), '\\xE2');
    assert.equal(bytes.tokenText(92), '\\');
    assert.equal(visibleLine(`${bytes.tokenText(0xe2)} \n`), '\\xE2␣\\n');
  });

  test('a merge list of unordinary shape is encoded as defined: a token that never forms is never used', () => {
    // (a,b) is merged first, so (b,c) is never due where an a precedes, and (a, bc) never forms.
    const merges: Merge[] = [
      [97, 98],
      [98, 99],
      [97, 257],
    ];
    const odd = new Tokenizer({ merges });
    const chunk = utf8('abcbcabc');
    assert.deepEqual([...odd.encode(chunk)], encodeByDefinition(makeVocabulary(merges), chunk));
    assert.deepEqual([...odd.encode(chunk)], [256, 99, 257, 256, 99]);
  });

  test('tokens may be thousands of bytes long', () => {
    const runs = Tokenizer.train('a'.repeat(5000), { vocabSize: 272 });
    const lengths = runs.merges.map((_, rank) => runs.token(256 + rank).length);
    assert.equal(Math.max(...lengths), 5000);
    const odd = utf8('a'.repeat(9999));
    const ids = runs.encode(odd);
    assert.deepEqual([...ids], encodeByDefinition(makeVocabulary(runs.merges), odd));
    assert.equal(runs.byteLength(ids), 9999);
  });

  test('merges that cannot be are refused', () => {
    assert.throws(
      () => new Tokenizer({ merges: [[97, 256]] }),
      /merge 0 uses token 256: before it .* 0 to 255/,
    );
    assert.throws(() => new Tokenizer({ merges: [[97, -1]] }), /merge 0 uses token -1/);
    assert.throws(
      () =>
        new Tokenizer({
          merges: [
            [97, 98],
            [97, 98],
          ],
        }),
      /makes token 256 a second time/,
    );
    assert.throws(() => new Tokenizer({ merges: [], byteIds: new Int32Array(256) }), /byte 1 has token 0/);
    assert.throws(
      () => new Tokenizer({ merges: [], byteIds: new Int32Array(0) }),
      /byte 0 has token undefined/,
    );
  });
});

describe('special tokens', () => {
  const end = '<|endoftext|>';
  const tokenizer = Tokenizer.train(text, { vocabSize: 270, specialTokens: [end, '<|end'] });
  const plain = new Tokenizer({ merges: tokenizer.merges });

  test('are numbered after the merges and count in vocabSize', () => {
    assert.deepEqual(
      [...tokenizer.specialTokens],
      [
        [end, 268],
        ['<|end', 269],
      ],
    );
    assert.equal(tokenizer.vocabSize, 270);
    assert.equal(tokenizer.merges.length, 12);
    assert.equal(tokenizer.decode([268, 97, 269]), `${end}a<|end`);
  });

  test('are refused in text by default, at their place', () => {
    assert.throws(
      () => tokenizer.encode(`the ${end}`),
      /special token '<\|endoftext\|>' at byte 4: .*allowedSpecial.*otherSpecial/,
    );
    assert.throws(() => tokenizer.encode(utf8(`the ${end}`)), /at byte 4/);
  });

  test('allowed ones become their token, the longest name first', () => {
    const the = [...plain.encode('the ')];
    assert.deepEqual(
      [...tokenizer.encode(`the ${end}the <|end${end}`, { allowedSpecial: 'all' })],
      [...the, 268, ...the, 269, 268],
    );
    assert.deepEqual([...tokenizer.encode(`${end}the `, { allowedSpecial: [end] })], [268, ...the]);
    assert.throws(() => tokenizer.encode(`${end}<|end`, { allowedSpecial: [end] }), /'<\|end' at byte 13/);
  });

  test('the others are text where that is asked for', () => {
    assert.deepEqual(tokenizer.encode(`a${end}`, { otherSpecial: 'text' }), plain.encode(`a${end}`));
    const ids = tokenizer.encode(`<|end ${end}`, { allowedSpecial: [end], otherSpecial: 'text' });
    assert.deepEqual([...ids], [...plain.encode('<|end '), 268]);
  });

  test('names may be any text', () => {
    const accented = new Tokenizer({ merges: [], specialTokens: ['<été>', '🖋'] });
    const ids = accented.encode('a<été>b🖋🖋c', { allowedSpecial: 'all' });
    assert.deepEqual([...ids], [97, 256, 98, 257, 257, 99]);
    assert.equal(accented.decode(ids), 'a<été>b🖋🖋c');
  });

  test('options that mean nothing are refused', () => {
    assert.throws(
      () => tokenizer.encode('a', { allowedSpecial: ['<|x|>'] }),
      /'<\|x\|>' is not a special token .*<\|endoftext\|>/,
    );
    assert.throws(
      () => tokenizer.encode('a', { allowed: 'all' } as never),
      /unknown option 'allowed' for encode: .*; did you mean 'allowedSpecial'\?/,
    );
    assert.throws(
      () => tokenizer.encode('a', { allowedSpecial: 'some' } as never),
      /allowedSpecial "some" is not all, none or a list of names/,
    );
    assert.throws(
      () => tokenizer.encode('a', { otherSpecial: 'drop' } as never),
      /otherSpecial "drop" is not one of refuse, text/,
    );
  });

  test('in the training text they separate and are not learnt from', () => {
    const joined = Tokenizer.train(`ab${end}`.repeat(9), { vocabSize: 258, specialTokens: [end] });
    assert.deepEqual(joined.merges, [[97, 98]]);
    assert.throws(() => Tokenizer.train(end, { vocabSize: 257, specialTokens: [end] }), /empty/);
  });
});
