// Texts that are read as streams, and files of tokens, as given to commands.
import { availableParallelism } from 'node:os';
import { formatAmount, formatBytes } from '../base/format.ts';
import { STDIN } from '../corpora/index.ts';
import { openStream, type StreamOptions, type TextStream } from '../corpora/stream.ts';
import { FolderInUse } from '../io/node-lock.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { encodeFile } from '../tokens/encode.ts';
import { openTokens, type TokensFile } from '../tokens/read.ts';
import { CannotWriteTokens } from '../tokens/write.ts';
import { misuse } from './errors.ts';
import { text } from './flags.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';
import { refuseStdin, textMisuse } from './texts.ts';

export const fieldFlag = text({
  about: 'the files are JSON Lines, and this field of each line is a document',
  argument: '<name>',
});

/** The text of `--data` as a stream. */
export async function openTextStream(
  inputs: readonly string[],
  options: StreamOptions = {},
): Promise<TextStream> {
  refuseStdin(inputs);
  return openStream(inputs, options).catch((error: Error) => {
    throw textMisuse(error);
  });
}

export interface EncodeStreamOptions extends StreamOptions {
  inputs: readonly string[];
  separator: string | null;
  tokenizerFile?: string;
  threads?: number;
  fresh?: boolean;
}

/** Encodes a text into the file `path`, with a progress bar, and says at which rate. */
export async function encodeStream(
  stream: TextStream,
  tokenizer: Tokenizer,
  path: string,
  { asBytes = false, ...options }: EncodeStreamOptions,
  output: Output,
): Promise<Awaited<ReturnType<typeof encodeFile>> & { seconds: number }> {
  const begun = performance.now();
  const name = options.inputs.length === 1 && options.inputs[0] !== STDIN ? options.inputs[0] : stream.source;
  try {
    const done = await withProgress(`encoding ${name}`, 'bytes', (onProgress) =>
      encodeFile(stream, tokenizer, path, { ...options, asBytes, onProgress, onNote: output.note }),
    );
    if (done.resumed > 0)
      output.note(`${formatBytes(done.resumed)} of the text had been encoded before: went on from there`);
    return { ...done, seconds: (performance.now() - begun) / 1000 };
  } catch (error) {
    if (error instanceof FolderInUse) throw misuse(error.message);
    throw error instanceof CannotWriteTokens ? error : textMisuse(error as Error);
  }
}

/** `12,345 tokens of 16 bits, 3.9 bytes each, from 48,000 bytes in 2 documents (12.3 MB/s on 2 threads)` */
export function encodedLine(
  { count, source, resumed, seconds }: Awaited<ReturnType<typeof encodeStream>>,
  { vocabSize }: Tokenizer,
  threads: number = availableParallelism(),
): string {
  const rate = (source.bytes - resumed) / 1e6 / seconds;
  return (
    `${formatAmount(count, 'token')} of ${vocabSize <= 65536 ? 16 : 32} bits, ${(source.bytes / count).toFixed(2)} bytes each, from ` +
    `${formatAmount(source.bytes, 'byte')} in ${formatAmount(source.documents, 'document')} (${rate.toFixed(1)} MB/s, ${formatAmount(threads, 'thread')})`
  );
}

/** Opens a file of tokens that a command names. */
export function openTokensFile(path: string): TokensFile {
  try {
    return openTokens(path);
  } catch (error) {
    throw misuse((error as Error).message);
  }
}
