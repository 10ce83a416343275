// The text of a run, found again and unchanged. Read next: opened-text.ts.
import { stat } from 'node:fs/promises';
import { formatAmount } from '../base/format.ts';
import { CorpusUnavailable, STDIN } from '../corpora/index.ts';
import type { DataRecord } from '../runs/data-record.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';
import { type EncodedText, encodeOpened, type OpenedText, openRequest } from './opened-text.ts';
import type { Output } from './output.ts';
import {
  canBeRead,
  type Place,
  pathOf,
  places,
  type TextFacts,
  TextNotHere,
  textFacts,
  typed,
} from './run-text.ts';
import { UnreadText } from './texts.ts';
import type { TextRequest } from './tokens-cache.ts';

/** A text that matches its record, and where it was found. */
export interface FoundText {
  text: OpenedText;
  place: Place;
  /** Its tokens. Throws where a stream turns out to be another text than that of the record. */
  encode(tokenizer: Tokenizer): Promise<EncodedText>;
}

/**
 * The text of a record, unchanged. It is searched for where it was, as it was typed, where it would be if it
 * moved along with the run, which is in `folder` now, and in the run itself, where a page packs it. Throws
 * TextNotHere, and CorpusUnavailable for a named text that cannot be fetched.
 */
export async function findText(record: DataRecord, folder: string, output: Output): Promise<FoundText> {
  let problem = record.inputs.includes(STDIN) ? 'which is not kept' : 'which is not here';
  for (const place of places(record, folder)) {
    const paths = place.inputs.map((input) => pathOf(input, place.cwd));
    const fifo = await firstFifo(paths);
    if (fifo !== undefined) problem = `which came through ${fifo}, a FIFO, and is not kept`;
    if (!(await Promise.all(paths.map(canBeRead))).every(Boolean)) continue;
    const text = await openRequest(requestOf(record, paths), output).catch((error: Error) => error);
    if (text instanceof CorpusUnavailable) throw text;
    if (text instanceof Error) problem = `which cannot be read: ${text.message}`;
    else {
      const other = otherThan(record, text.facts);
      if (other === null)
        return { text, place, encode: (tokenizer) => encodeFound(text, record, tokenizer, output) };
      problem = `and ${paths.join(' ')} ${other}`;
    }
  }
  throw notHere(record, problem);
}

async function encodeFound(
  text: OpenedText,
  record: DataRecord,
  tokenizer: Tokenizer,
  output: Output,
): Promise<EncodedText> {
  const encoded = await encodeOpened(text, tokenizer, output).catch((error: Error) => {
    throw error instanceof UnreadText ? notHere(record, `which cannot be read: ${error.message}`) : error;
  });
  const other = otherThan(record, encoded.facts);
  if (other !== null) throw notHere(record, `and ${text.source} ${other}`);
  return encoded;
}

function notHere(record: DataRecord, problem: string): TextNotHere {
  const what = record.tokens === undefined ? '' : ', a file of tokens';
  return new TextNotHere(`the run was trained on ${textFacts(record)}${what}, ${problem}`);
}

/** The text of `--data`, which must be that of the record; another one is a misuse. */
export async function sameText(
  record: DataRecord,
  { data, asBytes = record.asBytes }: { data: readonly string[]; asBytes?: boolean },
  output: Output,
): Promise<FoundText> {
  const text = await openRequest(requestOf({ ...record, asBytes }, data), output);
  const check = (facts: TextFacts | null): void => {
    if (otherThan(record, facts) === null) return;
    const found = facts === null ? data.join(' ') : textFacts({ inputs: data, ...facts });
    const what = record.tokens === undefined ? 'is not the text' : 'does not have the tokens';
    throw misuse(`--data ${found} ${what} that the run was trained on: ${textFacts(record)}`);
  };
  check(text.facts);
  return {
    text,
    place: typed(data),
    async encode(tokenizer) {
      const encoded = await encodeOpened(text, tokenizer, output);
      check(encoded.facts);
      return encoded;
    },
  };
}

function requestOf(
  { tokens, asBytes, separator, field }: DataRecord,
  inputs: readonly string[],
): TextRequest {
  return tokens === undefined
    ? { inputs, asBytes, separator, field }
    : { inputs, asBytes: false, separator: null };
}

/**
 * What is wrong with a text that should match a record, as a clause; null if nothing is, or if that is not
 * known before a stream is read.
 */
function otherThan(record: DataRecord, facts: TextFacts | null): string | null {
  if (record.tokens !== facts?.tokens)
    return facts?.tokens === undefined
      ? 'is no file of tokens now'
      : `${record.tokens === undefined ? 'is a file of' : 'has other'} tokens now`;
  if (!facts || (facts.bytes === record.bytes && facts.sha256 === record.sha256)) return null;
  return `holds another text now (${formatAmount(facts.bytes, 'byte')})`;
}

/** The first of `paths` that is a FIFO. */
async function firstFifo(paths: readonly string[]): Promise<string | undefined> {
  const kinds = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return paths.find((_, i) => kinds[i]?.isFIFO());
}
