// Checks a prompt for looking inside, and lists likely tokens.
import { formatAmount, formatCount } from '../base/format.ts';
import { largest } from '../base/largest.ts';
import type { GPTConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/**
 * Throws unless there are at least `least` tokens and they fit the context of the model, and says what would
 * help.
 */
export function checkPrompt(ids: Int32Array, { blockSize, vocabSize }: GPTConfig, least = 1): Int32Array {
  const tokens = formatAmount(ids.length, 'token');
  if (ids.length < least) {
    const need =
      least === 1 ? 'at least one is needed' : `${least} or more are needed, for one to be predicted`;
    throw new Error(`the text has ${tokens}: ${need}`);
  }
  if (ids.length > blockSize) {
    throw new Error(
      `the text has ${tokens}, the context of the model ${formatCount(blockSize)}: shorten it by ${formatAmount(ids.length - blockSize, 'token')}, or look at a part of it`,
    );
  }
  const strange = ids.find((id) => !(id >= 0 && id < vocabSize));
  if (strange !== undefined)
    throw new Error(`token ${strange} is none of the model's: they are 0 to ${vocabSize - 1}`);
  return ids;
}

/** A token and its probability. */
export interface TokenChoice {
  id: number;
  text: string;
  probability: number;
}

/** The `count` most likely tokens of `probabilities` [V], most likely first. */
export function topTokens(probabilities: Float32Array, count: number, tokenizer: Tokenizer): TokenChoice[] {
  return largest(probabilities, count).map((id) => ({
    id,
    text: tokenizer.tokenText(id),
    probability: probabilities[id],
  }));
}
