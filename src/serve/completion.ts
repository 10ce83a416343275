// A completion: from the checked request to its choices, whole or piece by piece. Read next: choice.ts.
import { randomBytes, randomInt } from 'node:crypto';
import type { Complete } from '../base/fields.ts';
import { formatAmount } from '../base/format.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import {
  type Choice,
  type ChoiceSettings,
  createChoice,
  type Logprobs,
  legacyLogprobs,
  type Piece,
  type TokenRecord,
} from './choice.ts';
import { ApiError, refused } from './errors.ts';
import type { ServedModel } from './models.ts';
import { type CompletionRequest, type completionFields, ENCODING, type Prompt } from './requests.ts';
import type { Job } from './schedule.ts';

/** Limits of a request. */
export interface CompletionLimits {
  /** The largest `max_tokens`. */
  maxTokens: number;
  /** Choices in all: those of each prompt. */
  choices: number;
}

/**
 * The most log-probabilities of a request: of the tokens that it draws and of those listed beside them. They
 * are in memory until the answer is sent, at up to 50 bytes each.
 */
const MOST_LOGPROBS = 2 ** 21;

/** A checked request. */
export type CompletionSettings = Complete<typeof completionFields> & Pick<CompletionRequest, 'prompt'>;

/** A choice in an answer, whole or a piece of it. */
export interface AnsweredChoice {
  text: string;
  index: number;
  logprobs: Logprobs | null;
  finish_reason: 'stop' | 'length' | null;
}

/** The number of tokens in prompts and texts. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** A completion that is being written. */
export interface Completion {
  /** What all its documents have in common. */
  readonly head: { id: string; object: 'text_completion'; created: number; model: string };
  /**
   * Writes its choices; `onPiece` gets them as they come. Rejects when one fails, which aborts the others by
   * `control`, or with the reason of which that was aborted. Throws an ApiError at once where too many wait.
   */
  write(control: AbortController, onPiece?: (choice: AnsweredChoice) => void): Promise<AnsweredChoice[]>;
  /** Known once it is written. */
  usage(): Usage;
}

/** A choice, and what it has written so far. */
interface Written {
  index: number;
  prompt: readonly number[];
  choice: Choice;
  text: string;
  tokens: TokenRecord[];
  finish: Piece['finish'];
}

/**
 * Checks what depends on the model, and prepares the choices. Throws an ApiError that names the parameter.
 */
export function createCompletion(
  served: ServedModel,
  request: CompletionSettings,
  limits: CompletionLimits,
): Completion {
  const { model, tokenizer, schedule } = served;
  const { n, best_of: bestOf = n, stream } = request;
  const settings = settingsOf(request, tokenizer);
  checkTogether(request, limits.maxTokens);
  const prompts = promptsOf(request.prompt, tokenizer);
  const count = prompts.length * bestOf;
  if (count > limits.choices)
    throw refused(
      bestOf > 1 ? (request.best_of === undefined ? 'n' : 'best_of') : 'prompt',
      `${formatAmount(prompts.length, 'prompt')} of ${formatAmount(bestOf, 'choice')} are ${count}: at most ${limits.choices} are made at once`,
    );
  const kept = count * settings.maxTokens * (1 + (settings.logprobs ?? 0));
  if (kept > MOST_LOGPROBS)
    throw refused(
      'max_tokens',
      `max_tokens ${settings.maxTokens} for ${formatAmount(count, 'choice')} with logprobs ${settings.logprobs ?? 0} are ${kept} log-probabilities: at most ${MOST_LOGPROBS} are kept for a request`,
    );
  const scoring = settings.echo && settings.logprobs !== null;
  for (const ids of prompts) checkLength(ids, model.config.blockSize, scoring, settings.maxTokens);
  const written = prompts.flatMap((prompt, p) =>
    Array.from({ length: bestOf }, (_, sample): Written => {
      const choice = createChoice(served, prompt, settings, sample);
      return { index: p * bestOf + sample, prompt, choice, text: '', tokens: [], finish: null };
    }),
  );
  const head = {
    id: `cmpl-${randomBytes(12).toString('hex')}`,
    object: 'text_completion' as const,
    created: Math.floor(Date.now() / 1000),
    model: served.name,
  };

  const shown = ({ text, tokens, finish, index }: Omit<Written, 'prompt' | 'choice'>): AnsweredChoice => ({
    text,
    index,
    logprobs: settings.logprobs === null ? null : legacyLogprobs(tokens),
    finish_reason: finish,
  });

  return {
    head,
    write(control, onPiece) {
      const take = (one: Written, piece: Piece): void => {
        one.text += piece.text;
        one.tokens.push(...piece.tokens);
        one.finish = piece.finish;
        if (onPiece && (piece.text !== '' || piece.tokens.length > 0 || piece.finish !== null))
          onPiece(shown({ ...piece, tokens: [...piece.tokens], index: one.index }));
      };
      const ends: Promise<void>[] = [];
      const jobs = written.map((one): Job => {
        let end: Job['end'] = () => {};
        ends.push(
          new Promise((resolve, reject) => {
            end = (error) => (error === undefined ? resolve() : reject(error));
          }),
        );
        const ids = one.prompt.length > 0 ? one.prompt : [served.start];
        return {
          ids,
          scored: scoring && one.prompt.length > 0 ? ids.slice(0, model.config.blockSize) : null,
          maxTokens: settings.maxTokens,
          signal: control.signal,
          begin: (logits) => take(one, one.choice.begin(logits)),
          next(logits, visible) {
            const { id, piece } = one.choice.next(logits, visible);
            take(one, piece);
            return id;
          },
          end: (error) => end(error),
        };
      });
      if (!schedule.submit(jobs)) throw tooMany(schedule.load.waiting);
      const all = Promise.all(ends).then(() => (stream ? [] : bestOfEach(written, n, bestOf).map(shown)));
      all.catch((error) => control.abort(error));
      return all;
    },
    usage() {
      const prompt = prompts.reduce((sum, ids) => sum + ids.length, 0);
      const completion = written.reduce((sum, { choice }) => sum + choice.drawn, 0);
      return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
    },
  };
}

/** Of each prompt's choices the `n` most likely per token, in the order in which they were made. */
function bestOfEach(written: readonly Written[], n: number, bestOf: number): Written[] {
  if (n === bestOf) return [...written];
  const chosen: Written[] = [];
  for (let first = 0; first < written.length; first += bestOf) {
    const choices = written.slice(first, first + bestOf);
    const best = choices.toSorted((a, b) => b.choice.meanLogprob - a.choice.meanLogprob).slice(0, n);
    chosen.push(...choices.filter((one) => best.includes(one)));
  }
  return chosen.map((one, index) => ({ ...one, index }));
}

/** The refusal of a request while too many wait. A client of OpenAI's tries again after that many seconds. */
function tooMany(waiting: number): ApiError {
  return new ApiError(429, `too many requests: ${formatAmount(waiting, 'choice')} wait already; try again`, {
    code: 'queue_full',
    headers: { 'Retry-After': '1' },
  });
}

function settingsOf(request: CompletionSettings, tokenizer: Tokenizer): ChoiceSettings {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, stop = [], seed } = request;
  return {
    sampling: { temperature, topP, topK, minP, repetitionPenalty: request.repetition_penalty },
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    bias: biasOf(request.logit_bias, tokenizer),
    maxTokens: request.max_tokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    seed: seed ?? randomInt(2 ** 47),
    echo: request.echo,
    logprobs: request.logprobs ?? null,
    ranked: (request.best_of ?? request.n) > request.n,
  };
}

function biasOf(
  bias: CompletionSettings['logit_bias'],
  { vocabSize }: Tokenizer,
): ReadonlyMap<number, number> {
  const changes = Object.entries(bias ?? {});
  const foreign = changes.find(([id]) => !/^(?:0|[1-9]\d*)$/.test(id) || Number(id) >= vocabSize);
  if (foreign) throw refused('logit_bias', `logit_bias: ${foreignToken(foreign[0], vocabSize)}`);
  return new Map(changes.map(([id, change]) => [Number(id), change]));
}

/** Throws where parameters do not go together. */
function checkTogether(request: CompletionSettings, mostTokens: number): void {
  const { n, best_of: bestOf, stream, stream_options: options, max_tokens: maxTokens } = request;
  if (maxTokens > mostTokens)
    throw refused('max_tokens', `max_tokens ${maxTokens} is more than this server allows: ${mostTokens}`);
  if (options && !stream) throw refused('stream_options', 'stream_options is for stream: true');
  if (bestOf === undefined) return;
  if (bestOf < n) throw refused('best_of', `best_of ${bestOf} is less than n ${n}: it is at least n`);
  if (stream && bestOf > n)
    throw refused('best_of', `best_of ${bestOf} needs whole choices to compare: leave out stream`);
}

/** The tokens of each prompt. */
function promptsOf(prompt: Prompt, tokenizer: Tokenizer): (readonly number[])[] {
  const list = typeof prompt === 'string' || typeof prompt[0] === 'number' ? [prompt] : prompt;
  return (list as readonly (string | readonly number[])[]).map((one) => {
    if (typeof one === 'string') return Array.from(tokenizer.encode(one, ENCODING));
    const foreign = one.find((id) => !tokenizer.hasToken(id));
    if (foreign !== undefined)
      throw refused('prompt', `prompt: ${foreignToken(foreign, tokenizer.vocabSize)}`);
    return one;
  });
}

/** In words that a token is not in the vocabulary. */
export function foreignToken(id: number | string, vocabSize: number): string {
  return `token ${typeof id === 'string' ? JSON.stringify(id.slice(0, 60)) : id} is not in the vocabulary: ids go from 0 to ${vocabSize - 1}`;
}

/**
 * Throws where a prompt is longer than the context. The last token of a prompt that is only scored needs no
 * place in it.
 */
function checkLength(ids: readonly number[], context: number, scoring: boolean, maxTokens: number): void {
  const most = scoring && maxTokens <= 1 ? context + 1 : context;
  if (ids.length <= most) return;
  throw refused(
    'prompt',
    `the prompt has ${formatAmount(ids.length, 'token')}, the context of the model ${context}: shorten it`,
    'context_length_exceeded',
  );
}
