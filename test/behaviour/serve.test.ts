// `POST /v1/completions`: every parameter does what it says, in OpenAI's legacy shape.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { softmax } from '../../src/base/statistics.ts';
import type { GenerateOptions } from '../../src/generate/options.ts';
import { startToken } from '../../src/generate/start.ts';
import { logitsOf } from '../../src/model/logits.ts';
import { collect } from '../support/generation.ts';
import {
  type AnsweredLogprobs,
  CONTEXT,
  type CompletionAnswer,
  eventsOf,
  type Lab,
  openLab,
  smallModel,
} from './serve-lab.ts';

const { backend, model, tokenizer } = await smallModel();
let lab: Lab;
before(async () => {
  lab = await openLab([{ name: 'small', model, tokenizer }], { maxTokens: 100 });
});
after(async () => {
  await lab.server.close();
  model.dispose();
  backend.dispose();
});

const PROMPT = 'To be, ';
const ids = (text: string): number[] => Array.from(tokenizer.encode(text, { allowedSpecial: 'all' }));
const end = tokenizer.specialTokens.get('<|endoftext|>') as number;
/** Fresh weights often draw the token that ends a text, and bytes that are no character. */
const BANNED = Object.fromEntries(
  [end, ...Array.from({ length: 128 }, (_, i) => 128 + i)].map((id) => [id, -100]),
);
const ON = { logit_bias: BANNED };

/** The texts that `generate` writes: without healing, as token ids are taken as they are. */
async function written(options: GenerateOptions): Promise<string[]> {
  const texts: string[] = [];
  for (const event of await collect(model, tokenizer, { prompt: ids(PROMPT), ...options }))
    if (event.type !== 'start') texts[event.sample] = (texts[event.sample] ?? '') + event.text;
  return texts;
}

describe('a completion', () => {
  test('is what generate() writes, sample by sample, also beyond the context window', async () => {
    for (const [asked, options] of [
      [{ max_tokens: 20 }, { maxTokens: 20 }],
      [
        { max_tokens: 60, temperature: 0.7, top_p: 0.9 },
        { maxTokens: 60, temperature: 0.7, topP: 0.9 },
      ],
      [
        { max_tokens: 20, top_k: 5, min_p: 0.01 },
        { maxTokens: 20, topK: 5, minP: 0.01 },
      ],
      [
        { repetition_penalty: 1.3, temperature: 0 },
        { maxTokens: 16, repetitionPenalty: 1.3, temperature: 0 },
      ],
    ] as const) {
      const answer = await lab.complete({ prompt: PROMPT, seed: 11, n: 3, ...asked });
      const texts = await written({ seed: 11, samples: 3, ...options });
      assert.deepEqual(
        answer.choices.map(({ text }) => text),
        texts,
      );
      assert.deepEqual(
        answer.choices.map(({ index }) => index),
        [0, 1, 2],
      );
    }
  });

  test('has the shape of the legacy API', async () => {
    const { id, choices, usage, ...rest } = await lab.complete({
      ...ON,
      prompt: PROMPT,
      max_tokens: 7,
      seed: 1,
    });
    assert.match(id, /^cmpl-[0-9a-f]{24}$/);
    assert.deepEqual({ ...rest, created: 0 }, { object: 'text_completion', created: 0, model: 'small' });
    assert.deepEqual(
      choices.map(({ text: _, ...choice }) => choice),
      [{ index: 0, logprobs: null, finish_reason: 'length' }],
    );
    const prompt_tokens = ids(PROMPT).length;
    assert.deepEqual(usage, { prompt_tokens, completion_tokens: 7, total_tokens: prompt_tokens + 7 });
  });

  test('takes a text, texts, token ids and lists of them', async () => {
    const one = async (prompt: unknown): Promise<string[]> =>
      (await lab.complete({ prompt, seed: 5, max_tokens: 6 })).choices.map(({ text }) => text);
    const [first] = await one(PROMPT);
    const [second] = await one('the ');
    assert.deepEqual(await one([PROMPT, 'the ']), [first, second]);
    assert.deepEqual(await one(ids(PROMPT)), [first]);
    assert.deepEqual(await one([ids('the '), ids(PROMPT)]), [second, first]);
    const two = await lab.complete({ prompt: [PROMPT, 'the '], n: 2, seed: 5, max_tokens: 6 });
    assert.deepEqual(
      two.choices.map(({ index }) => index),
      [0, 1, 2, 3],
    );
    assert.deepEqual([two.choices[0].text, two.choices[2].text], [first, second]);
    assert.equal(two.usage.prompt_tokens, ids(PROMPT).length + ids('the ').length);
  });

  test('of an empty prompt begins as training saw texts begin', async () => {
    const asked = { ...ON, temperature: 0, max_tokens: 5 };
    const { choices, usage } = await lab.complete({ ...asked, prompt: '', echo: true });
    const after = await lab.complete({ ...asked, prompt: [startToken(model, tokenizer)] });
    assert.equal(choices[0].text, after.choices[0].text);
    assert.equal(usage.prompt_tokens, 0);
  });

  test('ends before a stop text, and at the token that ends a text', async () => {
    const [text] = await written({ seed: 2, maxTokens: 16 });
    const stop = text.slice(4, 6);
    const { choices } = await lab.complete({ prompt: PROMPT, seed: 2, stop });
    assert.deepEqual(
      [choices[0].text, choices[0].finish_reason],
      [text.slice(0, text.indexOf(stop)), 'stop'],
    );
    const several = await lab.complete({ prompt: PROMPT, seed: 2, stop: ['never there', stop] });
    assert.deepEqual(several.choices[0], choices[0]);
    const ended = await lab.complete({ prompt: PROMPT, logit_bias: { [end]: 100 }, logprobs: 1 });
    assert.deepEqual(ended.choices, [
      {
        ...{ text: '', index: 0, finish_reason: 'stop' },
        logprobs: { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] },
      },
    ]);
    assert.equal(ended.usage.completion_tokens, 0);
  });

  test('without a seed is another one each time', async () => {
    const texts = new Set<string>();
    for (let i = 0; i < 5; i++)
      texts.add((await lab.complete({ ...ON, prompt: PROMPT, max_tokens: 8 })).choices[0].text);
    assert.ok(texts.size > 1);
  });

  test('of no tokens is nothing, or with echo the prompt', async () => {
    const [nothing, prompt] = [false, true].map((echo) =>
      lab.complete({ prompt: PROMPT, max_tokens: 0, echo }),
    );
    assert.deepEqual((await nothing).choices[0].text, '');
    assert.deepEqual((await prompt).choices[0], {
      ...{ text: PROMPT, index: 0, logprobs: null, finish_reason: 'length' },
    });
  });

  test('has biases and penalties', async () => {
    const bias = { [ids('q')[0]]: 100, [end]: -100 };
    const always = await lab.complete({ prompt: PROMPT, logit_bias: bias, max_tokens: 4 });
    assert.equal(always.choices[0].text, 'qqqq');
    const halved = { [ids('q')[0]]: 61, [ids('z')[0]]: 60, [end]: -100 };
    const greedy = { prompt: PROMPT, logit_bias: halved, temperature: 0, max_tokens: 6 };
    const frequency = await lab.complete({ ...greedy, frequency_penalty: 2 });
    assert.match(frequency.choices[0].text, /^(?=.*q)(?=.*z)[qz]{6}$/);
    const presence = await lab.complete({ ...greedy, presence_penalty: 2, max_tokens: 2 });
    assert.match(presence.choices[0].text, /^(qz|zq)$/);
    const plain = await lab.complete(greedy);
    assert.match(plain.choices[0].text, /^(q+|z+)$/);
  });

  test('best of several are those that the model finds most likely per token', async () => {
    const asked = { ...ON, prompt: PROMPT, seed: 9, max_tokens: 6, logprobs: 0 };
    const all = await lab.complete({ ...asked, n: 5 });
    const means = all.choices.map(({ logprobs }) => sum(logprobs?.token_logprobs ?? []) / 6);
    const order = [0, 1, 2, 3, 4].sort((a, b) => means[b] - means[a]);
    const best = await lab.complete({ ...asked, best_of: 5 });
    assert.deepEqual(best.choices[0].text, all.choices[order[0]].text);
    assert.equal(best.usage.completion_tokens, 30);
    const two = await lab.complete({ ...asked, best_of: 5, n: 2 });
    assert.deepEqual(
      new Set(two.choices.map(({ text }) => text)),
      new Set(order.slice(0, 2).map((i) => all.choices[i].text)),
    );
    assert.deepEqual(
      two.choices.map(({ index }) => index),
      [0, 1],
    );
  });

  test('of a prompt as long as the context is possible, and one more token can be scored', async () => {
    const prompt = Array.from({ length: CONTEXT }, (_, i) => (i * 7) % 250);
    const full = await lab.complete({ ...ON, prompt, max_tokens: 2, seed: 1 });
    assert.equal(full.usage.completion_tokens, 2);
    const asked = { prompt: [...prompt, 65], echo: true, logprobs: 1, max_tokens: 1, temperature: 0, ...ON };
    const { choices } = await lab.complete(asked);
    assert.equal(choices[0].logprobs?.tokens.length, CONTEXT + 2);
    await checkLogprobs([...prompt, 65], choices[0].logprobs as AnsweredLogprobs, CONTEXT);
    const { status, param, code } = await lab.refusal('/v1/completions', { prompt: [...prompt, 65] });
    assert.deepEqual([status, param, code], [400, 'prompt', 'context_length_exceeded']);
  });
});

describe('log-probabilities', () => {
  test('with echo are those of every token of the prompt', async () => {
    for (const prompt of [PROMPT, 'wörter 🙂 grüße', [200, 201, 72]]) {
      const list = typeof prompt === 'string' ? ids(prompt) : prompt;
      for (const max_tokens of [0, 1, 3]) {
        const asked = { ...ON, prompt, echo: true, logprobs: 2, max_tokens, temperature: 0 };
        const { choices } = await lab.complete(asked);
        const { logprobs } = choices[0];
        assert.ok(logprobs);
        assert.equal(logprobs.tokens.length, list.length + max_tokens);
        assert.deepEqual([logprobs.token_logprobs[0], logprobs.top_logprobs[0]], [null, null]);
        await checkLogprobs(list, logprobs, list.length);
        checkOffsets(choices[0].text, logprobs);
      }
    }
  });

  test('are the same for one token as for many, and the largest is the greedy choice', async () => {
    const { choices } = await lab.complete({
      ...{ prompt: [ids(PROMPT)], temperature: 0, max_tokens: 1, logprobs: 1, seed: 1234, echo: true },
    });
    const { token_logprobs, top_logprobs } = choices[0].logprobs as AnsweredLogprobs;
    const n = ids(PROMPT).length;
    assert.equal(token_logprobs.length, n + 1);
    assert.equal(token_logprobs[n], Math.max(...Object.values(top_logprobs[n] ?? {})));
  });

  test('without echo begin after the prompt, and have the chosen token beside the most likely', async () => {
    const { choices } = await lab.complete({ ...ON, prompt: PROMPT, logprobs: 0, max_tokens: 12, seed: 4 });
    const logprobs = choices[0].logprobs as AnsweredLogprobs;
    assert.equal(logprobs.tokens.length, 12);
    logprobs.tokens.forEach((token, i) => {
      assert.deepEqual(logprobs.top_logprobs[i], { [token]: logprobs.token_logprobs[i] });
    });
    checkOffsets(PROMPT + choices[0].text, logprobs);
    const five = await lab.complete({ ...ON, prompt: PROMPT, logprobs: 5, max_tokens: 12, seed: 4 });
    for (const top of five.choices[0].logprobs?.top_logprobs ?? [])
      assert.ok([5, 6].includes(Object.keys(top ?? {}).length));
  });

  test('of pieces of characters have names of their own', async () => {
    const bytes = new TextEncoder().encode('日');
    const { choices } = await lab.complete({ prompt: [...bytes], echo: true, logprobs: 0, max_tokens: 0 });
    assert.equal(choices[0].text, '日');
    assert.deepEqual(choices[0].logprobs?.tokens, ['bytes:\\xe6', 'bytes:\\x97', 'bytes:\\xa5']);
    assert.deepEqual(choices[0].logprobs?.text_offset, [0, 0, 0]);
  });

  test('of bytes that are no text have the places of what is shown for them', async () => {
    for (const [bytes, text, offsets] of [
      [[0xe2, 0x41], '\ufffdA', [0, 1]],
      [[0xe2, 0x82, 0xe2, 0x82, 0xac, 0x41], '\ufffd€A', [0, 0, 1, 1, 1, 2]],
      [[0xff, 0xc3, 0xbc, 0x80, 0x80], '\ufffdü\ufffd\ufffd', [0, 1, 1, 2, 3]],
      [[0xf0, 0x9f, 0x98, 0xff], '\ufffd\ufffd', [0, 0, 0, 1]],
      [[0xef, 0xbf, 0xbd, 0xc3], '\ufffd\ufffd', [0, 0, 0, 1]],
      [[0xed, 0xa0, 0x80, 0x41], '\ufffd\ufffd\ufffdA', [0, 1, 2, 3]],
      [[0xef, 0xbb, 0xbf, 0x41], '\ufeffA', [0, 0, 0, 1]],
      [[0xc3, 0xc3, 0xc3], '\ufffd\ufffd\ufffd', [0, 1, 2]],
    ] as const) {
      const asked = { prompt: bytes, echo: true, logprobs: 0, max_tokens: 0 };
      const { choices } = await lab.complete(asked);
      assert.deepEqual([choices[0].text, choices[0].logprobs?.text_offset], [text, offsets]);
      // As a prompt that is not shown, and what is written after it.
      const bias = Object.fromEntries([[end, -100], ...bytes.slice(-1).map((id) => [id, 100])]);
      const after = { prompt: bytes.slice(0, -1), max_tokens: 1, logit_bias: bias, logprobs: 0 };
      const last = (await lab.complete(after)).choices[0].logprobs?.text_offset;
      assert.deepEqual(last, offsets.slice(-1), `${bytes}`);
    }
  });

  test('stop where the text stops', async () => {
    const asked = { ...ON, prompt: PROMPT, seed: 2 };
    const stop = (await lab.complete(asked)).choices[0].text.slice(4, 6);
    const { choices } = await lab.complete({ ...asked, stop, logprobs: 0 });
    const { tokens, text_offset } = choices[0].logprobs as AnsweredLogprobs;
    assert.ok(tokens.join('').startsWith(choices[0].text));
    const length = [...PROMPT, ...choices[0].text].length;
    assert.ok(text_offset.every((offset) => offset < length));
  });
});

describe('a stream', () => {
  const streams: readonly object[] = [
    { prompt: PROMPT, seed: 3, max_tokens: 40 },
    { prompt: 'wörter 🙂', seed: 3, max_tokens: 30, logprobs: 1, echo: true },
    { prompt: [PROMPT, 'the '], n: 2, seed: 8, logprobs: 0, stop: ['e', 'be'] },
    { prompt: PROMPT, max_tokens: 0, echo: true, logprobs: 1 },
    { prompt: PROMPT, max_tokens: 0 },
    { prompt: [PROMPT, 'the '], max_tokens: 0, echo: true },
  ];

  test('joined is the whole answer', async () => {
    for (const asked of streams) {
      const whole = await lab.complete(asked);
      const events = await eventsOf(await lab.post('/v1/completions', { ...asked, stream: true }));
      assert.equal(events.pop(), '[DONE]');
      const chunks = events as CompletionAnswer[];
      const joined = whole.choices.map(({ index }) => joinChoice(chunks, index));
      assert.deepEqual(joined, whole.choices);
      assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
      assert.ok(chunks.every((chunk) => chunk.object === 'text_completion' && !('usage' in chunk)));
    }
  });

  test('counts the tokens in its last chunk, if asked to', async () => {
    const asked = { prompt: PROMPT, seed: 3, stream: true, stream_options: { include_usage: true } };
    const events = await eventsOf(await lab.post('/v1/completions', asked));
    const [last, ...before] = (events.slice(0, -1) as CompletionAnswer[]).reverse();
    const { usage } = await lab.complete({ prompt: PROMPT, seed: 3 });
    assert.deepEqual([last.choices, last.usage], [[], usage]);
    assert.ok(before.every((chunk) => chunk.usage === null));
  });
});

test('requests at once get what each gets alone', async () => {
  const asked = Array.from({ length: 40 }, (_, i) => ({
    ...{ prompt: ids('To be, or not to be').slice(0, 1 + (i % 6)), seed: i, max_tokens: 1 + ((i * 7) % 45) },
    ...(i % 3 === 0 && { logprobs: 1, echo: true }),
  }));
  const alone: CompletionAnswer[] = [];
  for (const body of asked) alone.push(await lab.complete(body));
  const together = await Promise.all(asked.map((body) => lab.complete(body)));
  assert.deepEqual(
    together.map(({ choices }) => choices),
    alone.map(({ choices }) => choices),
  );
  assert.deepEqual(lab.errors, []);
});

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** A choice of the chunks of a stream. */
function joinChoice(chunks: readonly CompletionAnswer[], index: number): CompletionAnswer['choices'][0] {
  const pieces = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
  const all = pieces.flatMap(({ logprobs }) => (logprobs ? [logprobs] : []));
  const logprobs: AnsweredLogprobs = {
    tokens: all.flatMap(({ tokens }) => tokens),
    token_logprobs: all.flatMap(({ token_logprobs }) => token_logprobs),
    top_logprobs: all.flatMap(({ top_logprobs }) => top_logprobs),
    text_offset: all.flatMap(({ text_offset }) => text_offset),
  };
  assert.deepEqual(
    pieces.map(({ finish_reason }) => finish_reason !== null).indexOf(true),
    pieces.length - 1,
  );
  return {
    text: pieces.map(({ text }) => text).join(''),
    index,
    logprobs: all.length > 0 ? logprobs : null,
    finish_reason: pieces.at(-1)?.finish_reason ?? null,
  };
}

/** The first `count` tokens of `list`: their log-probabilities against a pass over all of them. */
async function checkLogprobs(
  list: readonly number[],
  logprobs: AnsweredLogprobs,
  count: number,
): Promise<void> {
  const read = list.slice(0, CONTEXT);
  const logits = await logitsOf(model, { ids: Int32Array.from(read), B: 1, T: read.length });
  const V = tokenizer.vocabSize;
  for (let i = 1; i < count; i++) {
    const p = softmax(logits.subarray((i - 1) * V, i * V));
    const { [i]: logprob } = logprobs.token_logprobs;
    assert.ok(Math.abs((logprob ?? 0) - Math.log(p[list[i]])) < 1e-4, `token ${i}`);
    const top = Object.values(logprobs.top_logprobs[i] ?? {});
    assert.ok(Math.abs(Math.max(...top) - Math.log(Math.max(...p))) < 1e-4, `top of token ${i}`);
  }
}

/** Each token that is a text stands in the text where its offset says. */
function checkOffsets(text: string, { tokens, text_offset }: AnsweredLogprobs): void {
  const characters = [...text];
  tokens.forEach((token, i) => {
    if (token.startsWith('bytes:')) return;
    const length = [...token].length;
    assert.equal(characters.slice(text_offset[i], text_offset[i] + length).join(''), token);
  });
}
