import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createContext, type Overflow } from '../../src/generate/context.ts';
import { type GenerateEvent, generate, generateText, type TokenEvent } from '../../src/generate/generate.ts';
import type { GenerateOptions } from '../../src/generate/options.ts';
import { argmax, exponentials } from '../../src/generate/sampler.ts';
import { type Edit, steadyEdits } from '../../src/inspect/edit.ts';
import { predictText } from '../../src/inspect/predictions.ts';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { scope } from '../../src/tensor/scope.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { collect, tokensOf } from '../support/generation.ts';
import { valuesOf } from '../support/values.ts';

const text = 'The quick brown fox — naïve, as ever — jumps over the lazy dog. '.repeat(20);

/** A small, untrained model whose logits are so far apart that rounding cannot swap two of them. */
function makeModel(tokenizer: Tokenizer, changes: Partial<GPTConfig> = {}): GPT {
  const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 12, headSize: 5 };
  return new GPT(makeConfig(presets.seed, tokenizer.vocabSize, { ...size, ...changes }), { seed: 7 });
}

/** Logits of the last position of a pass over `ids` alone, without a cache. */
function fresh(model: GPT, ids: readonly number[]): Float32Array {
  const V = model.config.vocabSize;
  const logits = scope(() => {
    const out = model.forward(tensor(Int32Array.from(ids), [1, ids.length], model.backend));
    return valuesOf(out);
  });
  return logits.slice(-V);
}

function assertClose(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  for (const [i, x] of actual.entries()) {
    assert.ok(Math.abs(x - expected[i]) < 1e-4, `logit ${i}: ${x} and ${expected[i]}`);
  }
}

describe('generate', () => {
  let tokenizer: Tokenizer;
  let model: GPT;
  before(async () => {
    await useBackend('reference');
    tokenizer = Tokenizer.train(text, { vocabSize: 280 });
    model = makeModel(tokenizer);
  });

  test('with edits says what whole passes with the same edits find the most likely, past the context too', async () => {
    const edits: Edit[] = [
      { tap: 'blocks.0.attn.heads', units: [1], change: { set: 0 } },
      { tap: 'blocks.*.mlp.act', units: [3, 5], change: { add: 2 } },
      { tap: 'blocks.1.out', change: { scale: 3 } },
    ];
    const options = { prompt: [3, 1, 4], maxTokens: 20, temperature: 0 };
    const events = await collect(model, tokenizer, { ...options, tap: steadyEdits(edits, model.config) });
    const ids = [3, 1, 4];
    for (const { id } of tokensOf(events)) {
      const seen = Int32Array.from(ids.slice(-model.config.blockSize));
      const { next } = await predictText({ model, tokenizer }, seen, { top: 1, edits });
      assert.equal(id, next[0].id, `token ${ids.length}`);
      ids.push(id);
    }
    const plain = tokensOf(await collect(model, tokenizer, options));
    assert.notDeepEqual(
      plain.map(({ id }) => id),
      ids.slice(3),
    );
    const patch = { name: 'embed', shape: [1, 1, 12], value: new Float32Array(12), gradient: null };
    const at = (edit: Partial<Edit>) => () =>
      steadyEdits([{ tap: 'embed', change: { set: 0 }, ...edit }], model.config);
    assert.throws(at({ positions: [2] }), /holds at every position: leave @2 out/);
    assert.throws(at({ change: { patch } }), /belongs to its positions/);
  });

  for (const position of ['learned', 'rope', 'none'] as const) {
    test(`with a cache takes the tokens that whole passes find the most likely (${position})`, async () => {
      const model = makeModel(tokenizer, { position });
      const events = await collect(model, tokenizer, { prompt: [3, 1, 4], maxTokens: 13, temperature: 0 });
      const ids = [3, 1, 4];
      for (const { id, logprob } of tokensOf(events)) {
        const logits = fresh(model, ids);
        assert.equal(id, argmax(logits));
        assert.ok(Math.abs(logprob - (logits[id] - exponentials(logits).logSum)) < 1e-4);
        ids.push(id);
      }
      assert.equal(ids.length, 16);
    });

    test(`slide sees exactly the last window (${position})`, async () => {
      const model = makeModel(tokenizer, { position });
      const events = await collect(model, tokenizer, {
        prompt: 'The ',
        heal: false,
        maxTokens: 40,
        temperature: 0,
        overflow: 'slide',
      });
      const ids = [...tokenizer.encode('The ')];
      for (const { id } of tokensOf(events)) {
        assert.equal(id, argmax(fresh(model, ids.slice(-16))));
        ids.push(id);
      }
    });

    test(`shift sees the last half of the window and what came since (${position})`, async () => {
      const model = makeModel(tokenizer, { position });
      const context = createContext(model, 'shift');
      let seen: number[] = [];
      for (let id = 0; id < 40; id++) {
        seen.push(id);
        if (seen.length > 16) seen = seen.slice(-8);
        assertClose(await context.read([id]), fresh(model, seen));
        assert.deepEqual(context.visible, seen);
      }
      context.dispose();
    });
  }

  test('reads the last window of a prompt that is too long, and says how much it dropped', async () => {
    const prompt = Array.from({ length: 21 }, (_, i) => i);
    for (const overflow of ['slide', 'shift'] as const) {
      const events = await collect(model, tokenizer, { prompt, maxTokens: 1, temperature: 0, overflow });
      assert.deepEqual(events[0], { type: 'start', text: '', promptTokens: 21, promptDropped: 5 });
      assert.equal(tokensOf(events)[0].id, argmax(fresh(model, prompt.slice(-16))));
    }
  });

  test('says which token it reads before a text without a prompt, so that its ids can be gone on from', async () => {
    const whole = await collect(model, tokenizer, { maxTokens: 8, temperature: 0 });
    const [first] = whole;
    assert.ok(first.type === 'start' && first.start !== undefined);
    const ids = tokensOf(whole).map(({ id }) => id);
    const prompt = [first.start, ...ids.slice(0, 3)];
    const rest = await collect(model, tokenizer, { prompt, maxTokens: 5, temperature: 0 });
    assert.deepEqual(
      tokensOf(rest).map(({ id }) => id),
      ids.slice(3),
    );
    assert.deepEqual(rest[0], { type: 'start', text: '', promptTokens: 4, promptDropped: 0 });
  });

  test('draws the same text for the same seed, and others for other seeds and samples', async () => {
    const options = { prompt: 'The', maxTokens: 20, samples: 3, seed: 5 };
    const ids = (events: GenerateEvent[], sample: number): number[] =>
      tokensOf(events)
        .filter((event) => event.sample === sample)
        .map((event) => event.id);
    const first = await collect(model, tokenizer, options);
    assert.deepEqual(await collect(model, tokenizer, options), first);
    assert.notDeepEqual(ids(first, 0), ids(first, 1));
    assert.notDeepEqual(ids(first, 1), ids(first, 2));
    const other = await collect(model, tokenizer, { ...options, seed: 6 });
    assert.notDeepEqual(ids(other, 0), ids(first, 0));
    const one = await collect(model, tokenizer, { ...options, samples: 1 });
    assert.deepEqual(ids(one, 0), ids(first, 0)); // a sample does not depend on how many there are
  });

  test('streams exactly the text of its tokens, characters whole', async () => {
    for (let seed = 0; seed < 20; seed++) {
      for (const heal of [true, false]) {
        const events = await collect(model, tokenizer, { prompt: 'The', maxTokens: 30, seed, heal });
        const held = tokensOf(events)[0].held ?? 0;
        const bytes = tokenizer.decodeBytes(tokensOf(events).map(({ id }) => id));
        assert.ok(heal || held === 0);
        assert.equal(
          events.map((event) => event.text).join(''),
          new TextDecoder().decode(bytes.subarray(held)),
        );
      }
    }
  });

  test('ends before a stop string, also one that spans tokens', async () => {
    const whole = await generateText(model, tokenizer, { prompt: 'The', maxTokens: 30 });
    const stop = whole.slice(10, 13);
    const events = await collect(model, tokenizer, {
      prompt: 'The',
      maxTokens: 30,
      stop: ['\u0000no', stop],
    });
    assert.equal(events.map((event) => event.text).join(''), whole.slice(0, whole.indexOf(stop)));
    const last = events.at(-1);
    assert.ok(last?.type === 'finish' && last.reason === 'stop' && last.stop === stop && last.tokens < 30);
  });

  test('reports as many of the most likely tokens as asked for', async () => {
    const events = await collect(model, tokenizer, {
      prompt: 'The',
      maxTokens: 3,
      temperature: 0,
      topLogprobs: 4,
      heal: false,
    });
    for (const { id, logprob, top } of tokensOf(events)) {
      assert.equal(top?.length, 4);
      assert.deepEqual(top?.[0], { id, logprob, text: tokenizer.tokenText(id) });
    }
  });

  test('ends cleanly when aborted, with the text so far', async () => {
    const controller = new AbortController();
    const events: GenerateEvent[] = [];
    const options = { prompt: 'The', maxTokens: 500, samples: 2, signal: controller.signal };
    for await (const event of generate(model, tokenizer, options)) {
      events.push(event);
      if (tokensOf(events).length === 5) controller.abort();
    }
    const last = events.at(-1);
    assert.ok(last?.type === 'finish' && last.reason === 'aborted' && last.tokens === 5 && last.sample === 0);
  });

  test('lets timers run meanwhile, so that an abort from outside arrives', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 0);
    const events = await collect(model, tokenizer, { maxTokens: 1_000_000, signal: controller.signal });
    const last = events.at(-1);
    assert.ok(last?.type === 'finish' && last.reason === 'aborted');
  });

  test('starts an empty prompt from the token that training found, else a line feed, and from token 0 when asked', async () => {
    const from = async (options: GenerateOptions): Promise<TokenEvent[]> =>
      tokensOf(await collect(model, tokenizer, { maxTokens: 3, ...options }));
    assert.deepEqual(await from({}), await from({ prompt: [10] }));
    assert.deepEqual(await from({ start: 'text' }), await from({ prompt: [10] }));
    assert.deepEqual(await from({ start: 'token0' }), await from({ prompt: [0] }));
    model.startToken = 260;
    assert.deepEqual(await from({}), await from({ prompt: [260] }));
    assert.deepEqual(await from({ start: 'token0' }), await from({ prompt: [0] }));
    model.startToken = null;
  });

  test('starts from the end-of-text token where there is one, and ends when that is drawn', async () => {
    const special = Tokenizer.train(text, { vocabSize: 280, specialTokens: ['<|endoftext|>'] });
    const end = special.specialTokens.get('<|endoftext|>') as number;
    const withEnd = makeModel(special);
    const options = { maxTokens: 4000, topK: 1000, overflow: 'shift' as Overflow };
    const events = await collect(withEnd, special, options);
    const [first, ...rest] = await collect(withEnd, special, { ...options, prompt: [end] });
    assert.deepEqual(events, [{ ...first, start: end }, ...rest]);
    const last = events.at(-1);
    assert.ok(last?.type === 'finish' && last.reason === 'end' && last.tokens < 4000);
    assert.ok(tokensOf(events).every(({ id }) => id !== end));
  });

  test('ends when the special token is drawn that texts began after, whatever its name, and on no other', async () => {
    const special = Tokenizer.train(text, { vocabSize: 280, specialTokens: ['<|chapter|>', '<|other|>'] });
    const [chapter, other] = ['<|chapter|>', '<|other|>'].map(
      (name) => special.specialTokens.get(name) as number,
    );
    const begun = makeModel(special);
    const options = { maxTokens: 4000, topK: 1000, overflow: 'shift' as Overflow, prompt: 'The' };
    const endless = tokensOf(await collect(begun, special, options)).map(({ id }) => id);
    assert.ok(endless.includes(chapter) && endless.includes(other));
    begun.startToken = chapter;
    const events = await collect(begun, special, options);
    const last = events.at(-1);
    assert.ok(last?.type === 'finish' && last.reason === 'end' && last.tokens === endless.indexOf(chapter));
    begun.startToken = special.byteIds[10]; // a line feed does not end a text
    assert.deepEqual(
      tokensOf(await collect(begun, special, options)).map(({ id }) => id),
      endless,
    );
  });

  test('frees everything, and its memory does not grow over 300 tokens', async () => {
    const { backend } = model;
    for (const overflow of ['slide', 'shift'] as const) {
      const { live } = backend.memory();
      await generateText(model, tokenizer, { prompt: 'The', maxTokens: 60, overflow });
      const warm = backend.memory();
      assert.equal(warm.live, live);
      await generateText(model, tokenizer, { prompt: 'The', maxTokens: 300, overflow });
      assert.deepEqual(backend.memory(), warm);
    }
  });

  test('frees everything when its consumer leaves early or it throws', async () => {
    const { live } = model.backend.memory();
    for await (const event of generate(model, tokenizer, { prompt: 'The' }))
      if (event.type === 'token') break;
    assert.equal(model.backend.memory().live, live);
    const broken = makeModel(tokenizer);
    broken.head.bias?.write(new Float32Array(280).fill(Number.NaN));
    const { live: withBroken } = model.backend.memory();
    await assert.rejects(generateText(broken, tokenizer, { prompt: 'The' }), /NaN: the weights are broken/);
    assert.equal(model.backend.memory().live, withBroken);
    broken.dispose();
  });

  test('refuses at once what it cannot honour', () => {
    const refuses = (options: object, message: RegExp): void =>
      assert.throws(() => generate(model, tokenizer, options), message);
    refuses({ maxTokens: 0 }, /maxTokens 0 is not a whole number >= 1/);
    refuses({ samples: 1.5 }, /samples 1.5/);
    refuses({ seed: -1 }, /seed -1/);
    refuses({ topLogprobs: 281 }, /topLogprobs 281 .* from 0 to 280/);
    refuses({ overflow: 'crop' }, /overflow "crop" is not one of slide, shift/);
    refuses({ start: 'zero' }, /start "zero" is not one of text, token0/);
    refuses({ start: 'token0', prompt: 'The' }, /start 'token0' has no effect with a prompt/);
    refuses({ heal: 'no' }, /heal "no" is not true or false/);
    refuses({ stop: ['x', ''] }, /stop\[1\] "" is not a text of one whole character or more/);
    refuses({ stop: ['\ud83d'] }, /stop\[0\] "\\ud83d" is not a text of one whole character or more/);
    refuses({ stop: 'x' }, /stop "x" is not a list/);
    refuses({ prompt: 5 }, /prompt 5 is not a text or a list of token ids/);
    refuses({ signal: true }, /signal true is not an AbortSignal/);
    refuses({ prompt: [280] }, /prompt token 280 is not in the vocabulary: ids go from 0 to 279/);
    refuses(
      { temprature: 1 },
      /unknown option 'temprature' for generate: known are temperature, .*; did you mean 'temperature'\?/,
    );
    refuses({ temperature: -1 }, /temperature -1/);
    const other = Tokenizer.train(text, { vocabSize: 270 });
    assert.throws(() => generate(model, other), /the tokenizer has 270 tokens, the model 280/);
  });
});
