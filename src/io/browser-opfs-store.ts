// A store in a browser's own file system (OPFS, the origin private file system), which belongs to the page's
// site, survives a reload, and is seen by no other program. Its guarantees (atomic-store.ts) hold when the
// tab or the browser is killed at any moment.
import { hex } from '../base/format.ts';
import { atomicStore, type FileSteps, type FileSystem, NO_SUCH_FILE } from './atomic-store.ts';
import { checkLength, checkName, inParts, type Lock, type Store, wholeOf } from './store.ts';

/**
 * A store of the files in the folder `path` (`runs/first`; empty: the root) of the site's own file system.
 * Works in a page and in its workers, which need https or localhost. The browser may delete these files when
 * the disk is full, unless `navigator.storage.persist()` was granted. Errors are one line. Throws when `path`
 * leads elsewhere.
 */
export function opfsStore(path: string, files: FileSteps = opfsFiles): Store {
  const parts = path.split('/').filter((part) => part !== '');
  for (const part of parts) checkName(part);
  const root = parts.join('/');
  return atomicStore(root === '' ? 'the storage of this site' : root, root, { ...opfs, files });
}

/** Bytes that are written at once: a page is blocked for some 2 ms by a megabyte. */
const PIECE = 1e6;

/** The operations of the browser's file system. */
export const opfsFiles: FileSteps = {
  async read(path, atMost) {
    const file = await (await fileHandle(path)).getFile();
    checkLength(file.size, atMost);
    return new Uint8Array(await file.arrayBuffer());
  },
  async open(path) {
    const file = await (await fileHandle(path)).getFile();
    return inParts(
      file.size,
      async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
    );
  },
  async entries(path) {
    const found: { name: string; isFile: boolean }[] = [];
    for await (const [name, { kind }] of (await folderHandle(path)).entries())
      found.push({ name, isFile: kind === 'file' });
    return found;
  },
  async makeFolder(path) {
    await folderHandle(path, true);
  },
  async create(path, content) {
    const handle = await fileHandle(path, true);
    if (!('createWritable' in handle)) return writeInWorker(handle, await wholeOf(content));
    const stream = await handle.createWritable();
    try {
      for await (const bytes of content instanceof Uint8Array ? [content] : content.parts())
        for (let at = 0; at < bytes.length; at += PIECE)
          await stream.write(plain(bytes.subarray(at, at + PIECE)));
    } catch (error) {
      await stream.abort().catch(() => undefined);
      throw error;
    }
    await stream.close();
  },
  async rename(from, to) {
    const handle: Movable = await fileHandle(from);
    if (!handle.move) throw new Error('this browser cannot rename files: update it');
    await handle.move(placeOf(to).name);
  },
  async unlink(path) {
    const { folder, name } = placeOf(path);
    await (await folderHandle(folder)).removeEntry(name);
  },
  sync: async () => {}, // the browser keeps the order of changes; a power cut is its own affair
};

/**
 * Replaces a file of that name, in one step. All browsers have it for these files; TypeScript does not know.
 */
type Movable = FileSystemFileHandle & { move?(name: string): Promise<void> };

/** For Safari before 26, which writes these files in workers only. */
async function writeInWorker(handle: WorkerHandle, bytes: Uint8Array): Promise<void> {
  if (!handle.createSyncAccessHandle)
    throw new Error('this browser writes files in workers only: save from a worker, or update it');
  const file = await handle.createSyncAccessHandle();
  try {
    file.write(bytes);
    file.flush();
  } finally {
    file.close();
  }
}

interface WorkerHandle {
  createSyncAccessHandle?(): Promise<{ write(bytes: Uint8Array): number; flush(): void; close(): void }>;
}

/** `write` takes no view of shared memory. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

function placeOf(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(at, 0)), name: path.slice(at + 1) };
}

async function folderHandle(path: string, create = false): Promise<FileSystemDirectoryHandle> {
  if (!navigator.storage?.getDirectory)
    throw new Error(
      'the page has no file system of its own: it needs https or localhost, and a browser of 2023',
    );
  let handle = await navigator.storage.getDirectory();
  for (const part of path.split('/'))
    if (part !== '') handle = await handle.getDirectoryHandle(part, { create });
  return handle;
}

async function fileHandle(path: string, create = false): Promise<FileSystemFileHandle> {
  const { folder, name } = placeOf(path);
  return (await folderHandle(folder)).getFileHandle(name, { create });
}

/** The name of a DOMException, by which errors of browsers are told apart. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

const REASONS: Readonly<Record<string, string>> = {
  NotFoundError: NO_SUCH_FILE,
  InvalidModificationError: 'it is a folder, not a file',
  TypeMismatchError: 'there is a folder where a file should be, or a file where a folder should be',
  QuotaExceededError: 'the browser gives this site no more space',
  NoModificationAllowedError: 'another tab is writing it',
  SecurityError: 'the browser gives this page no storage, perhaps since the window is private',
};

const opfs: Omit<FileSystem, 'files'> = {
  join: (folder, name) => (folder === '' ? name : `${folder}/${name}`),
  temporaryName: () => `.inkhorn.0.0.${hex(crypto.getRandomValues(new Uint8Array(6)))}`,
  // The writer's turn excludes all other writers of the folder. Chromium leaves `<name>.crswap` as well.
  isStale: (name) => /^\.inkhorn\.0\.0\.[0-9a-f]{12}(\.crswap)?$/.test(name),
  inTurn: (folder, act) => locks().request(`inkhorn change ${folder}`, act),
  isMissing: (error) => nameOf(error) === 'NotFoundError',
  reason(error) {
    const message = error instanceof Error ? error.message : String(error);
    return REASONS[nameOf(error)] ?? message.replace(/\s+/g, ' ').replace(/\.$/, '');
  },
  async space(error) {
    if (nameOf(error) !== 'QuotaExceededError') return '';
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    return ` (${((quota - usage) / 1e6).toFixed(0)} of ${(quota / 1e6).toFixed(0)} MB are free)`;
  },
  lock: lockFolder,
};

// ---- the lock --------------------------------------------------------------------------------------------

/** Locks of browsers: they end with the page or worker that holds them, however that ends. */
function locks(): LockManager {
  if (navigator.locks) return navigator.locks;
  throw new Error('the page has no locks: it needs https or localhost');
}

/** Milliseconds for the locks of a tab that was just closed to end: its threads end first, on busy cores. */
const PATIENCE = 5000;

/** `Store.lock`: against other tabs, workers, and other parts of this page. */
async function lockFolder(what: string, path: string, folder: string): Promise<Lock> {
  const name = lockName(folder);
  return new Promise<Lock>((resolve, reject) => {
    const holder = `${name}\n${what}\n${new Date().toISOString()}`;
    const held = (): Promise<void> =>
      // The name of a second lock tells the others who holds the first.
      locks().request(holder, () => new Promise<void>((release) => resolve({ release })));
    locks()
      .request(name, { signal: AbortSignal.timeout(PATIENCE) }, held)
      .catch(async (error) => reject(nameOf(error) === 'TimeoutError' ? await inUse(path, folder) : error));
  });
}

/**
 * Who has locked the folder `path` of the site's own file system (`Store.lock`), in this or another tab: `a
 * training run, since 2026-11-29 12:00:00 UTC`. Null if nobody has.
 */
export async function opfsHolder(path: string): Promise<string | null> {
  const name = lockName(path);
  const { held = [] } = await locks().query();
  if (!held.some((lock) => lock.name === name)) return null;
  const holder = held.find((lock) => lock.name?.startsWith(`${name}\n`))?.name ?? '';
  const [, what = 'another tab', since = ''] = holder.split('\n');
  return since === '' ? what : `${what}, since ${since.slice(0, 19).replace('T', ' ')} UTC`;
}

async function inUse(path: string, folder: string): Promise<Error> {
  const holder = (await opfsHolder(folder)) ?? 'another tab';
  return new Error(
    `${path} is in use by this site in this or another tab (${holder}): wait for it, close that tab, or take another folder`,
  );
}

/** The name of the lock of a folder. */
function lockName(folder: string): string {
  return `inkhorn run ${folder}`;
}
