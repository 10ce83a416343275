// Texts of any size, document by document, in parts: files, folders, patterns, named corpora, standard input;
// compressed with gzip or Zstandard; JSON Lines. Read next: decompress.ts, json-lines.ts.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { formatAmount, formatCount } from '../base/format.ts';
import { reason } from '../io/node-store.ts';
import { checkText } from '../text/check.ts';
import { unfinishedCharacter } from '../text/damage.ts';
import { byteOrderMark } from '../text/problem.ts';
import type { CorpusOptions, DocumentPart } from './corpus.ts';
import { compressionOf, decompressed } from './decompress.ts';
import { find } from './index.ts';
import { jsonTexts } from './json-lines.ts';
import { STDIN, sizeOf } from './local.ts';
import { eachOnce, identify, NotText, notTextOf, type Text } from './read.ts';

/** A text that is read as it is needed, as often as one likes unless it comes through a pipe. */
export interface TextStream {
  name: string;
  source: string;
  /** Bytes of its files, as they are on the disk; 0 where that is not known. */
  size: number;
  /** Its files with size and time of change: they tell whether it may be another text now. */
  files: readonly { path: string; size: number; changed: number }[];
  /** Whether it comes through a pipe, once. */
  once: boolean;
  /** Whether one of its files is compressed, by its name. */
  compressed: boolean;
  /**
   * Its documents. `onRead` gets the bytes of the files read so far, `onNote` remarks. Throws one line when
   * something cannot be read, is cut off or is no text.
   */
  parts(look?: {
    onRead?: (bytes: number) => void;
    onNote?: (line: string) => void;
  }): AsyncGenerator<DocumentPart>;
}

export interface StreamOptions extends Pick<CorpusOptions, 'asBytes' | 'cacheFolder' | 'assetsFolder'> {
  /** The field of each line of JSON Lines that holds the text of a document. */
  field?: string;
}

/** Finds the text of `inputs`, as `loadCorpus` does, without reading it. */
export async function openStream(
  inputs: readonly string[],
  options: StreamOptions = {},
): Promise<TextStream> {
  const { field, ...corpus } = options;
  const found = [];
  for (const input of inputs) found.push(await find(input, corpus));
  const { texts } = eachOnce(found);
  const files = await Promise.all(texts.map(factsOf));
  const [first, ...rest] = found;
  const once = (await Promise.all(texts.map(isPipe))).some(Boolean);
  return {
    name: rest.length === 0 ? first.name : `${first.name} and ${rest.length} more`,
    source: found.map(({ source }) => source).join(', '),
    size: once ? 0 : files.reduce((sum, { size }) => sum + size, 0),
    files,
    once,
    compressed: texts.some(({ path }) => isCompressed(path)),
    async *parts({ onRead, onNote } = {}) {
      let before = 0;
      for (const [k, text] of texts.entries()) {
        const counted = (bytes: number): void => onRead?.(before + bytes);
        yield* documentsIn(text, options, counted, onNote);
        before += files[k].size;
      }
    },
  };
}

/** Whether a file is compressed, by its name. */
export function isCompressed(path: string): boolean {
  return /\.(gz|zst)$/i.test(path);
}

async function factsOf({ path, bytes }: Text): Promise<TextStream['files'][number]> {
  if (bytes) return { path, size: bytes.length, changed: 0 };
  const size = await sizeOf(path);
  return {
    path: path === STDIN ? path : resolve(path),
    size,
    changed: path === STDIN ? 0 : (await stat(path)).mtimeMs,
  };
}

async function isPipe({ path, bytes }: Text): Promise<boolean> {
  return !bytes && (path === STDIN || !(await stat(path)).isFile());
}

/** The documents of one file. */
async function* documentsIn(
  text: Text,
  { field, asBytes }: StreamOptions,
  onRead: (bytes: number) => void,
  onNote: ((line: string) => void) | undefined,
): AsyncGenerator<DocumentPart> {
  const name = text.path === STDIN ? 'standard input' : text.path;
  const raw = text.bytes ? once(text.bytes) : readParts(text.path, name, onRead);
  const { kind, bytes } = await compressionOf(raw);
  const plain = kind === null ? bytes : decompressed(bytes, kind, name);
  const cutMatters = kind !== null || (await isPipe(text));
  if (field !== undefined) {
    yield* jsonTexts(plain, field, name);
    return;
  }
  const checked = asBytes || text.bytes ? plain : asText(plain, text.path, cutMatters, onNote);
  for await (const part of checked) yield { bytes: part, ends: false };
  yield { bytes: new Uint8Array(0), ends: true };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Bytes read at a time. */
const PART = 2 ** 18;

async function* readParts(
  path: string,
  name: string,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const stream: Readable = path === STDIN ? process.stdin : createReadStream(path, { highWaterMark: PART });
  let read = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      read += part.length;
      yield part;
      onRead(read);
    }
  } catch (error) {
    throw new Error(`cannot read ${name}: ${reason(error)}`, { cause: error });
  }
}

/** The first bytes of a file decide whether it is text. */
const LOOK = 2 ** 20;

/**
 * The same in UTF-8, without a byte order mark. Throws NotText when the first megabyte is not text. A text
 * that was cut off (`cutMatters`: in a pipe or in an archive) is refused where that shows: in the middle of a
 * character.
 */
async function* asText(
  parts: AsyncIterable<Uint8Array>,
  path: string,
  cutMatters: boolean,
  onNote: ((line: string) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  const name = path === STDIN ? 'standard input' : path;
  const iterator = parts[Symbol.asyncIterator]();
  const { start, done } = await firstBytes(iterator, LOOK);
  const mark = byteOrderMark(start);
  const wide = mark === 'UTF-16LE' || mark === 'UTF-16BE';
  const checked = await checkText(wide ? start.subarray(0, start.length & ~1) : start, identify);
  if ('problem' in checked) throw notTextOf([{ path, problem: checked.problem }], 1);
  if (checked.remark && done) onNote?.(`${name} ${checked.remark.detail ?? checked.remark.kind}`);
  else if (checked.remark && mark) onNote?.(`${name} ${checked.remark.kind}`);
  let end: Uint8Array = new Uint8Array(0); // the last bytes
  let length = 0;
  const seen = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length > 0) end = bytes.subarray(-4);
    length += bytes.length;
    return bytes;
  };
  const decoder = wide ? new TextDecoder(mark) : null;
  const convert = (bytes: Uint8Array, last: boolean): Uint8Array =>
    decoder ? new TextEncoder().encode(decoder.decode(bytes, { stream: !last })) : bytes;
  yield seen(decoder ? convert(start, done) : checked.bytes);
  if (done) return refuseCut(end, length, name, cutMatters);
  for (let next = await iterator.next(); !next.done; next = await iterator.next())
    yield seen(convert(next.value, false));
  if (decoder) yield seen(convert(new Uint8Array(0), true));
  refuseCut(end, length, name, cutMatters);
}

function refuseCut(end: Uint8Array, length: number, name: string, cutMatters: boolean): void {
  const unfinished = unfinishedCharacter(end);
  if (!cutMatters || unfinished === 0) return;
  throw new NotText(
    `${name} ends in the middle of a character (${formatAmount(unfinished, 'byte')} of it, after byte ${formatCount(length - unfinished)}): it was cut off`,
  );
}

/** At least `least` bytes, or all. */
async function firstBytes(
  iterator: AsyncIterator<Uint8Array>,
  least: number,
): Promise<{ start: Uint8Array; done: boolean }> {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < least; ) {
    const next = await iterator.next();
    if (next.done) return { start: Buffer.concat(parts), done: true };
    parts.push(next.value);
    length += next.value.length;
  }
  return { start: Buffer.concat(parts), done: false };
}
