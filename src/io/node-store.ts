// A store that is a folder on disk. Its guarantees hold through a kill, a power cut and a full disk.
//
// One file: written as a temporary file, synced, renamed to the final name.
// Several files together, with a write-ahead journal:
//   1. every new file is written as a temporary file and synced;
//   2. the journal `.inkhorn.commit`, which assigns a name to each temporary file, appears by one rename: the
//      commit;
//   3. the temporary files are renamed, the dropped files removed, and finally the journal.
// Killed before step 2, nothing has happened: only temporary files are left, which the next write removes.
// Killed after step 2, everything has happened: reads follow the journal, and the next write finishes step 3.
// Reading never changes a folder.

import { randomBytes } from 'node:crypto';
import { existsSync, readlinkSync, statfsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { formatAmount } from '../base/format.ts';
import { parseJson } from '../base/json.ts';
import { array, matching, object, type Schema, string } from '../base/schema.ts';
import { lockFolder } from './node-lock.ts';
import { checkLength, checkName, type Store } from './store.ts';

/**
 * The operations of a folder store on the file system. A test replaces them to stop or fail at any one.
 */
export interface FileSteps {
  /** Throws, before reading, for a file of more than `atMost` bytes. */
  read(path: string, atMost?: number): Promise<Uint8Array>;
  entries(folder: string): Promise<{ name: string; isFile: boolean }[]>;
  makeFolder(path: string): Promise<void>;
  /** Writes a new file and returns when the bytes are on the disk. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Returns when the renames and removals in `folder` are on the disk. */
  sync(folder: string): Promise<void>;
}

/** The operations of the real file system. */
export const nodeFiles: FileSteps = {
  async read(path, atMost) {
    const file = await fs.open(path);
    try {
      checkLength((await file.stat()).size, atMost);
      const { buffer, byteOffset, length } = await file.readFile();
      return new Uint8Array(buffer, byteOffset, length); // a plain Uint8Array: a Buffer's `slice` does not copy
    } finally {
      await file.close();
    }
  },
  async entries(folder) {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.map((e) => ({ name: e.name, isFile: e.isFile() || e.isSymbolicLink() }));
  },
  makeFolder,
  async create(path, bytes) {
    const file = await fs.open(path, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
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
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/**
 * Creates a folder and its parents; does nothing where it exists. Node's own recursive mkdir reports a
 * read-only file system as "no such file" and never returns from a path in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await fs.mkdir(path);
  } catch (error) {
    if ((await unlessMissing(fs.stat(path)))?.isDirectory()) return;
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
  const root = resolve(path);
  const at = (name: string): string => join(root, name);
  const shown = (name: string): string => join(path, name);

  const store: Store = {
    location: path,

    async read(name, atMost) {
      checkName(name);
      try {
        const journal = await readJournal(root, files);
        const temporary = journal?.put.get(name);
        const bytes = temporary && (await unlessMissing(files.read(at(temporary), atMost)));
        if (bytes) return bytes;
        if (journal?.drop.includes(name)) throw Object.assign(new Error(), { code: 'ENOENT' });
        return await files.read(at(name), atMost);
      } catch (error) {
        const there = codeOf(error) !== 'ENOENT' || (await unlessMissing(files.entries(root)));
        const target = there ? null : danglingLink(root);
        const missing =
          target === null ? `there is no folder ${path}` : `${path} is a link to ${target}, where nothing is`;
        const why = there ? reason(error) : missing;
        throw new Error(`cannot read ${shown(name)}: ${why}`, { cause: error });
      }
    },

    async exists(name) {
      checkName(name);
      return (await store.list()).includes(name);
    },

    async list() {
      try {
        const journal = await readJournal(root, files);
        const entries = (await unlessMissing(files.entries(root))) ?? [];
        const names = new Set(entries.filter((e) => e.isFile && !e.name.startsWith('.')).map((e) => e.name));
        for (const name of journal?.put.keys() ?? []) names.add(name);
        for (const name of journal?.drop ?? []) names.delete(name);
        return [...names].sort();
      } catch (error) {
        throw new Error(`cannot list ${path}: ${reason(error)}`, { cause: error });
      }
    },

    async folders() {
      try {
        const entries = (await unlessMissing(files.entries(root))) ?? [];
        return entries.flatMap((e) => (e.isFile || e.name.startsWith('.') ? [] : [e.name])).sort();
      } catch (error) {
        throw new Error(`cannot list ${path}: ${reason(error)}`, { cause: error });
      }
    },

    async write(name, bytes) {
      checkName(name);
      await change(`write ${shown(name)} (${formatAmount(bytes.length, 'byte')})`, async (progress) => {
        const temporary = temporaryName();
        progress.temporaries.push(temporary);
        await files.create(at(temporary), bytes);
        await files.rename(at(temporary), at(name));
        progress.committed = true;
        await files.sync(root);
      });
    },

    async writeAll(all) {
      for (const name of all.keys()) checkName(name);
      const needed = [...all.values()].reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
      const what = `write ${formatAmount(all.size, 'file')} to ${path} (${formatAmount(needed, 'byte')})`;
      await change(what, async (progress) => {
        const journal: Journal = { put: new Map(), drop: [] };
        await refuseFolders(all.keys());
        for (const [name, bytes] of all) {
          if (!bytes) {
            journal.drop.push(name);
            continue;
          }
          const temporary = temporaryName();
          progress.temporaries.push(temporary);
          await files.create(at(temporary), bytes);
          journal.put.set(name, temporary);
        }
        const commit = temporaryName();
        progress.temporaries.push(commit);
        await files.create(at(commit), encodeJournal(journal));
        await files.rename(at(commit), at(COMMIT));
        progress.committed = true;
        await files.sync(root);
        await finish(root, journal, files);
      });
    },

    async remove(name) {
      checkName(name);
      await change(`remove ${shown(name)}`, async () => {
        await unlessMissing(files.unlink(at(name)));
        await files.sync(root);
      });
    },

    folder(name) {
      checkName(name);
      return folderStore(shown(name), files);
    },

    async lock(what) {
      return lockFolder(path, what);
    },
  };
  return store;

  /**
   * Makes one change of the folder after all changes begun earlier, removes leftovers, and words its errors.
   */
  function change(what: string, act: (progress: Progress) => Promise<void>): Promise<void> {
    return inTurn(root, async () => {
      const progress: Progress = { temporaries: [], committed: false };
      try {
        await files.makeFolder(root);
        await recover(root, files);
        await act(progress);
      } catch (error) {
        if (!progress.committed) {
          for (const name of progress.temporaries) await files.unlink(at(name)).catch(() => undefined);
        }
        const after = progress.committed
          ? 'The new files are complete and can be read; the next write puts them in place'
          : 'What was there before is intact';
        throw new Error(`cannot ${what}: ${reason(error)}${await freeSpace(error)}. ${after}`, {
          cause: error,
        });
      }
    });
  }

  /** A folder with the name of a file would stop the renames after the commit, so it is refused before. */
  async function refuseFolders(names: Iterable<string>): Promise<void> {
    const folders = new Set((await files.entries(root)).filter((e) => !e.isFile).map((e) => e.name));
    for (const name of names) {
      if (folders.has(name)) throw new Error(`${shown(name)} is a folder, and a file goes there: remove it`);
    }
  }

  async function freeSpace(error: unknown): Promise<string> {
    if (codeOf(error) !== 'ENOSPC') return '';
    const disk = await fs.statfs(root).catch(() => null);
    return disk ? ` (${formatAmount(disk.bavail * disk.bsize, 'byte')} free)` : '';
  }
}

/**
 * The state of one change: what to remove if it fails, unless `committed` has made it the new content.
 */
interface Progress {
  temporaries: string[];
  committed: boolean;
}

// ---- the journal -----------------------------------------------------------------------------------------

const COMMIT = '.inkhorn.commit';

/** `.inkhorn.<process>.<thread>.<random>` */
const TEMPORARY = /^\.inkhorn\.(\d+)\.(\d+)\.[0-9a-f]{12}$/;

/** The final name of each temporary file, and the names to remove. */
interface Journal {
  put: Map<string, string>;
  drop: string[];
}

function encodeJournal({ put, drop }: Journal): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ put: [...put], drop }));
}

/** The journal of a committed, unfinished `writeAll`, or null. Throws when it is not ours. */
async function readJournal(root: string, files: FileSteps): Promise<Journal | null> {
  const bytes = await unlessMissing(files.read(join(root, COMMIT)));
  if (!bytes) return null;
  try {
    const { put, drop } = journalFile(parseJson(bytes));
    return { put: new Map(put), drop };
  } catch {
    throw new Error(`${join(root, COMMIT)} is damaged: remove it, and check the files next to it`);
  }
}

const fileName: Schema<string> = (value) => {
  const name = string(value);
  checkName(name);
  return name;
};

const journalFile = object<{ put: [string, string][]; drop: string[] }>({
  put: array((value) => {
    const [name, temporary] = array(string, { min: 2, max: 2 })(value);
    return [fileName(name), matching(TEMPORARY, 'the name of a temporary file')(temporary)];
  }),
  drop: array(fileName),
});

/** Step 3. May be repeated from any point: files already renamed or removed are skipped. */
async function finish(root: string, { put, drop }: Journal, files: FileSteps): Promise<void> {
  for (const [name, temporary] of put)
    await unlessMissing(files.rename(join(root, temporary), join(root, name)));
  for (const name of drop) await unlessMissing(files.unlink(join(root, name)));
  await files.sync(root);
  await unlessMissing(files.unlink(join(root, COMMIT)));
  await files.sync(root);
}

/**
 * Completes what a killed writer left: finishes a committed `writeAll`, removes stale temporary files.
 */
async function recover(root: string, files: FileSteps): Promise<void> {
  const journal = await readJournal(root, files);
  if (journal) await finish(root, journal, files);
  for (const { name } of await files.entries(root)) {
    if (isStale(name)) await unlessMissing(files.unlink(join(root, name)));
  }
}

// ---- temporary files -------------------------------------------------------------------------------------

function temporaryName(): string {
  return `.inkhorn.${process.pid}.${threadId}.${randomBytes(6).toString('hex')}`;
}

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

/** Said of a path that does not exist, when nothing more is known. */
export const NO_SUCH_FILE = 'there is no such file';

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

/** The result of the step, or undefined if the file does not exist. */
async function unlessMissing<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
