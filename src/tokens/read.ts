// Reads a file of tokens by position: no more of it is in memory than a few megabytes. Read next: format.ts,
// ../train/draws.ts.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { formatCount } from '../base/format.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { reason } from '../io/node-store.ts';
import type { Tokens } from '../model/batch.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { checkSplit, type Dataset, datasetOf, type Split } from '../train/data.ts';
import {
  BLOCK,
  blockSum,
  blocksOf,
  checkSize,
  type Description,
  descriptionLength,
  identityOf,
  MAGIC,
  PREAMBLE,
  readDescription,
  widthOf,
} from './format.ts';

/** A file of tokens, open. */
export interface TokensFile {
  path: string;
  description: Description;
  /** All of its tokens. */
  tokens: Tokens;
  /**
   * Its parts for training, as `dataset` makes them of a text; the tokens stay in the file. Throws when it
   * was made by another tokenizer, and when a part is too short.
   */
  dataset(tokenizer: Tokenizer, split?: Partial<Split>): Dataset<Tokens>;
  close(): void;
}

/** Blocks that are kept in memory: 16 MB. */
const KEPT = 256;

/** Whether a file begins as one of tokens does. False where it cannot be read. */
export function isTokensFile(path: string): boolean {
  const start = Buffer.alloc(MAGIC.length);
  try {
    if (!statSync(path).isFile()) return false; // a pipe would wait to be opened
    const file = openSync(path, 'r');
    try {
      readSync(file, start, 0, start.length, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
  return start.toString('latin1') === MAGIC;
}

/**
 * Opens a file of tokens. Throws one line when it cannot be read, is none, is cut off or altered. The blocks
 * of ids are checked when they are read.
 */
export function openTokens(path: string): TokensFile {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new Error(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
  try {
    const preamble = readAt(file, 0, PREAMBLE);
    const bytes = readAt(file, PREAMBLE, descriptionLength(preamble));
    const description = readDescription(preamble, bytes);
    const head = PREAMBLE + bytes.length;
    checkSize(description, head, fstatSync(file).size);
    const table = readAt(
      file,
      head + description.count * widthOf(description.dtype),
      4 * blocksOf(description),
    );
    if (sha256Of(table) !== description.table)
      throw new Error('is damaged: its table of checksums was altered');
    const blockAt = blockReader(path, file, description, head, table);
    const each = BLOCK / widthOf(description.dtype);
    const tokens = tokensOf(blockAt, each, description.count);
    return {
      path,
      description,
      tokens,
      dataset(tokenizer, split = {}) {
        checkTokenizer({ path, description }, tokenizer);
        return datasetOf(tokens, tokenizer, description.separator, checkSplit(split));
      },
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw new Error(`${path} ${(error as Error).message}`, { cause: error });
  }
}

function readAt(file: number, position: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const n = readSync(file, bytes, done, length - done, position + done);
    if (n === 0) return bytes.slice(0, done);
    done += n;
  }
  return bytes;
}

type Block = Uint16Array | Uint32Array;

/** The ids of a block, checked; the blocks read last are kept. */
function blockReader(
  path: string,
  file: number,
  { dtype, count }: Description,
  head: number,
  table: Uint8Array,
): (k: number) => Block {
  const sums = new DataView(table.buffer);
  const end = count * widthOf(dtype);
  const kept = new Map<number, Block>();
  return (k) => {
    const known = kept.get(k);
    if (known) return known;
    const bytes = readAt(file, head + k * BLOCK, Math.min(BLOCK, end - k * BLOCK));
    if (blockSum(bytes) !== sums.getUint32(4 * k, true))
      throw new Error(
        `${path} is damaged: block ${formatCount(k + 1)} of ${formatCount(table.length / 4)} was altered: copy or encode it again`,
      );
    const block = dtype === 'uint16' ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value as number); // the one read first
    kept.set(k, block);
    return block;
  };
}

/** The `count` tokens of a file whose blocks have `each` of them. */
function tokensOf(blockAt: (k: number) => Block, each: number, count: number): Tokens {
  return {
    length: count,
    subarray(from, to) {
      const [first, last] = [Math.max(0, from), Math.min(count, to)];
      const ids = new Int32Array(Math.max(0, last - first));
      for (let at = first; at < last; ) {
        const k = Math.floor(at / each);
        const some = blockAt(k).subarray(at - k * each, Math.min(each, last - k * each));
        ids.set(some, at - first);
        at += some.length;
      }
      return ids;
    },
  };
}

/** Throws when a file of tokens was made by another tokenizer than the one at hand. */
export function checkTokenizer(
  { path, description }: Pick<TokensFile, 'path' | 'description'>,
  tokenizer: Tokenizer,
): void {
  const { sha256, vocabSize, file } = description.tokenizer;
  const own = identityOf(tokenizer);
  if (own === sha256) return;
  throw new Error(
    `${path} was encoded by another tokenizer (${file ? `${file}, ` : ''}${formatCount(vocabSize)} tokens, ${sha256.slice(0, 12)}...) than this one ` +
      `(${formatCount(tokenizer.vocabSize)} tokens, ${own.slice(0, 12)}...): encode the text again by \`inkhorn data encode\`, or use that one (\`train --tokenizer\`)`,
  );
}
