// Where a text without a prompt begins: after a token that separates parts of the training text. Read next:
// generate.ts.
import { countTokens, type Tokens } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** The usual name of the special token between texts. `dataset()` accepts any other as its separator. */
export const END_OF_TEXT = '<|endoftext|>';

/**
 * The token before an empty prompt: `text`, see `startToken`; `token0`, token 0 as in the seed, whatever that
 * is.
 */
export type Start = 'text' | 'token0';

/**
 * The token before an empty prompt: the one that training found in its text (`commonStart`). For a model that
 * does not say, the end-of-text token where the tokenizer has one, else the line feed.
 */
export function startToken(model: GPT, tokenizer: Tokenizer): number {
  return model.startToken ?? tokenizer.specialTokens.get(END_OF_TEXT) ?? tokenizer.byteIds[LINE_FEED];
}

/**
 * The tokens that end a sample when drawn: end of text, and the special token between the documents of the
 * training text. A line feed does not end a sample, although texts begin after it.
 */
export function endTokens(model: GPT, tokenizer: Tokenizer): ReadonlySet<number> {
  const { specialTokens } = tokenizer;
  const isEnd = ([name, id]: [string, number]): boolean => name === END_OF_TEXT || id === model.startToken;
  return new Set([...specialTokens].filter(isEnd).map(([, id]) => id));
}

/**
 * The token of `ids` after which a part of the text most often begins. Candidates, in order: the special
 * token `separator` where it occurs; the most frequent token that is only line breaks (`\n`, `\n\n`, `\r\n`);
 * the most frequent one that ends in a line feed, where line breaks are seldom tokens of their own; in a text
 * without line feeds the most frequent one that ends in white space; the most frequent of all. So the model
 * has seen it. Of a text of more than 67 million tokens the first ones decide. Throws when there are no
 * tokens.
 */
export function commonStart(ids: Tokens, tokenizer: Tokenizer, separator: string = END_OF_TEXT): number {
  if (ids.length === 0) throw new Error('no tokens: a start is one of them');
  const counts = countTokens(ids, tokenizer.vocabSize, COUNTED);
  const end = tokenizer.specialTokens.get(separator);
  if (end !== undefined && counts.has(end)) return end;
  const seen = [...counts].map(([id, count]) => ({ id, count, bytes: tokenizer.token(id) }));
  const lines = seen.filter(({ bytes }) => bytes[bytes.length - 1] === LINE_FEED);
  const breaks = lines.filter(({ bytes }) => bytes.every((byte) => byte === LINE_FEED || byte === RETURN));
  const spaces = seen.filter(({ bytes }) => WHITE_SPACE.has(bytes[bytes.length - 1]));
  const candidates =
    [breaks, lines, spaces].find((some) => some.length > 0 && total(some) >= SELDOM * total(lines)) ?? seen;
  return candidates.reduce((a, b) => (b.count > a.count || (b.count === a.count && b.id < a.id) ? b : a)).id;
}

/** Tokens that are counted: the first of a long text stand for all. */
const COUNTED = 2 ** 26;

function total(tokens: readonly { count: number }[]): number {
  return tokens.reduce((sum, { count }) => sum + count, 0);
}

const LINE_FEED = 10;
const RETURN = 13;
const WHITE_SPACE: ReadonlySet<number> = new Set([9, LINE_FEED, 11, 12, RETURN, 32]);
/** Below this share of the lines, a line break that is a token of its own counts as an exception. */
const SELDOM = 0.05;
