// The user's own texts: files, folders of text files, glob patterns, standard input. Read next:
// ../text/check.ts.

import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, parse } from 'node:path';
import type { Readable } from 'node:stream';
import { glob, isDynamicPattern } from 'tinyglobby';
import { formatAmount, formatCount } from '../base/format.ts';
import { shellWord } from '../base/shell.ts';
import { reason } from '../io/node-store.ts';
import { TEXT_KINDS } from '../text/documents.ts';

/** The path that means standard input. */
export const STDIN = '-';

/** The files of one input, in order. */
export interface LocalFiles {
  /** A description for people: the path, with the number of files where there are several. */
  source: string;
  /** The last part of the path. */
  name: string;
  paths: readonly string[];
}

/** Whether `path` exists. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

/**
 * The files of one input, sorted by path ("a/b.txt" before "b.txt", compared character by character): one
 * file; all text files in and below a folder; all files that match a pattern. Names that start with a dot are
 * skipped. Null where nothing has that name. Throws one line when something cannot be read and when there is
 * no text.
 */
export async function findFiles(input: string): Promise<LocalFiles | null> {
  if (input === STDIN) return { source: 'standard input', name: 'standard input', paths: [STDIN] };
  if (!(await isThere(input))) return isDynamicPattern(input) ? matching(input) : null;
  const kind = await attempt(input, stat(input));
  if (kind.isDirectory()) return within(input);
  if (!kind.isFile() && !kind.isFIFO())
    throw new Error(`${input} is neither a file nor a folder: it holds no text`);
  return { source: input, name: basename(input), paths: [input] };
}

async function within(folder: string): Promise<LocalFiles> {
  const names = (await textFiles(folder, '', new Set())).sort();
  if (names.length === 0)
    throw new Error(
      `${folder} holds no .txt file, nor another of ${TEXT_KINDS.slice(1).join(' ')}: name a file, or a pattern such as '${join(folder, '**/*.ts')}'`,
    );
  const paths = names.map((name) => join(folder, name));
  return { source: `${folder} (${countKinds(names)})`, name: basename(folder), paths };
}

async function matching(pattern: string): Promise<LocalFiles> {
  const paths = (await glob(pattern, { expandDirectories: false, absolute: isAbsolute(pattern) })).sort();
  if (paths.length === 0) throw new Error(`no file fits the pattern ${JSON.stringify(pattern)}`);
  return { source: `${pattern} (${countKinds(paths)})`, name: pattern, paths };
}

/** `4 .txt files`; `5 files: 4 .txt, 1 .md`. */
function countKinds(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const kind = extname(name).toLowerCase();
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const [[only]] = counts;
  if (counts.size === 1) return formatAmount(names.length, `${only ? `${only} ` : ''}file`);
  const kinds = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${n} ${kind || 'without an ending'}`);
  return `${formatAmount(names.length, 'file')}: ${kinds.join(', ')}`;
}

/**
 * The paths of the text files below `root`, relative to it, with forward slashes. Follows links, but enters
 * each folder only once.
 */
async function textFiles(root: string, below: string, seen: Set<string>): Promise<string[]> {
  const folder = join(root, below);
  const real = await attempt(folder, realpath(folder));
  if (seen.has(real)) return [];
  seen.add(real);
  const found: string[] = [];
  for (const name of await attempt(folder, readdir(folder))) {
    if (name.startsWith('.')) continue;
    const path = below ? `${below}/${name}` : name;
    const kind = await attempt(join(root, path), stat(join(root, path)));
    if (kind.isDirectory()) found.push(...(await textFiles(root, path, seen)));
    else if (kind.isFile() && TEXT_KINDS.includes(extname(name).toLowerCase())) found.push(path);
  }
  return found;
}

/** Longest text in bytes: places in it are 32-bit numbers, and Node reads no longer file in one go. */
export const LONGEST_TEXT = 2 ** 31 - 1;

/**
 * Throws when the text of `paths`, of `length` bytes, is too long; before it is read, where the length is
 * known.
 */
export function checkLength(what: string, length: number, paths: readonly string[]): void {
  if (length <= LONGEST_TEXT) return;
  const take = `head -c ${LONGEST_TEXT}`;
  const command = paths.length === 1 ? ` (\`${throughCommand(take, paths[0], 'part')}\`)` : '';
  throw new Error(
    `${what} has ${formatAmount(length, 'byte')}, a text has at most ${formatCount(LONGEST_TEXT)}: take a part of it${command}`,
  );
}

/**
 * A command line that converts a file with `command` and writes the result beside it: `notes.txt >
 * notes.utf8.txt`.
 */
export function throughCommand(command: string, path: string, kind: string): string {
  if (path === STDIN) return `... | ${command} | ...`;
  const { dir, name, ext } = parse(path);
  const word = (file: string): string => shellWord(file.startsWith('-') ? `./${file}` : file);
  return `${command} ${word(path)} > ${word(join(dir, `${name}.${kind}${ext}`))}`;
}

/** The size of a file as the system states it; 0 for a FIFO and for standard input. */
export async function sizeOf(path: string): Promise<number> {
  return path === STDIN ? 0 : (await attempt(path, stat(path))).size;
}

export interface ReadOptions {
  /** Called now and then with the bytes read so far. */
  onRead?: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * The bytes of a file, a FIFO or standard input. Throws one line when it cannot be read, or the signal's
 * reason.
 */
export async function readBytes(path: string, { onRead, signal }: ReadOptions = {}): Promise<Uint8Array> {
  signal?.throwIfAborted();
  let bytes = Buffer.alloc(await sizeOf(path)); // of the stated size: no second copy of a large file
  const stream: Readable =
    path === STDIN ? process.stdin : createReadStream(path, { highWaterMark: 1 << 22 });
  const stop = (): void => void stream.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', stop, { once: true });
  let length = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      checkLength(path === STDIN ? 'standard input' : path, length + part.length, [path]);
      if (length + part.length > bytes.length) bytes = grown(bytes, length, length + part.length);
      length += part.copy(bytes, length);
      onRead?.(length);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(`cannot read ${path === STDIN ? 'standard input' : path}: ${reason(error)}`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  return bytes.subarray(0, length);
}

function grown(bytes: Buffer, used: number, needed: number): Buffer<ArrayBuffer> {
  const larger = Buffer.alloc(Math.min(LONGEST_TEXT, Math.max(needed, 2 * bytes.length)));
  bytes.copy(larger, 0, 0, used);
  return larger;
}

async function attempt<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    throw new Error(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}
