// Smaller defaults for short texts, with a remark.
import { formatAmount } from '../base/format.ts';
import { Tokenizer, type TokenizerTraining } from '../tokenizer/index.ts';
import type { Dataset } from '../train/data.ts';
import { asked } from './errors.ts';
import { checkLearning } from './memory.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';

/** The vocabulary size if none was asked for. */
export const DEFAULT_VOCAB_SIZE = 500;

/**
 * A tokenizer of exactly `vocabSize` tokens; if no size was asked for, of 500, or fewer for a short text.
 */
export async function trainTokenizer(
  text: Uint8Array,
  { vocabSize, ...options }: Omit<TokenizerTraining, 'vocabSize' | 'atMost'> & { vocabSize?: number },
  output: Output,
): Promise<Tokenizer> {
  checkLearning(text.length, options.pattern);
  const wanted = { vocabSize: vocabSize ?? DEFAULT_VOCAB_SIZE, atMost: vocabSize === undefined };
  const tokenizer = await asked(() =>
    withProgress('training the tokenizer', 'bytes', (onProgress) =>
      Tokenizer.trainAsync(text, { ...options, ...wanted, onProgress }),
    ),
  );
  if (tokenizer.vocabSize < wanted.vocabSize)
    output.note(
      `the text is short: a vocabulary of ${tokenizer.vocabSize} tokens, not ${wanted.vocabSize} (--vocab-size asks for a number)`,
    );
  return tokenizer;
}

/**
 * The default context of a model: `blockSize`, or less if a part of the text has too few tokens.
 */
export function fittingContext(
  { train, val }: Dataset,
  { blockSize, sampled }: { blockSize: number; sampled: boolean },
  output: Output,
): number {
  const tokens = sampled ? Math.min(train.length, val.length) : train.length;
  if (tokens > blockSize) return blockSize;
  const fitting = Math.floor(tokens / 2); // two windows that do not overlap
  output.note(
    `the text is short: a context of ${formatAmount(fitting, 'token')}, not ${blockSize} (${train.length} to train on, ${val.length} to validate)`,
  );
  return fitting;
}
