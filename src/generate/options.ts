// The options of `generate()`, and the checks that turn a bad request into one clear line.

import {
  choice,
  complete,
  custom,
  flag,
  having,
  integer,
  signal,
  type Table,
  texts,
} from '../base/fields.ts';
import { type Schema, such } from '../base/schema.ts';
import type { GPT } from '../model/gpt.ts';
import { forwardFields } from '../model/gpt-options.ts';
import type { Tap } from '../model/taps.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Overflow } from './context.ts';
import { type Healing, planHealing } from './heal.ts';
import { type SamplingOptions, samplingFields } from './sampler.ts';
import { endTokens, type Start, startToken } from './start.ts';
import { stopText } from './stop.ts';

/** All are optional. */
export interface GenerateOptions extends SamplingOptions {
  /** Text, or token ids. Default: empty; see `start`. */
  prompt?: string | ArrayLike<number>;
  /**
   * The token before an empty prompt; it is not part of the text. Default `text`: a token that separates
   * parts of the training text, see `startToken`. `token0`: token 0, as in the seed.
   */
  start?: Start;
  /**
   * Lets the first token contain the end of the prompt: see heal.ts. Default: true for a text, false for
   * token ids.
   */
  heal?: boolean;
  /** Ends after this many tokens. Default 256. */
  maxTokens?: number;
  /** Ends before the first of these strings; neither it nor what follows is part of the text. */
  stop?: readonly string[];
  /**
   * Determines all draws: the random number for token n of sample s depends only on (seed, s, n). Default
   * 1337.
   */
  seed?: number;
  /** Independent continuations of the same prompt, one after another. Default 1. */
  samples?: number;
  /** How many of the most likely tokens are reported with each token. Default 0. */
  topLogprobs?: number;
  /** What to do beyond the context window. Default `slide`. */
  overflow?: Overflow;
  /**
   * Sees named values of every pass, and may change them. `steadyEdits` (inspect/edit.ts) makes one from
   * edits.
   */
  tap?: Tap;
  /** Ends generation after the current token when aborted. */
  signal?: AbortSignal;
}

/** GenerateOptions with their defaults, checked against a model and its tokenizer. */
export interface GenerateSettings {
  sampling: Required<SamplingOptions>;
  /** The whole prompt as tokens, never empty. */
  prompt: readonly number[];
  /** The token that the model reads first where it is not of the prompt; null where it is. */
  start: number | null;
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

const promptSchema: Schema<string | ArrayLike<number>> = such(
  (value): value is string | ArrayLike<number> =>
    typeof value === 'string' || Array.isArray(value) || ArrayBuffer.isView(value),
  'a text or a list of token ids',
);

/** Those that have a default. */
export type GenerateDefaults =
  | keyof SamplingOptions
  | 'heal'
  | 'maxTokens'
  | 'stop'
  | 'seed'
  | 'samples'
  | 'topLogprobs'
  | 'overflow';

/** Every option of `generate`. */
export const generateFields: Table<GenerateOptions, GenerateDefaults> = {
  ...samplingFields,
  prompt: custom({
    about: 'the text, or the token ids, to go on from',
    schema: promptSchema,
    json: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'integer', minimum: 0 } }] },
  }),
  start: choice(['text', 'token0'], {
    about: 'without a prompt: after a line feed or end of text, as training saw it, or after token 0',
  }),
  heal: flag({
    about: 'the first token may hold the end of the prompt and more (`:\\n` after ROMEO)',
    default: true,
  }),
  maxTokens: integer({ about: 'tokens per sample at most', min: 1, default: 256 }),
  stop: texts({ about: 'ends a sample before this text', of: stopText, default: [] }),
  seed: integer({ about: 'decides all draws', min: 0, default: 1337 }),
  samples: integer({ about: 'independent continuations', min: 1, default: 1 }),
  topLogprobs: integer({
    about: 'show this many of the most likely tokens with each token',
    min: 0,
    default: 0,
  }),
  overflow: choice(['slide', 'shift'], {
    about: 'beyond the context: slide is exact and slow, shift keeps the last half and goes on',
    default: 'slide',
  }),
  tap: forwardFields.tap,
  signal: signal({ about: 'ends after the token at hand' }),
};

/** `generateText` returns one sample. */
export type GenerateTextOptions = Omit<GenerateOptions, 'samples'>;

const { samples: _, ...textFields } = generateFields;

/** The options of `generateText`. */
export const generateTextFields: Table<
  GenerateTextOptions,
  Exclude<GenerateDefaults, 'samples'>
> = textFields;

const folderFields: Table<{ model: GPT; tokenizer: Tokenizer }> = {
  model: having('forward', 'a GPT', { about: 'the model', required: true }),
  tokenizer: having('decode', 'a Tokenizer', { about: 'the tokenizer of the model', required: true }),
};

/** Throws when an option is unknown or out of range, or when tokenizer and model do not belong together. */
export function checkGenerate(model: GPT, tokenizer: Tokenizer, options: GenerateOptions): GenerateSettings {
  const { temperature, topK, topP, minP, repetitionPenalty, ...others } = complete(
    generateFields,
    options,
    'generate',
  );
  complete(folderFields, { model, tokenizer }, 'generate');
  const { vocabSize: V, blockSize } = model.config;
  if (tokenizer.vocabSize !== V) {
    throw new Error(
      `the tokenizer has ${tokenizer.vocabSize} tokens, the model ${V}: use the tokenizer it was made for`,
    );
  }
  const { maxTokens, stop, seed, samples, topLogprobs, overflow, tap, signal } = others;
  checkTop(topLogprobs, V);
  const given = promptIds(options.prompt ?? '', tokenizer);
  const start = startOf(options.start, given, model, tokenizer);
  const heal = options.heal ?? typeof options.prompt === 'string'; // token ids are taken as they are
  const healing = heal && given.length > 0 ? planHealing(given, tokenizer, { start, blockSize }) : null;
  // Healing may take back the whole prompt.
  const before = given.length === 0 || (healing && healing.base.length + healing.rest.length > given.length);
  return {
    sampling: { temperature, topK, topP, minP, repetitionPenalty },
    prompt: given.length > 0 ? given : [start],
    start: before ? start : null,
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

/** The token before the text. Throws when `start` is set although there is a prompt. */
function startOf(
  start: Start | undefined,
  prompt: readonly number[],
  model: GPT,
  tokenizer: Tokenizer,
): number {
  checkStart(start, prompt.length > 0);
  return start === 'token0' ? 0 : startToken(model, tokenizer);
}

/** Throws when more tokens are to be shown with each token than there are. */
export function checkTop(topLogprobs: number, V: number): void {
  if (topLogprobs > V)
    throw new Error(`topLogprobs ${topLogprobs} is not a whole number from 0 to ${V}: there are ${V} tokens`);
}

/** Throws when `start` is set although there is a prompt. */
export function checkStart(start: Start | undefined, hasPrompt: boolean): void {
  if (start !== undefined && hasPrompt)
    throw new Error(`start '${start}' has no effect with a prompt: leave one of them out`);
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
