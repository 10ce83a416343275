// A text as it was requested, however large: in memory, as a stream whose tokens are kept in a file of the
// cache, or as a file of tokens. Read next: found-text.ts, measured-text.ts.
import { type Corpus, STDIN } from '../corpora/index.ts';
import type { TextStream } from '../corpora/stream.ts';
import type { Tokens } from '../model/batch.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { checkTokenizer, isTokensFile, type TokensFile } from '../tokens/read.ts';
import { encodeCorpus } from './encoding.ts';
import { asked, misuse } from './errors.ts';
import type { Output } from './output.ts';
import { factsOf, type TextFacts } from './run-text.ts';
import { openData, textOf } from './texts.ts';
import { cachedTokens, type TextRequest } from './tokens-cache.ts';
import { openTextStream, openTokensFile } from './tokens-file.ts';

/** Texts of more bytes are not read whole: their tokens are kept in a file. */
const LARGE = 64 * 2 ** 20;

/** A text that was opened. Of a stream, which is not read yet, the facts are not known. */
export type OpenedText = { name: string; source: string; request: TextRequest } & (
  | { kind: 'memory'; corpus: Corpus; facts: TextFacts }
  | { kind: 'stream'; stream: TextStream; facts: null }
  | { kind: 'tokens'; file: TokensFile; facts: TextFacts }
);

/**
 * Opens the text of `--data`. `onSize` may refuse what would be read whole. Compressed files, JSON Lines and
 * large texts are streams.
 */
export async function openRequest(
  request: TextRequest,
  output: Output,
  onSize?: (bytes: number) => void,
): Promise<OpenedText> {
  const { inputs, asBytes, separator, field } = request;
  if (asBytes && field !== undefined)
    throw misuse('--field takes text out of JSON, --as-bytes takes files as they are');
  const tokens = tokensFileOf(inputs);
  if (tokens !== null) {
    const file = openTokensFile(tokens);
    const { description } = file;
    if (asBytes || field !== undefined || (separator !== null && separator !== description.separator))
      throw misuse(
        `--data ${tokens} is a file of tokens, in which --as-bytes, --field and --special are decided (${description.separator === null ? 'no token' : description.separator} between documents)`,
      );
    const facts = { ...factsIn(file), tokens: description.table };
    return { kind: 'tokens', name: facts.name, source: tokens, request, file, facts };
  }
  if (inputs !== undefined && !inputs.includes(STDIN)) {
    const stream = await openTextStream(inputs, { asBytes, field });
    if (!stream.once && (field !== undefined || stream.size > LARGE || stream.compressed))
      return { kind: 'stream', name: stream.name, source: stream.source, request, stream, facts: null };
  }
  if (field !== undefined)
    throw misuse(
      '--field of a pipe: `inkhorn data encode - --field ...` makes a file of tokens of it for --data',
    );
  const corpus = await openData(inputs, output, asBytes, onSize);
  const { name, source } = corpus;
  return { kind: 'memory', name, source, request, corpus, facts: factsOf(corpus, request) };
}

/** The facts of the text that was encoded into a file. */
function factsIn({ description: { source, separator } }: TokensFile): TextFacts {
  const { name, bytes, sha256, asBytes, field } = source;
  return { asBytes, separator, name, bytes, sha256, ...(field !== undefined && { field }) };
}

/** The file of tokens that `--data` names; null where it names texts. */
export function tokensFileOf(inputs: readonly string[] | undefined): string | null {
  const [first, ...more] = inputs ?? [];
  return first !== undefined && more.length === 0 && isTokensFile(first) ? first : null;
}

/** The tokens of a text: in memory, or in a file. */
export interface EncodedText {
  ids: Tokens;
  facts: TextFacts;
}

/**
 * The tokens of an opened text. Throws one line when a stream cannot be read to its end, and when a file of
 * tokens was made by another tokenizer.
 */
export async function encodeOpened(
  text: OpenedText,
  tokenizer: Tokenizer,
  output: Output,
): Promise<EncodedText> {
  const { request } = text;
  if (text.kind === 'memory') {
    const ids = await asked(() => encodeCorpus(textOf(text.corpus, request), tokenizer));
    return { ids, facts: text.facts };
  }
  const file =
    text.kind === 'tokens' ? text.file : await cachedTokens(text.stream, tokenizer, request, output);
  await asked(() => checkTokenizer(file, tokenizer));
  return { ids: file.tokens, facts: text.facts ?? factsIn(file) };
}
