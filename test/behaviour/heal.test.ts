// Token healing: the first token may contain the end of the prompt, and each tokenisation has the probability
// that the model gives it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createContext } from '../../src/generate/context.ts';
import { generateText } from '../../src/generate/generate.ts';
import { planHealing } from '../../src/generate/heal.ts';
import { exponentials } from '../../src/generate/sampler.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { type Pattern, Tokenizer } from '../../src/tokenizer/index.ts';
import { collect, tokensOf } from '../support/generation.ts';

const text = 'ROMEO:\nThe whale — naïve, as ever — swims over the lazy sea, 1234 times.\n\n'.repeat(30);

function makeModel(tokenizer: Tokenizer, blockSize = 32): GPT {
  const size = { blockSize, nLayer: 2, nHead: 2, nEmbd: 12, headSize: 6 };
  return new GPT(makeConfig(presets.seed, tokenizer.vocabSize, size), { seed: 7 });
}

const bytesOf = (part: string): Uint8Array => new TextEncoder().encode(part);

describe('healing', () => {
  before(async () => {
    await useBackend('reference');
  });

  for (const pattern of ['none', 'gpt2', 'gpt4'] as const satisfies readonly Pattern[]) {
    test(`knows every tokenisation of a text that begins with the prompt, and no other (${pattern})`, () => {
      const tokenizer = Tokenizer.train(text, { vocabSize: 300, pattern });
      for (let end = 1; end < 90; end++) {
        const bytes = bytesOf(text).subarray(0, end);
        const prompt = Array.from(tokenizer.encode(bytes));
        const healing = planHealing(prompt, tokenizer, { start: 0, blockSize: 64 });
        const ways = new Set<string>();
        for (const { path, covers, held } of healing?.endings ?? []) {
          const base = healing?.base.filter((id) => id !== 0);
          for (const id of covers) {
            const ids = [...(base ?? []), ...path, id];
            const whole = tokenizer.decodeBytes(ids);
            assert.deepEqual(whole.subarray(0, end), bytes, `${end}: begins with the prompt`);
            assert.equal(whole.length - end, tokenizer.token(id).length - held);
            assert.deepEqual(Array.from(tokenizer.encode(whole)), ids, 'is what the tokenizer makes of it');
            ways.add(ids.join());
          }
        }
        // Conversely, whatever continues the text, the token across the end of the prompt is a candidate.
        for (const more of [1, 2, 3, 5, 8]) {
          const ids = Array.from(tokenizer.encode(bytesOf(text).subarray(0, end + more)));
          let length = 0;
          const across = ids.findIndex((id) => {
            length += tokenizer.token(id).length;
            return length > end;
          });
          const begun = length - tokenizer.token(ids[across]).length;
          const whole = Array.from(tokenizer.encode(tokenizer.decodeBytes(ids.slice(0, across + 1))));
          if (begun === end || whole.join() !== ids.slice(0, across + 1).join()) continue;
          assert.ok(ways.has(ids.slice(0, across + 1).join()), `${end} + ${more}`);
        }
      }
    });
  }

  test('draws each way as often as the model holds it for', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 300 });
    const model = makeModel(tokenizer);
    const prompt = 'ROMEO:\nThe w';
    const ids = Array.from(tokenizer.encode(prompt));
    const healing = planHealing(ids, tokenizer, { start: 10, blockSize: 32 });
    assert.ok(healing && healing.endings.length > 0);
    /**
     * The model's probability of `path`, then `id`, after `base`; a separate pass for each token.
     */
    const probability = async (path: readonly number[]): Promise<number> => {
      const context = createContext(model);
      let logits = await context.read(healing.base);
      let logprob = 0;
      for (const id of path) {
        logprob += logits[id] - exponentials(logits).logSum;
        logits = await context.read([id]);
      }
      context.dispose();
      return Math.exp(logprob);
    };
    const own = await probability(healing.rest);
    const expected = new Map<string, number>();
    for (const { path, covers, held } of healing.endings)
      for (const id of covers) expected.set(`${held} ${id}`, await probability([...path, id]));
    const total = own + [...expected.values()].reduce((a, b) => a + b);
    const drawn = new Map<string, number>();
    const n = 400;
    const events = await collect(model, tokenizer, { prompt, maxTokens: 1, samples: n });
    for (const first of tokensOf(events)) {
      const key = first.held === undefined ? 'own' : `${first.held} ${first.id}`;
      drawn.set(key, (drawn.get(key) ?? 0) + 1);
    }
    for (const [key, p] of [...expected, ['own', own] as const]) {
      const share = p / total;
      const count = drawn.get(key) ?? 0;
      assert.ok(
        Math.abs(count - n * share) <= 5 * Math.sqrt(n * share * (1 - share)) + 1,
        `${key}: ${count} of ${n}, ${share}`,
      );
    }
    assert.ok([...drawn.keys()].every((key) => key === 'own' || expected.has(key)));
  });

  test('says only what goes beyond the prompt, counts each token once, and repeats itself', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 300 });
    const model = makeModel(tokenizer);
    let healed = 0;
    for (const prompt of ['R', 'ROMEO', 'ROMEO:', 'The wh', '—', 'naï', ' ', '12', text.slice(0, 200)])
      for (let seed = 0; seed < 3; seed++) {
        const options = {
          prompt,
          maxTokens: 6,
          seed,
          topK: 5,
          topP: 0.9,
          minP: 0.01,
          repetitionPenalty: 1.2,
        };
        const events = await collect(model, tokenizer, options);
        assert.deepEqual(await collect(model, tokenizer, options), events);
        const tokens = tokensOf(events);
        assert.equal(tokens.length, 6);
        const [{ held = 0, id }] = tokens;
        if (held > 0) {
          healed++;
          const end = bytesOf(prompt).slice(-held);
          assert.deepEqual(tokenizer.token(id).slice(0, held), end);
        }
        assert.ok(tokens.slice(1).every((token) => token.held === undefined));
        const said = tokenizer.decodeBytes(tokens.map((token) => token.id)).subarray(held);
        assert.equal(events.map((event) => event.text).join(''), new TextDecoder().decode(said));
      }
    assert.ok(healed > 2, `${healed} healed`);
  });

  test('takes the most likely way with temperature 0, the same for every seed and in INT8', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 300 });
    const model = makeModel(tokenizer);
    const greedy = { prompt: 'The wha', temperature: 0, maxTokens: 5 };
    const once = await generateText(model, tokenizer, greedy);
    assert.equal(await generateText(model, tokenizer, { ...greedy, seed: 9 }), once);
    const small = await quantize(model);
    assert.equal(tokensOf(await collect(small, tokenizer, greedy)).length, 5);
  });

  test('stays on this side of special tokens, and takes token ids as they are', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 300, specialTokens: ['<|endoftext|>'] });
    const end = tokenizer.specialTokens.get('<|endoftext|>') as number;
    const options = { start: end, blockSize: 32 };
    assert.equal(planHealing([end], tokenizer, options), null);
    const ids = [...tokenizer.encode('The wh'), end, ...tokenizer.encode('R')];
    const healing = planHealing(ids, tokenizer, options);
    assert.deepEqual(healing?.base, ids.slice(0, -1));
    assert.ok(healing.endings.every(({ covers }) => !covers.includes(end)));
    // '<' begins the name of a special token, and is part of no other token.
    assert.equal(planHealing(Array.from(tokenizer.encode('<')), tokenizer, options), null);
    const model = makeModel(tokenizer);
    const prompt = tokenizer.encode('The wh');
    const plain = { maxTokens: 4, temperature: 0 };
    const asIs = await collect(model, tokenizer, { ...plain, prompt });
    assert.deepEqual(asIs, await collect(model, tokenizer, { ...plain, prompt: 'The wh', heal: false }));
    const healed = await collect(model, tokenizer, { ...plain, prompt, heal: true });
    assert.deepEqual(healed, await collect(model, tokenizer, { ...plain, prompt: 'The wh' }));
  });

  test('works in a window of any size, and frees everything', async () => {
    const tokenizer = Tokenizer.train(text, { vocabSize: 300 });
    for (const blockSize of [1, 2, 5, 16]) {
      const model = makeModel(tokenizer, blockSize);
      const { live } = model.backend.memory();
      for (const prompt of ['R', 'ROMEO:', text.slice(0, 150)])
        for (const overflow of ['slide', 'shift'] as const) {
          const events = await collect(model, tokenizer, { prompt, overflow, maxTokens: 20 });
          assert.equal(tokensOf(events).length, 20);
        }
      assert.equal(model.backend.memory().live, live);
      model.dispose();
    }
  });

  test('shows a character that the prompt began and the first token ends', async () => {
    const tokenizer = Tokenizer.train('ab', { vocabSize: 256 });
    const model = makeModel(tokenizer);
    model.head.bias?.write(Float32Array.from({ length: 256 }, (_, id) => (id === 0xaf ? 100 : 0)));
    assert.equal(await generateText(model, tokenizer, { prompt: [0x61, 0xc3], maxTokens: 1 }), 'ï');
  });
});
