// What a request may hold: a table for each kind of body, from which the checks and the OpenAPI document
// follow. Read next: completion.ts.
import {
  type AnyField,
  type Complete,
  checkValue,
  custom,
  type Field,
  type Fields,
  flag,
  integer,
  number,
  type Table,
  text,
} from '../base/fields.ts';
import { similar } from '../base/nearest.ts';
import {
  array,
  number as range,
  record,
  type Schema,
  string,
  such,
  integer as whole,
} from '../base/schema.ts';
import { type SamplingOptions, samplingFields } from '../generate/sampler.ts';
import { isStopText } from '../generate/stop.ts';
import { refused } from './errors.ts';

/** The prompt of a completion: a text, several, token ids, or several lists of them. */
export type Prompt = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

/** `POST /v1/completions`, with OpenAI's names. */
export interface CompletionRequest {
  model?: string;
  prompt: Prompt;
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  presence_penalty?: number;
  frequency_penalty?: number;
  logit_bias?: Readonly<Record<string, number>>;
  n?: number;
  best_of?: number;
  stop?: string | readonly string[];
  seed?: number;
  echo?: boolean;
  logprobs?: number;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  user?: string;
}

/** Those that have a default. */
export type CompletionDefaults =
  | 'max_tokens'
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repetition_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'n'
  | 'echo'
  | 'stream';

/** The most likely tokens that a request may ask for with each token. */
const MOST_LOGPROBS = 20;
const MOST_STOPS = 16;

const tokenIds = { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 } as const;

/** A field as in the table of the library, under another name of its own. */
const sampling = <K extends keyof SamplingOptions>(name: K): (typeof samplingFields)[K] =>
  samplingFields[name];

export const modelRow: Field<string> = text({ about: 'the name of a model; default: the first one' });

/** Every parameter of a completion. */
export const completionFields: Table<CompletionRequest, CompletionDefaults> = {
  model: modelRow,
  prompt: custom({
    about: 'the text to go on from, or its token ids; or a list of several',
    required: true,
    schema: such(
      isPrompt,
      'a text of whole characters, a list of texts, a list of token ids, or a list of such lists',
    ),
    json: {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string' }, minItems: 1 },
        tokenIds,
        { type: 'array', items: tokenIds, minItems: 1 },
      ],
    },
  }),
  max_tokens: integer({ about: 'tokens per choice at most; 0: none', min: 0, default: 16 }),
  temperature: sampling('temperature'),
  top_p: sampling('topP'),
  top_k: sampling('topK'),
  min_p: sampling('minP'),
  repetition_penalty: sampling('repetitionPenalty'),
  presence_penalty: number({
    about: 'subtracted from the logits of tokens that the choice already has',
    min: -2,
    max: 2,
    default: 0,
  }),
  frequency_penalty: number({
    about: 'subtracted from the logit of a token once for each time that the choice already has it',
    min: -2,
    max: 2,
    default: 0,
  }),
  logit_bias: custom({
    about: 'added to the logits of tokens, by token id; -100 bans a token',
    schema: record(range({ min: -100, max: 100 })),
    json: { type: 'object', additionalProperties: { type: 'number', minimum: -100, maximum: 100 } },
  }),
  n: integer({ about: 'choices for each prompt', min: 1, max: 128, default: 1 }),
  best_of: integer({
    about: 'how many are made, of which the `n` most likely per token are returned; default: n',
    min: 1,
    max: 128,
  }),
  stop: custom({
    about: 'a choice ends before this text, or before the first of these',
    schema: such(
      isStop,
      `a text of whole characters, or a list of at most ${MOST_STOPS}, none of them empty`,
    ),
    json: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: MOST_STOPS },
      ],
    },
  }),
  seed: integer({ about: 'decides all draws; default: another one each time', min: 0 }),
  echo: flag({ about: 'the text begins with the prompt', default: false }),
  logprobs: integer({
    about: "the model's own log-probabilities of each token and of so many of the most likely ones",
    min: 0,
    max: MOST_LOGPROBS,
  }),
  stream: flag({ about: 'send the text as it comes, as server-sent events', default: false }),
  stream_options: custom({
    about: 'with `stream`; include_usage: the last chunk counts the tokens',
    schema: such(isStreamOptions, 'an object with include_usage, true or false'),
    json: {
      type: 'object',
      properties: { include_usage: { type: 'boolean' } },
      additionalProperties: false,
    },
  }),
  user: custom({
    about: 'who asks, as clients may say; nothing is kept, and nothing depends on it',
    schema: string,
    json: { type: 'string' },
  }),
};

/** `POST /tokenize`, as lm-eval and vLLM have it. */
export interface TokenizeRequest {
  model?: string;
  prompt: string;
  add_special_tokens?: boolean;
}

export const tokenizeFields: Table<TokenizeRequest> = {
  model: modelRow,
  prompt: custom({
    about: 'the text',
    required: true,
    schema: such(isText, 'a text of whole characters'),
    json: { type: 'string' },
  }),
  add_special_tokens: flag({
    about: 'add the tokens that a text begins with; these models have none, so both mean the same',
  }),
};

/** `POST /detokenize`. */
export interface DetokenizeRequest {
  model?: string;
  tokens: readonly number[];
}

export const detokenizeFields: Table<DetokenizeRequest> = {
  model: modelRow,
  tokens: custom({
    about: 'token ids',
    required: true,
    schema: array(whole({ min: 0 })) as Schema<readonly number[]>,
    json: { type: 'array', items: { type: 'integer', minimum: 0 } },
  }),
};

/** OpenAI's parameters that are not honoured, with the values at which they mean nothing. */
const NEUTRAL: Readonly<Record<string, { values: readonly unknown[]; why: string }>> = {
  suffix: { values: [''], why: 'a text is continued from its end only' },
};

/**
 * The parameters in `body`, with defaults; null means not given, as in OpenAI's clients. Throws an ApiError
 * that names the parameter.
 */
export function checkBody<F extends Fields>(fields: F, body: unknown): Complete<F> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused(null, 'the body is not a JSON object, which the parameters are in');
  const given = Object.entries(body).filter(([, value]) => value !== null);
  for (const [name, value] of given) {
    if (Object.hasOwn(fields, name)) checkParameter(fields[name], name, value);
    else refuseForeign(fields, name, value);
  }
  const values = Object.fromEntries(given);
  const all = Object.entries(fields).map(([name, row]) => {
    if (row.required && values[name] === undefined) throw refused(name, `${name} is missing: ${row.about}`);
    return [name, values[name] ?? row.default];
  });
  return Object.fromEntries(all) as Complete<F>;
}

function checkParameter(row: AnyField, name: string, value: unknown): void {
  try {
    checkValue(row, value, name);
  } catch (error) {
    throw refused(name, (error as Error).message);
  }
}

function refuseForeign(fields: Fields, name: string, value: unknown): void {
  const neutral = Object.hasOwn(fields, 'max_tokens') && Object.hasOwn(NEUTRAL, name) ? NEUTRAL[name] : null;
  if (neutral?.values.includes(value)) return;
  if (neutral) throw refused(name, `${name} is not supported: ${neutral.why}; leave it out`);
  const meant = similar(name, Object.keys(fields));
  const rest = meant ? `did you mean ${meant}?` : `known are ${Object.keys(fields).join(', ')}`;
  throw refused(name, `unknown parameter ${JSON.stringify(name.slice(0, 60))}: ${rest}`);
}

/** A whole number that a list of ids may hold. Whether the vocabulary has it is checked with the model. */
const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** A text that has a form in bytes: half of a surrogate pair has none. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !/\p{Cs}/u.test(value);
}

function isPrompt(value: unknown): value is Prompt {
  if (typeof value === 'string') return isText(value);
  if (!Array.isArray(value) || value.length === 0) return false;
  return (
    value.every(isText) ||
    value.every(isId) ||
    value.every((item) => Array.isArray(item) && item.length > 0 && item.every(isId))
  );
}

function isStreamOptions(value: unknown): value is { include_usage?: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, on]) => name === 'include_usage' && typeof on === 'boolean');
}

function isStop(value: unknown): value is string | readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.length > MOST_STOPS) return false;
  return list.every(isStopText);
}

/** How texts of requests are encoded: as in other servers, the name of a special token is that token. */
export const ENCODING = { allowedSpecial: 'all' } as const;
