// Writes a file of tokens. While it grows it is a folder beside it, `tokens.bin.partial`, with the ids and a
// journal of how far they reach, so that the same command goes on after it was killed. Read next: format.ts.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonBytes, readJson } from '../base/json.ts';
import { integer, object, optional, type Schema, string } from '../base/schema.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { lockFolder } from '../io/node-lock.ts';
import { folderStore, reason } from '../io/node-store.ts';
import { BLOCK, blockSum, type Description, headBytes, tableBytes, widthOf } from './format.ts';
import type { Place } from './units.ts';

/** How far a partial file reaches. */
interface Journal extends Place {
  /** What is encoded, and how: only the same work is continued. */
  work: string;
  tokens: number;
}

const journal: Schema<Journal> = object<Journal>({
  work: string,
  bytes: integer({ min: 0 }),
  sha256: string,
  done: optional(integer({ min: 0 })),
  tokens: integer({ min: 0 }),
});

const JOURNAL_FILE = 'journal.json';
const IDS_FILE = 'ids';

/** A file of tokens that is being written. */
export interface TokensWriter {
  /** Where the text goes on; undefined at its start. */
  from: Place | undefined;
  /** Tokens written so far. */
  readonly count: number;
  /** Adds ids. */
  add(ids: Int32Array): void;
  /** Notes that the ids so far are those of the text up to `place`. A resumed command goes on from here. */
  reached(place: Place): Promise<void>;
  /** Writes the rest and gives the file its name. */
  finish(rest: Pick<Description, 'source' | 'separator' | 'tokenizer'>): void;
  /** Lets go of it. What the journal has of it stays, for the same command. */
  close(): void;
}

/** Milliseconds between two entries of the journal. */
const NOTED_EVERY = 2000;

/**
 * Begins a file of tokens at `path`, or goes on with it when the same `work` was begun. The ids begin after
 * `head` bytes. `fresh` begins anew. Throws `FolderInUse` when another process writes it.
 */
export async function writeTokens(
  path: string,
  {
    dtype,
    work,
    head,
    fresh = false,
  }: Pick<Description, 'dtype'> & { work: string; head: number; fresh?: boolean },
): Promise<TokensWriter> {
  const folder = `${path}.partial`;
  const lock = lockFolder(folder, 'inkhorn data encode');
  const store = folderStore(folder);
  const ids = join(folder, IDS_FILE);
  const width = widthOf(dtype);
  let file = -1;
  try {
    const begun = fresh ? null : await readJournal(folder, work);
    file = openSync(ids, begun && existsSync(ids) ? 'r+' : 'w+');
    const blocks = makeBlocks(file, head, dtype);
    const from = begun && blocks.resume(begun.tokens) ? begun : undefined;
    if (!from) {
      ftruncateSync(file, 0);
      blocks.resume(0);
    }
    let noted = performance.now();
    return {
      from,
      get count() {
        return blocks.count();
      },
      add: blocks.add,
      async reached(place) {
        if (performance.now() - noted < NOTED_EVERY) return;
        blocks.flush();
        fdatasyncSync(file);
        await store.write(
          JOURNAL_FILE,
          jsonBytes({ work, ...place, tokens: blocks.count() } satisfies Journal),
        );
        noted = performance.now();
      },
      finish(rest) {
        const table = tableBytes(blocks.sums());
        const count = blocks.count();
        writeAll(file, table, head + count * width);
        writeAll(file, headBytes({ dtype, count, table: sha256Of(table), ...rest }, head), 0);
        fdatasyncSync(file);
        closeSync(file);
        file = -1;
        renameSync(ids, path);
        syncFolder(dirname(path));
        rmSync(join(folder, JOURNAL_FILE), { force: true });
        lock.release();
        rmSync(folder, { recursive: true, force: true });
      },
      close() {
        if (file >= 0) closeSync(file);
        file = -1;
        lock.release();
        if (!existsSync(join(folder, JOURNAL_FILE))) rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    if (file >= 0) closeSync(file);
    lock.release();
    throw error;
  }
}

async function readJournal(folder: string, work: string): Promise<Journal | null> {
  const bytes = await folderStore(folder)
    .read(JOURNAL_FILE, 2 ** 16)
    .catch(() => null);
  if (!bytes) return null;
  try {
    const found = readJson(bytes, JOURNAL_FILE, journal);
    return found.work === work ? found : null;
  } catch {
    return null; // written by another version: the work begins anew
  }
}

/** The name of a file is on the disk when its folder is. */
function syncFolder(folder: string): void {
  try {
    const opened = openSync(folder, 'r');
    try {
      fdatasyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch {
    // not every system can
  }
}

/** The disk is full, or fails. */
export class CannotWriteTokens extends Error {}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      throw new CannotWriteTokens(`cannot write tokens: ${reason(error)}`, { cause: error });
    }
  }
}

/** The ids in the file, block by block, with the checksums of these. */
function makeBlocks(
  file: number,
  head: number,
  dtype: Description['dtype'],
): {
  resume(tokens: number): boolean;
  count(): number;
  add(ids: Int32Array): void;
  flush(): void;
  sums(): number[];
} {
  const width = widthOf(dtype);
  const buffer = new ArrayBuffer(BLOCK);
  const block = dtype === 'uint16' ? new Uint16Array(buffer) : new Uint32Array(buffer);
  const bytes = new Uint8Array(buffer);
  const sums: number[] = [];
  let used = 0; // ids in `block`, of which the file has none before `flush`
  const write = (): void => writeAll(file, bytes.subarray(0, used * width), head + sums.length * BLOCK);
  return {
    /** Goes on after the first `tokens` of the file, if it has as many. */
    resume(tokens) {
      sums.length = 0;
      used = 0;
      for (let left = tokens * width; left > 0; left -= BLOCK) {
        const wanted = Math.min(BLOCK, left);
        if (readSync(file, bytes, 0, wanted, head + sums.length * BLOCK) < wanted) return false;
        if (wanted === BLOCK) sums.push(blockSum(bytes));
        else used = wanted / width;
      }
      return true;
    },
    count: () => (sums.length * BLOCK) / width + used,
    add(ids) {
      for (let at = 0; at < ids.length; ) {
        const some = ids.subarray(at, at + block.length - used);
        block.set(some, used);
        used += some.length;
        at += some.length;
        if (used < block.length) return;
        write();
        sums.push(blockSum(bytes));
        used = 0;
      }
    },
    flush: write,
    sums() {
      if (used === 0) return sums;
      write();
      return [...sums, blockSum(bytes.subarray(0, used * width))];
    },
  };
}
