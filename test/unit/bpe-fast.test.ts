// The parts of the fast encoder, each against its definition. (The whole of it: fuzz/tokenizer.test.ts.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCorpus } from '../../src/corpora/index.ts';
import { createRandom } from '../../src/tensor/random.ts';
import { makeVocabulary } from '../../src/tokenizer/bpe.ts';
import { makeByteTrie } from '../../src/tokenizer/byte-trie.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { makeFirstBytes, makeStable } from '../../src/tokenizer/stable.ts';

const whale = (await loadCorpus('moby-dick')).bytes.subarray(0, 100_000);
const byteIds = Int32Array.from({ length: 256 }, (_, byte) => byte);

test('the trie finds the longest of many strings', () => {
  const random = createRandom({ seed: 7 });
  for (const [letters, count] of [
    [3, 100],
    [20, 3000],
    [256, 5000],
  ]) {
    const known = new Map<string, number>();
    const strings = Array.from(byteIds, (byte) => Uint8Array.of(byte));
    while (strings.length < 256 + count) {
      const string = Uint8Array.from({ length: 2 + random.int(9) }, () => random.int(letters));
      const name = String(string);
      if (known.has(name)) continue;
      known.set(name, strings.push(string) - 1);
    }
    const { longest } = makeByteTrie(strings, known.values(), byteIds);
    const definition = (bytes: Uint8Array, place: number, end: number): number => {
      for (let to = Math.min(end, place + 10); to > place + 1; to--) {
        const id = known.get(String(bytes.subarray(place, to)));
        if (id !== undefined) return id;
      }
      return bytes[place];
    };
    const text = Uint8Array.from({ length: 5000 }, () => random.int(letters));
    for (let place = 0; place < text.length; place++) {
      const end = Math.min(text.length, place + 1 + random.int(12));
      assert.equal(longest(text, place, end), definition(text, place, end));
    }
    for (const [id, string] of strings.entries()) assert.equal(longest(string, 0, string.length), id);
  }
});

test('tokens that a first byte tells to stay apart do', () => {
  for (const vocabSize of [300, 900]) {
    const { merges } = Tokenizer.train(whale, { vocabSize });
    const vocabulary = makeVocabulary(merges);
    const stable = makeStable(vocabulary);
    const { joins, learn } = makeFirstBytes(vocabulary);
    let [told, apart] = [0, 0];
    for (let left = 0; left < vocabSize; left++) {
      assert.ok(joins.subarray(8 * left, 8 * left + 8).every((bits) => bits === -1));
      learn(left);
      for (let right = 0; right < vocabSize; right++) {
        const [byte] = vocabulary.tokens[right];
        const may = (joins[8 * left + (byte >>> 5)] >>> (byte & 31)) & 1;
        if (stable(left, right)) apart++;
        else assert.equal(may, 1, `${left} and ${right}`);
        told += 1 - may;
      }
    }
    assert.ok(told > 0.5 * apart, `${told} of ${apart} are told`);
  }
});
