// Files of tokens: the same tokens as the whole text in memory, whatever its size, its documents and where it
// is cut; and files that are damaged, or of another tokenizer.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadCorpus } from '../../src/corpora/index.ts';
import { openStream } from '../../src/corpora/stream.ts';
import { type Pattern, patterns, Tokenizer } from '../../src/tokenizer/index.ts';
import { encodeFile } from '../../src/tokens/encode.ts';
import { openTokens } from '../../src/tokens/read.ts';
import { dataset, encodeText, type SeparatedText } from '../../src/train/data.ts';

const END = '<|endoftext|>';
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-tokens-'));
});
after(() => rm(folder, { recursive: true }));

const asked = { asBytes: false, separator: null, threads: 1 };

/** The tokens in the file that is made of the texts of `files`. */
async function encoded(
  files: Record<string, string | Uint8Array>,
  tokenizer: Tokenizer,
  options: object = {},
): Promise<Int32Array> {
  const inputs: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    inputs.push(join(folder, name));
    await writeFile(join(folder, name), text);
  }
  const path = join(folder, 'tokens.bin');
  const stream = await openStream(inputs, options);
  await encodeFile(stream, tokenizer, path, { ...asked, inputs, ...options });
  const file = openTokens(path);
  const ids = file.tokens.subarray(0, file.tokens.length);
  file.close();
  return ids;
}

const { bytes: whale } = await loadCorpus('moby-dick');

describe('a file of tokens has those of the whole text', () => {
  for (const pattern of patterns)
    test(`pattern ${pattern}, of prose, in units of many sizes`, async () => {
      const tokenizer = Tokenizer.train(whale.subarray(0, 100_000), { vocabSize: 700, pattern });
      const text = whale.subarray(200_000, 500_000);
      const whole = encodeText(text, tokenizer);
      for (const unitSize of [10_000, 77_777, 2 ** 20])
        assert.deepEqual(await encoded({ 'a.txt': text }, tokenizer, { unitSize, threads: 2 }), whole);
    });

  const odd: Record<string, string> = {
    'no blanks': 'abcdefghij'.repeat(4000),
    'one letter': 'a'.repeat(30_000),
    'blanks only': `x${' '.repeat(30_000)}y${'\n \n'.repeat(9000)}`,
    digits: '0123456789 '.repeat(4000),
    'other scripts':
      'Съешь же ещё этих мягких французских булок, да выпей чаю。我能吞下玻璃而不伤身体。'.repeat(300),
    apostrophes: "don't we'll THEY'VE it's 'tis ".repeat(1500),
    'line ends': 'word\r\n\r\n\tword  word\u2003word\u0085word\n'.repeat(1200),
  };
  for (const pattern of patterns)
    test(`pattern ${pattern}, of odd texts`, async () => {
      const learnt = Object.values(odd)
        .map((text) => text.slice(0, 3000))
        .join('');
      const tokenizer = Tokenizer.train(learnt, { vocabSize: 500, pattern, atMost: true });
      for (const [name, text] of Object.entries(odd))
        assert.deepEqual(
          await encoded({ 'a.txt': text }, tokenizer, { unitSize: 5000 }),
          encodeText(text, tokenizer),
          name,
        );
    });

  for (const pattern of ['none', 'gpt2'] as const)
    test(`pattern ${pattern}, with names of special tokens in the text, and documents joined by line feeds`, async () => {
      const specialTokens = [END, '<a b>', '<a b> c'];
      const text = `one two ${END}${'three <a b> four <a b> c <a b five '.repeat(700)}`;
      const tokenizer = Tokenizer.train(text, { vocabSize: 320, pattern, specialTokens, atMost: true });
      for (const unitSize of [3000, 5001, 7003]) {
        const files = { 'a.txt': text, 'b.txt': '', 'c.txt': 'c', 'd.txt': ` d ${text}` };
        const whole = [files['a.txt'], files['b.txt'], files['c.txt'], files['d.txt']]
          .filter((t) => t)
          .join('\n');
        assert.deepEqual(await encoded(files, tokenizer, { unitSize }), encodeText(whole, tokenizer));
      }
    });

  for (const pattern of ['none', 'gpt4'] as const)
    test(`pattern ${pattern}, of documents with a separator`, async () => {
      const tokenizer = Tokenizer.train(whale.subarray(0, 50_000), {
        vocabSize: 500,
        pattern,
        specialTokens: [END],
      });
      const lengths = [1, 0, 3, 20_000, 5, 999, 40_000, 7];
      let at = 0;
      const texts = lengths.map((length) => {
        at += length;
        return whale.subarray(at - length, at);
      });
      const files = Object.fromEntries(texts.map((text, k) => [`${k}.txt`, text]));
      const documents = texts.filter(({ length }) => length > 0);
      for (const unitSize of [2000, 9000, 2 ** 20])
        assert.deepEqual(
          await encoded(files, tokenizer, { unitSize, separator: END }),
          encodeText({ documents, separator: END } satisfies SeparatedText, tokenizer),
        );
    });

  test('with a space before texts', async () => {
    const pieces = Tokenizer.train(whale.subarray(0, 50_000), { vocabSize: 400, pattern: 'gpt2' as Pattern });
    for (const pattern of ['none', 'gpt2'] as const) {
      const tokenizer = new Tokenizer({ merges: pieces.merges, pattern, prefixSpace: true });
      const text = whale.subarray(0, 40_000);
      assert.deepEqual(
        await encoded({ 'a.txt': text }, tokenizer, { unitSize: 6000 }),
        encodeText(text, tokenizer),
      );
    }
  });
});

describe('a dataset in a file', () => {
  test('is the one in memory', async () => {
    const tokenizer = Tokenizer.train(whale.subarray(0, 50_000), { vocabSize: 400, specialTokens: [END] });
    const documents = [whale.subarray(0, 300_000), whale.subarray(300_000, 400_000)];
    await encoded({ 'a.txt': documents[0], 'b.txt': documents[1] }, tokenizer, { separator: END });
    for (const split of [{}, { trainFraction: 0.5 }, { validate: 'inner' as const }]) {
      const wanted = dataset({ documents, separator: END }, tokenizer, split);
      const file = openTokens(join(folder, 'tokens.bin'));
      const found = file.dataset(tokenizer, split);
      for (const part of ['train', 'val'] as const) {
        assert.equal(found[part].length, wanted[part].length);
        assert.deepEqual(found[part].subarray(0, found[part].length), wanted[part]);
        assert.deepEqual(found[part].subarray(40_000, 70_001), wanted[part].subarray(40_000, 70_001));
        assert.deepEqual(found[part].subarray(found[part].length - 3, 1e9), wanted[part].subarray(-3));
      }
      assert.deepEqual({ ...found, train: 0, val: 0 }, { ...wanted, train: 0, val: 0 });
      file.close();
    }
  });

  test('refuses another tokenizer, and a file that is cut off or altered, in one line', async () => {
    const tokenizer = Tokenizer.train(whale.subarray(0, 50_000), { vocabSize: 400 });
    await encoded({ 'a.txt': whale.subarray(0, 400_000) }, tokenizer, { tokenizerFile: 'mine.json' });
    const path = join(folder, 'tokens.bin');
    const good = await readFile(path);
    const other = Tokenizer.train(whale.subarray(0, 50_000), { vocabSize: 401 });
    const file = openTokens(path);
    assert.throws(
      () => file.dataset(other),
      /tokens\.bin was encoded by another tokenizer \(mine\.json, 400 tokens, [0-9a-f]{12}\.\.\.\) than this one \(401 tokens, .*--tokenizer/,
    );
    file.close();
    const opening = async (bytes: Uint8Array): Promise<() => void> => {
      await writeFile(path, bytes);
      return () => openTokens(path).close();
    };
    assert.throws(
      await opening(good.subarray(0, good.length - 5)),
      /is cut off: it has [\d,]+ of [\d,]+ bytes/,
    );
    assert.throws(await opening(good.subarray(0, 100)), /description does not have its checksum/);
    assert.throws(await opening(good.subarray(0, 10)), /is no file of tokens/);
    assert.throws(await opening(Buffer.concat([good, Buffer.of(1)])), /1 bytes too many/);
    const altered = (at: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] ^= 1;
      return bytes;
    };
    assert.throws(await opening(altered(60)), /description does not have its checksum/);
    assert.throws(await opening(altered(8)), /of version 0, this Inkhorn reads version 1/);
    assert.throws(await opening(altered(good.length - 1)), /table of checksums was altered/);
    await writeFile(path, altered(4096 + 70_000));
    const damaged = openTokens(path);
    assert.throws(() => damaged.dataset(tokenizer), /is damaged: block 2 of \d+ was altered/);
    damaged.close();
  });
});
