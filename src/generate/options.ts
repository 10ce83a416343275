// What can be asked of `generate()`, and the checks that turn a bad request into one clear line.

import { refuseUnknown } from '../base/options.ts';
import type { GPT } from '../model/gpt.ts';
import type { Tap } from '../model/taps.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Overflow } from './context.ts';
import { type Healing, planHealing } from './heal.ts';
import { checkSampling, type SamplingOptions, samplingFields } from './sampler.ts';
import { endTokens, type Start, startToken } from './start.ts';

/** All may be left out. */
export interface GenerateOptions extends SamplingOptions {
  /** Text, or token ids. Default: empty, see `start`. */
  prompt?: string | ArrayLike<number>;
  /**
   * What an empty prompt goes on from; it is no part of the text. Default `text`: a token that the training text has between
   * its parts, see `startToken`. `token0`: as the seed does.
   */
  start?: Start;
  /**
   * Lets the first token hold the end of the prompt and more, where the tokenizer would have cut the text so: see heal.ts.
   * Default: true for a text; token ids are taken as they are unless it is set.
   */
  heal?: boolean;
  /** Ends after this many tokens. Default 256. */
  maxTokens?: number;
  /** Ends before the first of these strings; neither it nor what follows is part of the text. */
  stop?: readonly string[];
  /** Decides all draws: token n of sample s is drawn with a number that depends on (seed, s, n) only. Default 1337. */
  seed?: number;
  /** Independent continuations of the same prompt, one after another. Default 1. */
  samples?: number;
  /** Reports this many of the most likely tokens with each token. Default 0. */
  topLogprobs?: number;
  /** Beyond the context window. Default `slide`. */
  overflow?: Overflow;
  /** Sees named values of every pass, and may change them: `steadyEdits` (inspect/edit.ts) makes one of edits. */
  tap?: Tap;
  /** Ends after the token at hand when aborted. */
  signal?: AbortSignal;
}

/** GenerateOptions, complete and checked against a model and its tokenizer. */
export interface GenerateSettings {
  sampling: Required<SamplingOptions>;
  /** The whole prompt as tokens, never empty. */
  prompt: readonly number[];
  /** The tokenisations of the prompt, where there are several. */
  healing: Healing | null;
  maxTokens: number;
  stop: readonly string[];
  seed: number;
  samples: number;
  topLogprobs: number;
  overflow: Overflow;
  tap: Tap | undefined;
  signal: AbortSignal | undefined;
  /** The tokens that end a text; see `endTokens`. */
  ends: ReadonlySet<number>;
}

const optionNames: readonly (keyof GenerateOptions)[] = [
  ...(Object.keys(samplingFields) as (keyof SamplingOptions)[]),
  ...([
    'prompt',
    'start',
    'heal',
    'maxTokens',
    'stop',
    'seed',
    'samples',
    'topLogprobs',
    'overflow',
    'tap',
    'signal',
  ] as const),
];

/** Throws when an option is unknown or out of range, or when tokenizer and model do not belong together. */
export function checkGenerate(model: GPT, tokenizer: Tokenizer, options: GenerateOptions): GenerateSettings {
  refuseUnknown(options, optionNames, 'generate');
  const { vocabSize: V } = model.config;
  if (tokenizer.vocabSize !== V) {
    throw new Error(
      `the tokenizer has ${tokenizer.vocabSize} tokens, the model ${V}: use the tokenizer it was made for`,
    );
  }
  const {
    maxTokens = 256,
    seed = 1337,
    samples = 1,
    topLogprobs = 0,
    overflow = 'slide',
    stop = [],
    heal = typeof options.prompt === 'string',
  } = options;
  checkWhole('maxTokens', maxTokens, 1);
  checkWhole('seed', seed, 0);
  checkWhole('samples', samples, 1);
  checkWhole('topLogprobs', topLogprobs, 0, V);
  if (overflow !== 'slide' && overflow !== 'shift') {
    throw new Error(`overflow '${String(overflow)}' is unknown: use slide or shift`);
  }
  if (!Array.isArray(stop) || stop.some((text) => typeof text !== 'string' || text === '')) {
    throw new Error(`stop ${JSON.stringify(stop)} is not a list of strings with at least one character each`);
  }
  if (typeof heal !== 'boolean') throw new Error(`heal ${String(heal)} is neither true nor false`);
  const given = promptIds(options.prompt ?? '', tokenizer);
  const start = startOf(options.start, given, model, tokenizer);
  const prompt = given.length > 0 ? given : [start];
  const { blockSize } = model.config;
  const healing = heal && given.length > 0 ? planHealing(given, tokenizer, { start, blockSize }) : null;
  const sampling = checkSampling(options);
  const { tap, signal } = options;
  return {
    sampling,
    prompt,
    healing,
    maxTokens,
    stop,
    seed,
    samples,
    topLogprobs,
    overflow,
    tap,
    signal,
    ends: endTokens(model, tokenizer),
  };
}

/** The token before the text. Throws when it was asked for and cannot be honoured. */
function startOf(
  start: Start | undefined,
  prompt: readonly number[],
  model: GPT,
  tokenizer: Tokenizer,
): number {
  if (start !== undefined && start !== 'text' && start !== 'token0')
    throw new Error(`start '${String(start)}' is unknown: use text or token0`);
  if (start !== undefined && prompt.length > 0)
    throw new Error(`start '${start}' has no effect with a prompt: leave one of them out`);
  return start === 'token0' ? 0 : startToken(model, tokenizer);
}

/** The tokens of a prompt. Throws when an id is not in the vocabulary. */
function promptIds(prompt: string | ArrayLike<number>, tokenizer: Tokenizer): readonly number[] {
  const ids = Array.from(typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt);
  const foreign = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize));
  if (foreign !== undefined) {
    throw new Error(
      `prompt token ${foreign} is not in the vocabulary: ids go from 0 to ${tokenizer.vocabSize - 1}`,
    );
  }
  return ids;
}

function checkWhole(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const limit = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `from ${min} to ${max}`;
  throw new Error(`${name} ${String(value)} is out of range: it must be a whole number ${limit}`);
}
