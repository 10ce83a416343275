// BPE dropout. p = 0: the plain encoding; p = 1: bytes. The text never changes; merges are left out as often
// as asked; the same random numbers give the same tokens.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { createRandom } from '../../src/tensor/random.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

const text = await readFile(new URL('../../../README.md', import.meta.url));
const random = (seed = 1) => createRandom({ seed });

describe('BPE dropout', () => {
  for (const pattern of ['none', 'gpt2'] as const) {
    const tokenizer = Tokenizer.train(text, { vocabSize: 400, pattern, specialTokens: ['<|end|>'] });

    test(`p = 0 is the plain encoding, p = 1 bytes (pattern ${pattern})`, () => {
      assert.deepEqual(
        tokenizer.encode(text, { dropout: { p: 0, random: random() } }),
        tokenizer.encode(text),
      );
      assert.deepEqual([...tokenizer.encode(text, { dropout: { p: 1, random: random() } })], [...text]);
      assert.deepEqual([...tokenizer.encode('', { dropout: { p: 0.5, random: random() } })], []);
    });

    test(`is the same text in other tokens (pattern ${pattern})`, () => {
      const separated = `${text}<|end|>${text}`;
      const options = { allowedSpecial: 'all' } as const;
      const plain = tokenizer.encode(separated, options);
      const ids = tokenizer.encode(separated, { ...options, dropout: { p: 0.1, random: random() } });
      assert.equal(tokenizer.decode(ids), separated);
      assert.ok(ids.length > 1.05 * plain.length && ids.length < 1.5 * plain.length, `${ids.length} tokens`);
      assert.equal(ids.filter((id) => id === tokenizer.vocabSize - 1).length, 1);
    });
  }

  test('is one pass through the merges, each left out where the next number is below p', () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 330 });
    const part = text.subarray(0, 3000);
    const ids = tokenizer.encode(part, { dropout: { p: 0.3, random: random(7) } });
    assert.deepEqual([...ids], naive(tokenizer, part, 0.3, random(7).uniform));
  });

  test('draws for every merge, and as often as p says leaves it out', () => {
    const tokenizer = new Tokenizer({ merges: [[97, 98]] });
    const pairs = 20000;
    const ids = tokenizer.encode('ab'.repeat(pairs), { dropout: { p: 0.2, random: random() } });
    const share = (ids.length - pairs) / pairs; // one token more for each merge that was left out
    assert.ok(Math.abs(share - 0.2) < 4 * Math.sqrt((0.2 * 0.8) / pairs), `${share}`);
  });

  test('repeats itself for the same numbers only', () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 400 });
    const encode = (seed: number): Int32Array =>
      tokenizer.encode(text, { dropout: { p: 0.1, random: random(seed) } });
    assert.deepEqual(encode(3), encode(3));
    assert.notDeepEqual(encode(3), encode(4));
  });

  test('refuses what is no probability', () => {
    const tokenizer = new Tokenizer({ merges: [] });
    for (const p of [-0.1, 1.5, Number.NaN])
      assert.throws(
        () => tokenizer.encode('a', { dropout: { p, random: random() } }),
        /^Error: dropout\.p \S+ is not a number from 0 to 1$/,
      );
  });
});

/** The definition: one pass over the whole text per merge. */
function naive({ merges }: Tokenizer, bytes: Uint8Array, p: number, uniform: () => number): number[] {
  let ids = [...bytes];
  merges.forEach(([left, right], rank) => {
    const out: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const joined = ids[i] === left && ids[i + 1] === right && uniform() >= p;
      out.push(joined ? 256 + rank : ids[i]);
      if (joined) i++;
    }
    ids = out;
  });
  return ids;
}
