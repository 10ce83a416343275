// Texts as given to commands: `--data SPEC`, a file, standard input; and how they are split.

import { type Corpus, CorpusUnavailable, loadCorpus, NotText, readText, STDIN } from '../corpora/index.ts';
import { launchOf } from '../distributed/launcher.ts';
import type { DataRecord } from '../runs/data-record.ts';
import { defaultSplit, type SeparatedText, type Split, splitFields } from '../train/data.ts';
import { MisuseError, misuse } from './errors.ts';
import { type Flags, flagsOf, texts, toggle } from './flags.ts';
import type { Output } from './output.ts';
import { createProgress, withProgress } from './progress.ts';

export const dataFlag = texts({
  about:
    "text: a file, a folder of .txt and .md, a pattern such as 'notes/**/*.ts', - (standard input), tiny-shakespeare, moby-dick or first-names; several times: one after the other",
  argument: '<text>',
  short: 'd',
});

/** Further flags about a text. */
export const asBytesFlag = toggle({ about: 'take the files of --data byte by byte, whatever they are' });

/** How the files of `--data` are read. */
export type Reading = Pick<DataRecord, 'asBytes' | 'separator'>;

/** The flags of the split of a text. */
export const splitFlags = flagsOf(splitFields) satisfies Flags;

/** The flags of the split for a trained model: by default its run's split. */
export const runSplitFlags = {
  trainFraction: { ...splitFlags.trainFraction, initial: "the run's, else 0.9" },
  validate: { ...splitFlags.validate, initial: "the run's, else validation" },
} satisfies Flags;

/** The split given by the flags, by default that of `otherwise`. */
export function splitOf(given: Partial<Split>, otherwise: Split = defaultSplit): Split {
  const { trainFraction = otherwise.trainFraction, validate = otherwise.validate } = given;
  return { trainFraction, validate };
}

/**
 * Loads the text of `--data`, with a progress bar if it takes a while, and prints remarks about it. `onSize`
 * may refuse it before it is read.
 */
export async function openData(
  inputs: readonly string[] | undefined,
  output: Output,
  asBytes = false,
  onSize?: (bytes: number) => void,
): Promise<Corpus> {
  if (inputs === undefined)
    throw misuse('--data is missing: a file, a folder, a pattern, - or a name (see `inkhorn data`)');
  refuseStdin(inputs);
  const progress = createProgress(
    `reading ${inputs.length > 1 ? 'the text' : inputs[0] === STDIN ? 'standard input' : inputs[0]}`,
    'bytes',
  );
  try {
    const corpus = await loadCorpus(inputs, { asBytes, onSize, onProgress: progress.update });
    for (const remark of corpus.remarks) output.note(remark);
    return corpus;
  } catch (error) {
    throw textMisuse(error as Error);
  } finally {
    progress.end();
  }
}

/** Throws where a text is expected from a terminal, or by processes that do not all get it. */
export function refuseStdin(inputs: readonly string[]): void {
  if (!inputs.includes(STDIN)) return;
  if (process.stdin.isTTY)
    throw misuse('--data -: standard input is a terminal: send a text, as in `cat notes.txt | inkhorn ...`');
  if ((launchOf()?.size ?? 1) > 1)
    throw misuse(
      '--data -: not all processes of a job get its standard input: write the text to a file, and name that',
    );
}

/**
 * The error of a text that cannot be read. A missing network is a failure, not a misuse; a path that does not
 * exist is a misuse.
 */
export function textMisuse(error: Error): Error {
  if (error instanceof CorpusUnavailable) return error;
  const advice = error instanceof NotText ? '; --as-bytes takes the bytes as they are' : '';
  return new UnreadText(`${error instanceof NotText ? error.finding : error.message}${advice}`);
}

/** A misuse: a text that is not there, cannot be read to its end, or is none. */
export class UnreadText extends MisuseError {}

/**
 * The text of one file, or of standard input (`-`); it may be empty. `flag` is the flag that named it.
 * `asBytes` null: only text is accepted.
 */
export async function openText(
  path: string,
  flag: string,
  output: Output,
  asBytes: boolean | null = false,
): Promise<Uint8Array> {
  try {
    const { bytes, remarks } = await withProgress(
      `reading ${path === STDIN ? 'standard input' : path}`,
      'bytes',
      (update) => readText(path, { asBytes: asBytes ?? false, onRead: (bytes) => update(bytes, 0) }),
    );
    for (const remark of remarks) output.note(remark);
    return bytes;
  } catch (error) {
    if (error instanceof NotText)
      throw misuse(
        `${flag}: ${error.finding}${asBytes === null ? '' : '; --as-bytes takes the bytes as they are'}`,
      );
    throw misuse(`${flag}: ${(error as Error).message}`);
  }
}

/** A corpus in the form that `encodeText` and `dataset` take. */
export function textOf(
  { bytes, documents }: Corpus,
  { separator }: Pick<DataRecord, 'separator'>,
): Uint8Array | SeparatedText {
  return separator === null ? bytes : { documents, separator };
}
