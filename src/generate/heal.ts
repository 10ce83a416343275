// Token healing. A prompt ends where its writer stopped, which need not be where a token of the continued
// text ends. In training the end of `ROMEO:` was part of the token `O:\n`; a prompt that ends in the token
// `:` shows the model something that it has never seen there. So the first draw is among all tokens that
// contain the end of the prompt. Read next: generate.ts.
//
// The term "token healing" is from Lundberg 2023 (guidance: The Art of Prompt Design, Prompt Boundaries and
// Token Healing), who removes the last token and constrains the next one. Here the prompt is marginalised
// over its tokenisations instead, with the coverings of Phan et al. 2024 (Understanding and Mitigating
// Tokenization Bias in Language Models) and Vieira et al. 2024 (From Language Models over Tokens to Language
// Models over Characters). Each tokenisation has the probability that the model gives it, however many tokens
// are removed.
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Context } from './context.ts';
import { exponentials, nextToken, penalizeRepetition, type SamplingOptions } from './sampler.ts';

/** Tokenisations of the prompt whose last token extends beyond its end. */
interface Ending {
  /** The tokens between `base` and that last token. */
  path: readonly number[];
  /**
   * The candidates for it: tokens that begin with the last `held` bytes of the prompt and have at least one
   * more.
   */
  covers: readonly number[];
  held: number;
}

/** The tokenisations of a prompt. */
export interface Healing {
  /** The tokens common to all tokenisations: at least one. */
  base: readonly number[];
  /** The tokens of the prompt after `base`, as the tokenizer cuts it. */
  rest: readonly number[];
  /** The other tokenisations; those with the largest `held` first. */
  endings: readonly Ending[];
}

/**
 * The tokenisations of a prompt of tokens `ids`. Null when no token of the vocabulary contains the end of the
 * prompt and more, so that there is nothing to heal. Goes back as far as the longest such token reaches, but
 * never into or across a special token, and only to tokens that the tokenizer would make of the text (its
 * pattern and merges included). `start` comes before a prompt that is removed completely: a model cannot
 * predict without a token before.
 */
export function planHealing(
  ids: readonly number[],
  tokenizer: Tokenizer,
  { start, blockSize }: { start: number; blockSize: number },
): Healing | null {
  const specials = new Set(tokenizer.specialTokens.values());
  const { head, tail } = ordinaryEnd(ids, tokenizer, specials);
  const bytes = tokenizer.decodeBytes(tail);
  const endings = [...coversByOverlap(bytes, tokenizer, specials)]
    .sort(([a], [b]) => b - a)
    .flatMap(([held, candidates]): Ending[] => {
      const path = encoded(bytes.subarray(0, bytes.length - held), tokenizer);
      const before = nearEnd(path, tokenizer);
      const covers = candidates.filter((id) => isTokenisation([...before, id], tokenizer));
      return covers.length > 0 ? [{ path, covers, held }] : [];
    });
  while (endings.length > 0) {
    const common = commonLength([tail, ...endings.map(({ path }) => path)]);
    const longest = Math.max(...[tail, ...endings.map(({ path }) => path)].map(({ length }) => length));
    // `base`, the tokens after it and the token that is drawn must fit the context.
    if (longest - common + 2 <= blockSize) {
      const base = [...head, ...tail.slice(0, common)];
      return {
        base: base.length > 0 ? base : [start],
        rest: tail.slice(common),
        endings: endings.map((ending) => ({ ...ending, path: ending.path.slice(common) })),
      };
    }
    endings.shift();
  }
  return null;
}

/** The first token after a prompt. */
export interface FirstToken {
  id: number;
  /** ln of the model's probability of the token at its place. */
  logprob: number;
  /** The logits [V] that it was drawn from. */
  logits: Float32Array;
  /** Number of bytes of the prompt that the token contains. */
  held: number;
  /** The tokens that the context reads next: all after `base`, the drawn one included. */
  next: readonly number[];
}

/**
 * Draws the first token after a prompt with the random number `u`: a token after the prompt's own tokens, or
 * one that contains its end. Each tokenisation is weighted by the probability that the model gives its tokens
 * after `base`. Penalty, temperature and filters act on all of them together, and at least one always
 * remains. `context` must be fresh; afterwards it has read `base`.
 */
export async function drawHealed(
  context: Context,
  { base, rest, endings }: Healing,
  sampling: Required<SamplingOptions>,
  u: number,
): Promise<FirstToken> {
  const first = (await context.read(base)).slice();
  const seen = [...context.visible];
  /** For tokens after `base`: ln of their probability, and the logits after them. */
  const reading = async (path: readonly number[]) => {
    const logits = [first, ...(path.length > 0 ? await context.peek(path) : [])];
    const logprob = path.reduce((sum, id, i) => sum + logprobOf(logits[i], id), 0);
    return { path, logprob, logits: logits[path.length] };
  };
  const own = await reading(rest);
  const ways = [...own.logits.keys()].map((id) => ({ ...own, id, held: 0 }));
  for (const { path, covers, held } of endings) {
    const read = await reading(path);
    for (const id of covers) ways.push({ ...read, id, held });
  }
  const penalty = sampling.repetitionPenalty;
  const shares = new Map<readonly number[], { logits: Float32Array; logSum: number }>();
  const weights = Float32Array.from(ways, ({ path, logprob, logits, id }) => {
    let share = shares.get(path);
    if (!share) {
      const penalized = penalty === 1 ? logits : penalizeRepetition(logits, [...seen, ...path], penalty);
      share = { logits: penalized, logSum: exponentials(penalized).logSum };
      shares.set(path, share);
    }
    return logprob + share.logits[id] - share.logSum;
  });
  const { id, logits, path, held } = ways[nextToken(weights, { ...sampling, repetitionPenalty: 1 }, [], u)];
  return { id, logprob: logprobOf(logits, id), logits, held, next: [...path, id] };
}

function logprobOf(logits: Float32Array, id: number): number {
  return logits[id] - exponentials(logits).logSum;
}

/**
 * Splits `ids`: `tail` are as many ordinary tokens at the end as healing can concern.
 */
function ordinaryEnd(
  ids: readonly number[],
  tokenizer: Tokenizer,
  specials: ReadonlySet<number>,
): { head: readonly number[]; tail: readonly number[] } {
  const from = ids.findLastIndex((id) => specials.has(id)) + 1;
  const split = (at: number) => ({ head: ids.slice(0, at), tail: ids.slice(at) });
  const near = split(Math.max(from, ids.length - 2 * longestToken(tokenizer, specials) - MARGIN));
  // Where a text is cut can depend on everything before. Usually it does not, which is checked first.
  return isTokenisation(near.tail, tokenizer) ? near : split(from);
}

/** Tokens before the place in question that are included when bytes are encoded again. */
const MARGIN = 8;

function longestToken(tokenizer: Tokenizer, specials: ReadonlySet<number>): number {
  let longest = 0;
  for (let id = 0; id < tokenizer.vocabSize; id++)
    if (!specials.has(id)) longest = Math.max(longest, tokenizer.token(id).length);
  return longest;
}

/** The tokens that begin with the last 1, 2, ... of `bytes` and are longer. */
function coversByOverlap(
  bytes: Uint8Array,
  tokenizer: Tokenizer,
  specials: ReadonlySet<number>,
): Map<number, number[]> {
  const covers = new Map<number, number[]>();
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (specials.has(id)) continue;
    const token = tokenizer.token(id);
    for (let held = Math.min(token.length - 1, bytes.length); held > 0; held--) {
      if (!endsIn(bytes, token, held)) continue;
      const known = covers.get(held);
      if (known) known.push(id);
      else covers.set(held, [id]);
    }
  }
  return covers;
}

/** Whether the last `length` of `bytes` are the first of `token`. */
function endsIn(bytes: Uint8Array, token: Uint8Array, length: number): boolean {
  for (let i = 1; i <= length; i++) if (bytes[bytes.length - i] !== token[length - i]) return false;
  return true;
}

/** The last tokens of `path` if the tokenizer makes exactly these of their bytes; else all of `path`. */
function nearEnd(path: readonly number[], tokenizer: Tokenizer): readonly number[] {
  const near = path.slice(-MARGIN);
  return isTokenisation(near, tokenizer) ? near : path;
}

/** Whether the tokenizer makes exactly `ids` of their bytes. */
function isTokenisation(ids: readonly number[], tokenizer: Tokenizer): boolean {
  return equal(encoded(tokenizer.decodeBytes(ids), tokenizer), ids);
}

function encoded(bytes: Uint8Array, tokenizer: Tokenizer): readonly number[] {
  return Array.from(tokenizer.encode(bytes, { otherSpecial: 'text' }));
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

/** Number of tokens that all of `lists` have in common at the start. */
function commonLength(lists: readonly (readonly number[])[]): number {
  const [first, ...others] = lists;
  const differs = first.findIndex((id, i) => others.some((list) => list[i] !== id));
  return differs < 0 ? first.length : differs;
}
