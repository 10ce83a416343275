// The text that a run is trained on, however large: in memory, as a stream whose tokens are kept in a file of
// the cache, or as a file of tokens. Read next: run-text.ts.
import { type Corpus, STDIN } from '../corpora/index.ts';
import { isCompressed, type TextStream } from '../corpora/stream.ts';
import type { Tokens } from '../model/batch.ts';
import type { DataRecord } from '../runs/data-record.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { isTokensFile, type TokensFile, tokensDataset } from '../tokens/read.ts';
import type { Dataset, Split } from '../train/data.ts';
import { splitCorpus } from './encoding.ts';
import { asked, misuse } from './errors.ts';
import type { Output } from './output.ts';
import {
  canBeRead,
  dataRecord,
  type Place,
  pathOf,
  places,
  TextNotHere,
  textFacts,
  typed,
} from './run-text.ts';
import { openData, textOf } from './texts.ts';
import { cachedTokens, type TextRequest } from './tokens-cache.ts';
import { openTextStream, openTokensFile } from './tokens-file.ts';

/** Texts of more bytes are not read whole: their tokens are kept in a file. */
const LARGE = 64 * 2 ** 20;

/** Whether the text of a record was read as a stream. */
export function isStreamed({ bytes, field, inputs }: DataRecord): boolean {
  return bytes > LARGE || field !== undefined || inputs.some(isCompressed);
}

/** The text of a run. */
export type TrainingText =
  | { kind: 'memory'; name: string; source: string; corpus: Corpus }
  | { kind: 'stream'; name: string; source: string; stream: TextStream }
  | { kind: 'tokens'; name: string; source: string; file: TokensFile };

/**
 * Opens the text of `--data`. `onSize` may refuse what would be read whole. Compressed files, JSON Lines and
 * large texts are streams.
 */
export async function openTrainingText(
  { inputs, asBytes, separator, field }: TextRequest,
  output: Output,
  onSize?: (bytes: number) => void,
): Promise<TrainingText> {
  const [first, ...more] = inputs ?? [];
  if (first !== undefined && more.length === 0 && isTokensFile(first)) {
    const file = openTokensFile(first);
    const { description } = file;
    if (asBytes || field !== undefined || (separator !== null && separator !== description.separator))
      throw misuse(
        `--data ${first} is a file of tokens, in which --as-bytes, --field and --special are decided (${description.separator === null ? 'no token' : description.separator} between documents)`,
      );
    return { kind: 'tokens', name: description.source.name, source: first, file };
  }
  if (inputs !== undefined && !inputs.includes(STDIN)) {
    const stream = await openTextStream(inputs, { asBytes, field });
    if (!stream.once && (field !== undefined || stream.size > LARGE || stream.compressed))
      return { kind: 'stream', name: stream.name, source: stream.source, stream };
  }
  if (field !== undefined)
    throw misuse(
      '--field of a pipe: `inkhorn data encode - --field ...` makes a file of tokens of it for --data',
    );
  const corpus = await openData(inputs, output, asBytes, onSize);
  return { kind: 'memory', name: corpus.name, source: corpus.source, corpus };
}

/** The tokens of a run's text, and its record for the run in `folder`. */
export async function tokensForRun(
  text: TrainingText,
  tokenizer: Tokenizer,
  split: Split,
  request: TextRequest,
  folder: string,
  output: Output,
): Promise<{ dataset: Dataset<Tokens>; record: DataRecord }> {
  const place = typed(request.inputs ?? []);
  if (text.kind === 'memory') {
    const dataset = await asked(() => splitCorpus(textOf(text.corpus, request), tokenizer, split));
    return { dataset, record: dataRecord(place, text.corpus, split, folder, request) };
  }
  const file =
    text.kind === 'tokens' ? text.file : await cachedTokens(text.stream, tokenizer, request, output);
  const dataset = await asked(() => tokensDataset(file, tokenizer, split));
  const { source, separator, table } = file.description;
  const { name, bytes, sha256, asBytes, field } = source;
  const record: DataRecord = {
    inputs: place.inputs,
    asBytes,
    separator,
    name,
    bytes,
    sha256,
    origin: { cwd: place.cwd, run: folder },
    ...split,
    ...(field !== undefined && { field }),
    ...(text.kind === 'tokens' && { tokens: table }),
  };
  return { dataset, record };
}

/** The file of tokens of a record, the same as then: that of `--data`, or the one that is found. */
export function findTokens(
  record: DataRecord,
  folder: string,
  data: readonly string[] | undefined,
): { file: TokensFile; place: Place } {
  const tried = data === undefined ? places(record, folder) : [typed(data)];
  let problem = 'which is not here';
  for (const place of tried) {
    const [path] = place.inputs.map((input) => pathOf(input, place.cwd));
    if (path === undefined || !isTokensFile(path)) continue;
    const file = openTokensFile(path);
    if (file.description.table === record.tokens) return { file, place };
    problem = `and ${path} has other tokens now`;
    file.close();
  }
  throw new TextNotHere(`the run was trained on ${record.inputs.join(' ')}, a file of tokens, ${problem}`);
}

/** The text of a record as a stream: that of `--data`, or the one that is found; perhaps another one now. */
export async function findStream(
  record: DataRecord,
  folder: string,
  data: readonly string[] | undefined,
): Promise<{ stream: TextStream; place: Place; request: TextRequest }> {
  const { asBytes, separator, field } = record;
  const tried = data === undefined ? places(record, folder) : [typed(data)];
  for (const place of tried) {
    const inputs = place.inputs.map((input) => pathOf(input, place.cwd));
    if (data === undefined && !(await Promise.all(inputs.map(canBeRead))).every(Boolean)) continue;
    const stream = await openTextStream(inputs, { asBytes, field });
    return { stream, place, request: { inputs, asBytes, separator, field } };
  }
  throw new TextNotHere(`the run was trained on ${textFacts(record)}, which is not here`);
}
