// One choice of a completion as it is written: draws tokens, turns them into text, and keeps what the legacy
// shape of log-probabilities tells about each. Read next: schedule.ts, which gives it logits.
import { largest } from '../base/largest.ts';
import { exponentials, nextToken, type SamplingOptions } from '../generate/sampler.ts';
import { stopFilter } from '../generate/stop.ts';
import { createRandom, type Random, STREAMS } from '../tensor/random.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** What is known about a token of a choice. */
export interface TokenRecord {
  /** Its text; `bytes:\xE2\x80` where its bytes are no text of their own. */
  token: string;
  /** ln of the model's own probability, before any adjustment; null for the first token of a prompt. */
  logprob: number | null;
  /** The most likely tokens at its place and itself; null for the first token of a prompt. */
  top: Readonly<Record<string, number>> | null;
  /** Where it begins in prompt and text: the number of characters (code points) before it. */
  offset: number;
}

/** A part of a choice. */
export interface Piece {
  text: string;
  /** Of the tokens whose text has begun by now; empty where no log-probabilities were asked for. */
  tokens: readonly TokenRecord[];
  finish: 'stop' | 'length' | null;
}

/** How the tokens of a choice are drawn and shown. */
export interface ChoiceSettings {
  sampling: Required<SamplingOptions>;
  presencePenalty: number;
  frequencyPenalty: number;
  bias: ReadonlyMap<number, number>;
  maxTokens: number;
  stop: readonly string[];
  seed: number;
  echo: boolean;
  /** How many of the most likely tokens each token comes with; null: no log-probabilities. */
  logprobs: number | null;
  /** Whether it will be ranked among others, by its mean log-probability. */
  ranked: boolean;
}

/** What a choice needs of its model. */
export interface Vocabulary {
  tokenizer: Tokenizer;
  /** Tokens that end a text. */
  ends: ReadonlySet<number>;
}

/** A choice that is being written. */
export interface Choice {
  /** Number of tokens drawn, those that end a text not counted. */
  readonly drawn: number;
  /** Mean log-probability of the tokens drawn; 0 where the choice is not ranked. */
  readonly meanLogprob: number;
  /** The prompt, where it is shown. `logits` [T, V] are those after each of its tokens. */
  begin(logits: Float32Array | null): Piece;
  /** Draws the token after `visible`. `id` is null when the choice is finished. */
  next(logits: Float32Array, visible: readonly number[]): { id: number | null; piece: Piece };
}

/**
 * Choice number `sample` of a prompt of tokens `prompt`: the same draws as `generate` makes for that sample.
 */
export function createChoice(
  { tokenizer, ends }: Vocabulary,
  prompt: readonly number[],
  settings: ChoiceSettings,
  sample: number,
): Choice {
  const { maxTokens, echo, logprobs, ranked } = settings;
  const random = createRandom({ seed: settings.seed, stream: STREAMS.samples, position: sample * 2 ** 32 });
  const decoder = tokenizer.stream();
  const stops = stopFilter(settings.stop);
  const counts = new Map<number, number>();
  let drawn = 0;
  let logprobSum = 0;
  let decoded = 0; // characters of the prompt and of the text, shown or held back
  let unfinished: Uint8Array = NO_BYTES; // of a character whose other bytes the next token may have
  let shown = 0;
  let held: TokenRecord[] = []; // of tokens whose text is held back

  /** Decodes a token, of the prompt or of the text, and notes it where log-probabilities are wanted. */
  const decode = (id: number, logits: Float32Array | null, noted: boolean): string => {
    const bytes = tokenizer.token(id);
    const before = decoded;
    const text = decoder.push(id);
    decoded += characters(text);
    if (logprobs === null) return text;
    const begun = unfinished;
    unfinished = unfinishedAfter(joined(begun, bytes));
    if (!noted) return text;
    // The place of the character that its first byte belongs to: the last one, were the text to end there.
    const first =
      bytes.length === 0 ? 0 : characters(lenient.decode(joined(begun, bytes.subarray(0, 1)))) - 1;
    held.push({
      token: tokenName(bytes),
      ...logprobsOf(logits, id, logprobs, tokenizer),
      offset: before + first,
    });
    return text;
  };
  /**
   * The text of a piece, with the tokens whose text has begun: with the last piece of a text, all of them.
   */
  const piece = (text: string, finish: Piece['finish'], all: boolean): Piece => {
    shown += characters(text);
    const tokens = held.filter(({ offset }) => all || offset < shown);
    held = held.slice(tokens.length);
    return { text, tokens, finish };
  };
  const finished = (text: string, reason: 'stop' | 'length'): { id: null; piece: Piece } => {
    const rest = stops.push(decoder.flush()) + stops.flush();
    const stopped = stops.found !== null;
    return { id: null, piece: piece(text + rest, stopped ? 'stop' : reason, !stopped) };
  };

  return {
    get drawn() {
      return drawn;
    },
    get meanLogprob() {
      return drawn === 0 ? 0 : logprobSum / drawn;
    },
    begin(logits) {
      const V = tokenizer.vocabSize;
      let text = '';
      prompt.forEach((id, i) => {
        const before = i > 0 && logits ? logits.subarray((i - 1) * V, i * V) : null;
        const more = decode(id, before, echo && logprobs !== null);
        if (echo) text += more;
      });
      if (!echo) shown = decoded;
      if (maxTokens === 0) return finished(text, 'length').piece;
      return piece(text, null, false);
    },
    next(logits, visible) {
      const id = draw(logits, settings, visible, counts, random);
      if (ends.has(id)) return finished('', 'stop');
      drawn++;
      counts.set(id, (counts.get(id) ?? 0) + 1);
      if (ranked) logprobSum += logits[id] - exponentials(logits).logSum;
      const visibleText = stops.push(decode(id, logits, logprobs !== null));
      if (stops.found !== null || drawn === maxTokens) return finished(visibleText, 'length');
      return { id, piece: piece(visibleText, null, false) };
    },
  };
}

function draw(
  logits: Float32Array,
  { sampling, bias, presencePenalty, frequencyPenalty }: ChoiceSettings,
  visible: readonly number[],
  counts: ReadonlyMap<number, number>,
  random: Random,
): number {
  const penalised = presencePenalty !== 0 || frequencyPenalty !== 0;
  const adjusted = bias.size > 0 || penalised ? logits.slice() : logits;
  for (const [id, change] of bias) adjusted[id] += change;
  if (penalised) for (const [id, count] of counts) adjusted[id] -= presencePenalty + frequencyPenalty * count;
  return nextToken(adjusted, sampling, visible, random.uniform());
}

function logprobsOf(
  logits: Float32Array | null,
  id: number,
  n: number,
  tokenizer: Tokenizer,
): Pick<TokenRecord, 'logprob' | 'top'> {
  if (!logits) return { logprob: null, top: null };
  const { logSum } = exponentials(logits);
  const ids = largest(logits, n);
  if (!ids.includes(id)) ids.push(id);
  const entries = ids.map((other) => [tokenName(tokenizer.token(other)), logits[other] - logSum] as const);
  return { logprob: logits[id] - logSum, top: Object.fromEntries(entries) };
}

const NO_BYTES = new Uint8Array(0);

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b : Uint8Array.of(...a, ...b);
}

/** Ends a text with the bytes that it is given: a character that is not finished is U+FFFD. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes at the end of `bytes`, at most three, that begin a character and do not finish it. */
function unfinishedAfter(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes[bytes.length - 1] < 0x80) return NO_BYTES;
  const ends = [3, 2, 1].filter((n) => n <= bytes.length).map((n) => bytes.slice(-n));
  const waits = (end: Uint8Array): boolean =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(end, { stream: true }) === '';
  return ends.find(waits) ?? NO_BYTES;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token as OpenAI writes it. Pieces of characters would all be U+FFFD, and one key of `top_logprobs`. */
export function tokenName(bytes: Uint8Array): string {
  const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
  return textOfToken(bytes) ?? `bytes:${Array.from(bytes, hex).join('')}`;
}

/** Null where the bytes are no text of their own. */
function textOfToken(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** Number of code points. */
function characters(text: string): number {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/** OpenAI's legacy shape of log-probabilities. */
export interface Logprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Readonly<Record<string, number>> | null)[];
  text_offset: number[];
}

export function legacyLogprobs(records: readonly TokenRecord[]): Logprobs {
  return {
    tokens: records.map(({ token }) => token),
    token_logprobs: records.map(({ logprob }) => logprob),
    top_logprobs: records.map(({ top }) => top),
    text_offset: records.map(({ offset }) => offset),
  };
}
