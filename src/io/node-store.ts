// A store that is a folder on disk. Its guarantees (atomic-store.ts) hold through a kill, a power cut and a
// full disk. Read next: node-lock.ts.

import { randomBytes } from 'node:crypto';
import { existsSync, fdatasync, fsync, readlinkSync, statfsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { threadId } from 'node:worker_threads';
import { formatAmount } from '../base/format.ts';
import { atomicStore, type FileSteps, type FileSystem, NO_SUCH_FILE, TEMPORARY } from './atomic-store.ts';
import { lockFolder } from './node-lock.ts';
import { checkLength, inParts, type Parts, type Store } from './store.ts';

export { type FileSteps, NO_SUCH_FILE } from './atomic-store.ts';

// Not the methods of file handles: those of Yarn's Plug'n'Play lack them.
const toDisk = promisify(fsync);
const dataToDisk = promisify(fdatasync);

/** The operations of the real file system. */
export const nodeFiles: FileSteps = {
  async read(path, atMost) {
    const file = await fs.open(path);
    try {
      checkLength((await file.stat()).size, atMost);
      const { buffer, byteOffset, length } = await file.readFile();
      // A plain Uint8Array: a Buffer's `slice` does not copy.
      return new Uint8Array(buffer, byteOffset, length);
    } finally {
      await file.close();
    }
  },
  async open(path) {
    const file = await fs.open(path);
    const { size } = await file.stat();
    const read = async (begin: number, end: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(end - begin);
      let done = 0;
      for (let more = 1; more > 0 && done < bytes.length; done += more)
        more = (await file.read(bytes, done, bytes.length - done, begin + done)).bytesRead;
      return bytes.subarray(0, done);
    };
    return inParts(size, read, () => file.close());
  },
  async entries(folder) {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.map((e) => ({ name: e.name, isFile: e.isFile() || e.isSymbolicLink() }));
  },
  makeFolder,
  async create(path, content) {
    const file = await fs.open(path, 'wx');
    try {
      if (content instanceof Uint8Array) await file.writeFile(content);
      else await writeParts(file, content);
      await toDisk(file.fd);
    } finally {
      await file.close();
    }
  },
  rename: (from, to) => fs.rename(from, to),
  unlink: (path) => fs.unlink(path),
  async sync(folder) {
    if (process.platform === 'win32') return; // Windows has no handle on a folder to sync.
    const handle = await fs.open(folder, 'r');
    try {
      await toDisk(handle.fd);
    } finally {
      await handle.close();
    }
  },
};

/** Bytes after which the disk begins to write: the last sync then has little left to wait for. */
const FLUSH = 32e6;

/** Writes each part while the next one is made. */
async function writeParts(file: fs.FileHandle, { parts }: Parts): Promise<void> {
  let [writing, flushing] = [Promise.resolve(), Promise.resolve()];
  let dirty = 0;
  try {
    for await (const part of parts()) {
      await writing;
      if (dirty >= FLUSH) {
        await flushing;
        flushing = dataToDisk(file.fd);
        dirty = 0;
      }
      writing = file.writeFile(part);
      dirty += part.length;
    }
  } finally {
    await Promise.allSettled([writing, flushing]); // also when a part cannot be made
  }
  await writing;
  await flushing;
}

/**
 * Creates a folder and its parents; does nothing where it exists. Node's own recursive mkdir reports a
 * read-only file system as "no such file" and never returns from a path in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await fs.mkdir(path);
  } catch (error) {
    if ((await fs.stat(path).catch(() => null))?.isDirectory()) return;
    const above = dirname(path);
    if (codeOf(error) !== 'ENOENT' || above === path) throw error;
    await makeFolder(above);
    await fs.mkdir(path).catch((again) => {
      if (codeOf(again) !== 'EEXIST') throw again; // another process was faster
    });
  }
}

/**
 * A store of the files directly in the folder `path`, which the first write creates. Errors are one line:
 * what could not be read or written, how many bytes it needed, why, and whether the previous contents are
 * intact.
 */
export function folderStore(path: string, files: FileSteps = nodeFiles): Store {
  return atomicStore(path, resolve(path), { ...disk, files });
}

const disk: Omit<FileSystem, 'files'> = {
  join,
  temporaryName: () => `.inkhorn.${process.pid}.${threadId}.${randomBytes(6).toString('hex')}`,
  isStale,
  inTurn,
  isMissing: (error) => codeOf(error) === 'ENOENT',
  reason,
  linkOf: danglingLink,
  async space(error, folder) {
    if (codeOf(error) !== 'ENOSPC') return '';
    const disk = await fs.statfs(folder).catch(() => null);
    return disk ? ` (${formatAmount(disk.bavail * disk.bsize, 'byte')} free)` : '';
  },
  lock: async (what, path) => lockFolder(path, what),
};

// ---- temporary files -------------------------------------------------------------------------------------

/**
 * Whether nobody is writing this temporary file: its process is gone, or it is ours (and our writes take
 * turns).
 */
function isStale(name: string): boolean {
  const [, pid, thread] = TEMPORARY.exec(name) ?? [];
  if (pid === undefined) return false;
  if (Number(pid) === process.pid) return Number(thread) === threadId;
  try {
    process.kill(Number(pid), 0); // Signal 0 only asks whether the process exists.
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

const lastChange = new Map<string, Promise<void>>();

/** Runs `act` after all earlier changes of `root` have ended. */
function inTurn(root: string, act: () => Promise<void>): Promise<void> {
  const turn = (lastChange.get(root) ?? Promise.resolve()).then(act);
  const ended = turn
    .catch(() => undefined)
    .then(() => {
      if (lastChange.get(root) === ended) lastChange.delete(root);
    });
  lastChange.set(root, ended);
  return turn;
}

// ---- errors ----------------------------------------------------------------------------------------------

const REASONS: Record<string, string> = {
  ENOENT: NO_SUCH_FILE,
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'your quota on this disk is used up',
  EFBIG: 'it is larger than this disk, or a limit on this process, allows',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file is where a folder should be',
  EEXIST: 'a file is where a folder should be',
  EISDIR: 'it is a folder, not a file',
  ELOOP: 'its symbolic links go round in circles',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open in this process (see `ulimit -n`)',
  ENFILE: 'too many files are open on this machine',
  EBUSY: 'another program is using it',
  EIO: 'the disk reports an error',
  ESTALE: 'the network file system has lost it',
  ENODEV: 'its device is not there',
  ENXIO: 'its device is not there',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
};

/**
 * Why a file operation failed, in words and on one line: `permission denied`. Finds out more where the
 * system's error is vague.
 */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error) ?? '';
  const path = error instanceof Error && 'path' in error ? String(error.path) : null;
  if (path !== null && (code === 'ENOENT' || code === 'EEXIST')) {
    const target = danglingLink(path);
    if (target !== null) return `it is a link to ${target}, where nothing is`;
  }
  if (path !== null && code === 'ENOSPC' && !hasInodes(dirname(path)))
    return 'no inode is left on the disk: it holds as many files as it can, however small; remove some';
  if (code === 'EIO' && error instanceof Error && 'syscall' in error && error.syscall === 'read')
    return 'input/output error: the disk fails, or it is no ordinary file';
  return REASONS[code] ?? message.replace(/\s+/g, ' ');
}

/** The target of the symbolic link `path` if the target does not exist; else null. */
function danglingLink(path: string): string | null {
  try {
    const target = readlinkSync(path);
    return existsSync(path) ? null : target;
  } catch {
    return null;
  }
}

/**
 * Whether another file would fit, by the number of inodes. File systems that do not count inodes report 0 in
 * all.
 */
function hasInodes(folder: string): boolean {
  try {
    const { files, ffree } = statfsSync(folder);
    return files === 0 || ffree > 0;
  } catch {
    return true;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
