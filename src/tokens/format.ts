// The file of tokens: the ids of a text of any size, to be read from any place. Little-endian throughout:
//
//   8 bytes   `inktoken`
//   4 bytes   version, 1
//   4 bytes   n, the length of the description
//   32 bytes  SHA-256 of the description
//   n bytes   the description: JSON (`Description`), filled up with spaces to a multiple of 4,096 - 48
//   ids       16 bits each where the vocabulary allows it, else 32
//   table     a CRC-32 for each block of 65,536 bytes of ids; the last block may be shorter
//
// The description has the SHA-256 of the table, so that every byte is covered by a checksum, and a block can
// be checked when it is read. Read next: read.ts, write.ts.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { formatCount } from '../base/format.ts';
import { parseJson } from '../base/json.ts';
import {
  array,
  boolean,
  integer,
  matching,
  nullable,
  object,
  oneOf,
  optional,
  type Schema,
  string,
} from '../base/schema.ts';
import { sha256Of } from '../corpora/fetch.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** The usual name. */
export const TOKENS_FILE = 'tokens.bin';

/** What a file of tokens says about itself. */
export interface Description {
  /** The width of an id. */
  dtype: 'uint16' | 'uint32';
  /** Number of tokens. */
  count: number;
  /** SHA-256 of the table of checksums. */
  table: string;
  tokenizer: {
    /** See `identityOf`. */
    sha256: string;
    vocabSize: number;
    /** The file it was read from, for messages. */
    file?: string;
  };
  /** The special token between documents; null: they are joined by line feeds. */
  separator: string | null;
  source: Source;
}

/** The text that was encoded. */
export interface Source {
  /** As given: files, folders, patterns, names, `-` for standard input. */
  inputs: readonly string[];
  name: string;
  asBytes: boolean;
  /** The field of JSON Lines that holds the text. */
  field?: string;
  documents: number;
  /** Length and SHA-256 of the text, its documents joined by line feeds. */
  bytes: number;
  sha256: string;
}

const sum = matching(/^[0-9a-f]{64}$/, 'a SHA-256');

const description: Schema<Description> = object<Description>({
  dtype: oneOf('uint16', 'uint32'),
  count: integer({ min: 1 }),
  table: sum,
  tokenizer: object<Description['tokenizer']>({
    sha256: sum,
    vocabSize: integer({ min: 1 }),
    file: optional(string),
  }),
  separator: nullable(string),
  source: object<Source>({
    inputs: array(string),
    name: string,
    asBytes: boolean,
    field: optional(string),
    documents: integer({ min: 1 }),
    bytes: integer({ min: 1 }),
    sha256: sum,
  }),
});

export const MAGIC = 'inktoken';
/** Bytes before the description. */
export const PREAMBLE = 48;
const VERSION = 1;
/** The ids begin at a multiple of this. */
const PAGE = 4096;
/** Bytes of ids that have a checksum together. */
export const BLOCK = 65536;
/** A longer description is damage. */
const LONGEST = 2 ** 26;

/** Bytes per id. */
export function widthOf(dtype: Description['dtype']): 2 | 4 {
  return dtype === 'uint16' ? 2 : 4;
}

/** The least width for a vocabulary. */
export function dtypeFor(vocabSize: number): Description['dtype'] {
  return vocabSize <= 65536 ? 'uint16' : 'uint32';
}

/**
 * What makes two tokenizers the same: SHA-256 of the `tokenizer.json` that Inkhorn writes of it, which has
 * merges, ids, pattern and special tokens.
 */
export function identityOf(tokenizer: Tokenizer): string {
  return createHash('sha256').update(JSON.stringify(tokenizer)).digest('hex');
}

/** The bytes before the ids. With `room` they fill exactly so many. */
export function headBytes(of: Description, room?: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(of));
  const length = room ?? Math.ceil((PREAMBLE + text.length) / PAGE) * PAGE;
  const head = new Uint8Array(length).fill(0x20);
  head.set(new TextEncoder().encode(MAGIC));
  head.set(text, PREAMBLE);
  const view = new DataView(head.buffer);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, length - PREAMBLE, true);
  head.set(Buffer.from(sha256Of(head.subarray(PREAMBLE)), 'hex'), 16);
  return head;
}

/** The length of the description that follows a preamble. Throws, as a clause, when it is none. */
export function descriptionLength(preamble: Uint8Array): number {
  const view = new DataView(preamble.buffer, preamble.byteOffset, preamble.length);
  if (preamble.length < PREAMBLE || new TextDecoder().decode(preamble.subarray(0, 8)) !== MAGIC)
    throw new Error('is no file of tokens: `inkhorn data encode` writes one');
  const version = view.getUint32(8, true);
  if (version !== VERSION)
    throw new Error(`is a file of tokens of version ${version}, this Inkhorn reads version ${VERSION}`);
  const length = view.getUint32(12, true);
  if (length > LONGEST) throw new Error('is damaged: its description has an impossible length');
  return length;
}

/** The description in `bytes`, whose checksum the preamble has. Throws, as a clause, when it is damaged. */
export function readDescription(preamble: Uint8Array, bytes: Uint8Array): Description {
  if (sha256Of(bytes) !== Buffer.from(preamble.subarray(16, 48)).toString('hex'))
    throw new Error('is damaged: its description does not have its checksum');
  return description(parseJson(bytes));
}

/** Number of blocks of `count` ids. */
export function blocksOf({ dtype, count }: Pick<Description, 'dtype' | 'count'>): number {
  return Math.ceil((count * widthOf(dtype)) / BLOCK);
}

/** The checksum of a block. */
export function blockSum(block: Uint8Array): number {
  return crc32(block);
}

/** The table of checksums as bytes. */
export function tableBytes(sums: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * sums.length);
  const view = new DataView(bytes.buffer);
  sums.forEach((one, k) => {
    view.setUint32(4 * k, one, true);
  });
  return bytes;
}

/** Throws, as a clause, when a file of `size` bytes, `head` of them before the ids, cannot be all of it. */
export function checkSize(of: Description, head: number, size: number): void {
  const wanted = head + of.count * widthOf(of.dtype) + 4 * blocksOf(of);
  if (size === wanted) return;
  throw new Error(
    size < wanted
      ? `is cut off: it has ${formatCount(size)} of ${formatCount(wanted)} bytes: copy or encode it again`
      : `is damaged: it has ${formatCount(size - wanted)} bytes too many`,
  );
}
