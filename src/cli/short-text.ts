// Smaller defaults for short texts, with a remark.
import { formatAmount, formatBytes } from '../base/format.ts';
import type { TextStream } from '../corpora/stream.ts';
import type { Tokens } from '../model/batch.ts';
import { type ChunkCounts, Tokenizer, type TokenizerTraining } from '../tokenizer/index.ts';
import { countStream } from '../tokens/learn.ts';
import { type Dataset, fittingContext } from '../train/data.ts';
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
  return learnt(text, { vocabSize, ...options }, output);
}

/**
 * The same from a text of any size: with a split pattern from all of it, without one from a sample, which is
 * said.
 */
export async function learnTokenizer(
  stream: TextStream,
  { vocabSize, ...options }: Omit<TokenizerTraining, 'vocabSize' | 'atMost'> & { vocabSize?: number },
  output: Output,
): Promise<{ tokenizer: Tokenizer; bytes: number }> {
  const { pattern, specialTokens } = options;
  const found = await withProgress('reading the text for its tokens', 'bytes', (onProgress) =>
    countStream(stream, { pattern, specialTokens, onProgress }),
  );
  if (found.places !== null)
    output.note(
      `tokens are learnt from a sample of ${formatBytes(found.taken)}, ${found.places} places of the ${formatBytes(found.bytes)}; with --pattern gpt2 (or gpt4, o200k) from all of the text`,
    );
  const tokenizer = await learnt(found.counts, { vocabSize, ...options }, output);
  return { tokenizer, bytes: found.taken };
}

async function learnt(
  text: Uint8Array | ChunkCounts,
  { vocabSize, ...options }: Omit<TokenizerTraining, 'vocabSize' | 'atMost'> & { vocabSize?: number },
  output: Output,
): Promise<Tokenizer> {
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

/** The context of `fittingContext`, which is said where it is a shorter one. */
export function contextFor(
  data: Dataset<Tokens>,
  wanted: { blockSize: number; sampled: boolean },
  output: Output,
): number {
  const fitting = fittingContext(data, wanted);
  if (fitting < wanted.blockSize)
    output.note(
      `the text is short: a context of ${formatAmount(fitting, 'token')}, not ${wanted.blockSize} (${data.train.length} to train on, ${data.val.length} to validate)`,
    );
  return fitting;
}
