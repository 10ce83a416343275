// Text from a model, token by token, as a stream of events. Read next: context.ts (what the model sees),
// sampler.ts, heal.ts.
import { pacemaker } from '../backend/pacemaker.ts';
import { settled, whenDropped } from '../base/dropped.ts';
import { checkOptions } from '../base/fields.ts';
import type { GPT } from '../model/gpt.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Context, createContext } from './context.ts';
import { drawHealed, type FirstToken } from './heal.ts';
import {
  checkGenerate,
  type GenerateOptions,
  type GenerateSettings,
  type GenerateTextOptions,
  generateTextFields,
} from './options.ts';
import { mostLikely, sample as sampleToken } from './sampler.ts';
import { stopFilter } from './stop.ts';

/** First event. */
export interface StartEvent {
  type: 'start';
  text: '';
  promptTokens: number;
  /**
   * Tokens at the start of the prompt that the model cannot see, because the prompt is longer than the
   * context window.
   */
  promptDropped: number;
  /**
   * The token that the model reads before the text, without a prompt, or where the first token may replace
   * all of it: see `start`. Absent otherwise.
   */
  start?: number;
}

/** One token. */
export interface TokenEvent {
  type: 'token';
  /** The number of the sample, from 0. */
  sample: number;
  id: number;
  /**
   * Text that can be shown now. It may be empty and lag behind the tokens: a character split over several
   * tokens is returned whole, and text that may begin a stop string is held back.
   */
  text: string;
  /** ln of the model's own probability of the token: before penalty, temperature and filters. */
  logprob: number;
  /**
   * Number of bytes at the end of the prompt that the token also contains; `text` is what goes beyond them.
   * Absent: none.
   */
  held?: number;
  /** The most likely tokens, with their text for people (`tokenText`), when requested by `topLogprobs`. */
  top?: { id: number; text: string; logprob: number }[];
}

/** Last event of a sample. */
export interface FinishEvent {
  type: 'finish';
  sample: number;
  /** The text that was still held back. */
  text: string;
  /**
   * `length`: `maxTokens` reached. `end`: the model drew a token that ends a text (`endTokens`); that token
   * is not part of it.
   */
  reason: 'length' | 'stop' | 'end' | 'aborted';
  /** The stop string, if `reason` is `stop`. */
  stop: string | null;
  /** Number of tokens drawn, without the one of `end`. */
  tokens: number;
}

/** The `text` of a sample's events, concatenated, is the sample. It does not repeat the prompt. */
export type GenerateEvent = StartEvent | TokenEvent | FinishEvent;

/**
 * Continues a prompt. Throws at once when an option is out of range or the tokenizer is not the model's.
 * Every sample ends with a `finish` event; an aborted sample is the last. Leaving the loop early frees
 * everything.
 *
 * @example for await (const { text } of generate(model, tokenizer, { prompt: 'ROMEO:', maxTokens: 200, topP:
 * 0.95 })) {
 *   process.stdout.write(text);
 * }
 */
export function generate(
  model: GPT,
  tokenizer: Tokenizer,
  options: GenerateOptions = {},
): AsyncGenerator<GenerateEvent, void, undefined> {
  return samples(model, tokenizer, checkGenerate(model, tokenizer, options));
}

/** One sample as a string: the continuation without the prompt. */
export async function generateText(
  model: GPT,
  tokenizer: Tokenizer,
  options: GenerateTextOptions = {},
): Promise<string> {
  checkOptions(generateTextFields, options, 'generateText');
  let text = '';
  for await (const event of generate(model, tokenizer, { ...options, samples: 1 })) text += event.text;
  return text;
}

async function* samples(
  model: GPT,
  tokenizer: Tokenizer,
  settings: GenerateSettings,
): AsyncGenerator<GenerateEvent, void, undefined> {
  const promptTokens = settings.prompt.length;
  const promptDropped = Math.max(0, promptTokens - model.config.blockSize);
  const event: StartEvent = { type: 'start', text: '', promptTokens, promptDropped };
  if (settings.start !== null) event.start = settings.start;
  yield event;
  for (let sample = 0; sample < settings.samples; sample++) {
    const finish = yield* oneSample(model, tokenizer, settings, sample);
    yield finish;
    if (finish.reason === 'aborted') return;
  }
}

async function* oneSample(
  model: GPT,
  tokenizer: Tokenizer,
  settings: GenerateSettings,
  sample: number,
): AsyncGenerator<TokenEvent, FinishEvent, undefined> {
  const { sampling, maxTokens, signal, topLogprobs, ends } = settings;
  const context = createContext(model, settings.overflow, settings.tap);
  const holder = {};
  whenDropped(holder, context.dispose);
  const random = createRandom({ seed: settings.seed, stream: STREAMS.samples, position: sample * 2 ** 32 });
  const decoder = tokenizer.stream();
  // The prompt may end inside a character.
  decoder.pushBytes(tokenizer.decodeBytes(settings.prompt.slice(-3)).slice(-3));
  const stops = stopFilter(settings.stop);
  const pause = pacemaker(model.backend, TURN_MS);
  let reason: FinishEvent['reason'] = 'length';
  let next: readonly number[] = [];
  let tokens = 0;
  try {
    while (tokens < maxTokens) {
      await pause();
      if (signal?.aborted) {
        reason = 'aborted';
        break;
      }
      const drawn: FirstToken =
        tokens === 0
          ? await firstToken(context, settings, random.uniform())
          : await nextToken(context, next, sampling, random.uniform());
      const { id, logprob, logits, held } = drawn;
      if (ends.has(id)) {
        reason = 'end';
        break;
      }
      const text = stops.push(decoder.pushBytes(tokenizer.token(id).subarray(held)));
      const event: TokenEvent = { type: 'token', sample, id, text, logprob };
      if (held > 0) event.held = held;
      if (topLogprobs > 0) event.top = alternatives(logits, topLogprobs, tokenizer);
      tokens++;
      yield event;
      if (stops.found !== null) break;
      next = drawn.next;
    }
    const text = stops.push(decoder.flush()) + stops.flush();
    if (stops.found !== null) reason = 'stop';
    return { type: 'finish', sample, text, reason, stop: stops.found, tokens };
  } finally {
    settled(holder);
    context.dispose();
  }
}

/** Draws the token after the prompt. */
function firstToken(
  context: Context,
  { prompt, healing, sampling }: GenerateSettings,
  u: number,
): Promise<FirstToken> {
  return healing ? drawHealed(context, healing, sampling, u) : nextToken(context, prompt, sampling, u);
}

/** Reads `ids` and draws the token after them. */
async function nextToken(
  context: Context,
  ids: readonly number[],
  sampling: GenerateSettings['sampling'],
  u: number,
): Promise<FirstToken> {
  const logits = await context.read(ids);
  const { id, logprob } = sampleToken(logits, sampling, context.visible, u);
  return { id, logprob, logits, held: 0, next: [id] };
}

function alternatives(logits: Float32Array, n: number, tokenizer: Tokenizer): TokenEvent['top'] {
  return mostLikely(logits, n).map(({ id, logprob }) => ({
    id,
    text: tokenizer.tokenText(id),
    logprob,
  }));
}

/** Milliseconds between two turns of the event loop. */
const TURN_MS = 15;
