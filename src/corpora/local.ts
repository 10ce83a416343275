// Texts of one's own: a file, or a folder of .txt files.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../platform/node-store.ts';

/** Bytes of the longest text: places in it are 32-bit numbers, and Node reads no longer file at once. */
export const LONGEST_TEXT = 2 ** 31 - 1;

/** Whether there is anything at `path`. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

/**
 * The bytes of a file as they are, or of every `.txt` file in a folder and the folders inside it, in the order of their
 * paths ("a/b.txt" before "b.txt", compared character by character), with one line feed between one file and the next.
 * Names that start with a dot are passed over. Throws, in one line, when something cannot be read and when there is no text.
 */
export async function readLocal(path: string): Promise<{ bytes: Uint8Array; source: string }> {
  const kind = await attempt(path, stat(path));
  if (!kind.isDirectory()) {
    if (!kind.isFile() && !kind.isFIFO())
      throw new Error(`${path} is neither a file nor a folder: it holds no text`);
    checkLength(path, kind.size);
    const bytes = await attempt(path, readFile(path));
    if (bytes.length === 0) throw new Error(`${path} is empty: a corpus needs text`);
    return { bytes, source: path };
  }
  const names = (await textFiles(path, '', new Set())).sort();
  if (names.length === 0)
    throw new Error(`${path} holds no .txt file: name a file, or a folder of .txt files`);
  let length = names.length - 1; // the line feeds between files
  for (const name of names) length += (await attempt(join(path, name), stat(join(path, name)))).size;
  checkLength(path, length);
  const parts: Uint8Array[] = [];
  for (const name of names) parts.push(await attempt(join(path, name), readFile(join(path, name))));
  if (parts.every((part) => part.length === 0))
    throw new Error(`every .txt file in ${path} is empty: a corpus needs text`);
  return {
    bytes: joinLines(parts),
    source: `${path} (${names.length} .txt file${names.length === 1 ? '' : 's'})`,
  };
}

/** The paths of the .txt files below `root`, relative to it, with forward slashes. Follows links, each folder once. */
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
    else if (kind.isFile() && /\.txt$/i.test(name)) found.push(path);
  }
  return found;
}

/** Throws when a text of `length` bytes at `path` is too long: before it is read. */
function checkLength(path: string, length: number): void {
  if (length <= LONGEST_TEXT) return;
  const count = (n: number): string => n.toLocaleString('en-US');
  throw new Error(
    `${path} has ${count(length)} bytes, a text has at most ${count(LONGEST_TEXT)}: take a part of it ` +
      `(\`head -c ${LONGEST_TEXT} FILE > PART\`)`,
  );
}

function joinLines(parts: readonly Uint8Array[]): Uint8Array {
  const lineFeed = Uint8Array.of(0x0a);
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [lineFeed, part])));
}

async function attempt<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    throw new Error(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}
