// A store in a folder of a file system that can rename files. Its guarantees hold through a kill at any
// moment. Read next: node-store.ts (a folder on disk), browser-opfs-store.ts (a browser's own file system).
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
import { formatAmount } from '../base/format.ts';
import { parseJson } from '../base/json.ts';
import { array, matching, object, type Schema, string } from '../base/schema.ts';
import { type Content, checkName, type Lock, type OpenFile, type Store } from './store.ts';

/** The operations of a folder store on its file system. A test replaces them to stop or fail at any one. */
export interface FileSteps {
  /** Throws, before reading, for a file of more than `atMost` bytes. */
  read(path: string, atMost?: number): Promise<Uint8Array>;
  /** Absent where files are only read whole. */
  open?(path: string): Promise<OpenFile>;
  entries(folder: string): Promise<{ name: string; isFile: boolean }[]>;
  makeFolder(path: string): Promise<void>;
  /** Writes a new file and returns when the bytes are on the disk. */
  create(path: string, content: Content): Promise<void>;
  /** Replaces the file `to` if there is one, in one step. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Returns when the renames and removals in `folder` are on the disk. */
  sync(folder: string): Promise<void>;
}

/** What the store needs to know about a file system besides its operations. */
export interface FileSystem {
  files: FileSteps;
  /** The path of an entry of a folder. */
  join(folder: string, name: string): string;
  /** A new name that matches `TEMPORARY`. */
  temporaryName(): string;
  /** Whether the file with this name is what a killed writer left. Asked in the writer's turn. */
  isStale(name: string): boolean;
  /** Runs `act` after all earlier changes of `folder` have ended. */
  inTurn(folder: string, act: () => Promise<void>): Promise<void>;
  /** Whether a step failed because the file or folder does not exist. */
  isMissing(error: unknown): boolean;
  /** Why a step failed, in words and on one line: `permission denied`. */
  reason(error: unknown): string;
  /** The target of the symbolic link `path` if the target does not exist; else null. Absent: no links. */
  linkOf?(path: string): string | null;
  /** What a failed write leaves unsaid about the space that there is: ` (12,000 bytes free)`, or nothing. */
  space(error: unknown, folder: string): Promise<string>;
  /** `Store.lock`; `path` is the folder for people, `folder` the one that `files` knows. */
  lock(what: string, path: string, folder: string): Promise<Lock>;
}

/** Said of a path that does not exist, when nothing more is known. */
export const NO_SUCH_FILE = 'there is no such file';

/**
 * A store of the files directly in the folder `root`, which people know as `path`, and which the first write
 * creates. Errors are one line: what could not be read or written, how many bytes it needed, why, and whether
 * the previous contents are intact.
 */
export function atomicStore(path: string, root: string, system: FileSystem): Store {
  const { files, join } = system;
  const openStep = files.open?.bind(files);
  const at = (name: string): string => join(root, name);
  const shown = (name: string): string => join(path, name);

  const store: Store = {
    location: path,

    read: (name, atMost) => reading(name, (path) => files.read(path, atMost)),

    ...(openStep && { open: (name: string) => reading(name, openStep) }),

    async exists(name) {
      checkName(name);
      return (await store.list()).includes(name);
    },

    async list() {
      try {
        const journal = await readJournal(root, system);
        const entries = (await unlessMissing(system, files.entries(root))) ?? [];
        const names = new Set(entries.filter((e) => e.isFile && !e.name.startsWith('.')).map((e) => e.name));
        for (const name of journal?.put.keys() ?? []) names.add(name);
        for (const name of journal?.drop ?? []) names.delete(name);
        return [...names].sort();
      } catch (error) {
        throw new Error(`cannot list ${path}: ${system.reason(error)}`, { cause: error });
      }
    },

    async folders() {
      try {
        const entries = (await unlessMissing(system, files.entries(root))) ?? [];
        return entries.flatMap((e) => (e.isFile || e.name.startsWith('.') ? [] : [e.name])).sort();
      } catch (error) {
        throw new Error(`cannot list ${path}: ${system.reason(error)}`, { cause: error });
      }
    },

    async write(name, bytes) {
      checkName(name);
      await change(`write ${shown(name)} (${formatAmount(bytes.length, 'byte')})`, async (progress) => {
        const temporary = system.temporaryName();
        progress.temporaries.push(temporary);
        await files.create(at(temporary), bytes);
        await files.rename(at(temporary), at(name));
        progress.committed = true;
        await files.sync(root);
      });
    },

    async writeAll(all) {
      for (const name of all.keys()) checkName(name);
      const needed = [...all.values()].reduce((sum, content) => sum + (content?.length ?? 0), 0);
      const what = `write ${formatAmount(all.size, 'file')} to ${path} (${formatAmount(needed, 'byte')})`;
      await change(what, async (progress) => {
        const journal: Journal = { put: new Map(), drop: [] };
        await refuseFolders(all.keys());
        for (const [name, content] of all) {
          if (!content) {
            journal.drop.push(name);
            continue;
          }
          const temporary = system.temporaryName();
          progress.temporaries.push(temporary);
          await files.create(at(temporary), content);
          journal.put.set(name, temporary);
        }
        const commit = system.temporaryName();
        progress.temporaries.push(commit);
        await files.create(at(commit), encodeJournal(journal));
        await files.rename(at(commit), at(COMMIT));
        progress.committed = true;
        await files.sync(root);
        await finish(root, journal, system);
      });
    },

    async remove(name) {
      checkName(name);
      await change(`remove ${shown(name)}`, async () => {
        await unlessMissing(system, files.unlink(at(name)));
        await files.sync(root);
      });
    },

    folder(name) {
      checkName(name);
      return atomicStore(shown(name), at(name), system);
    },

    async lock(what) {
      return system.lock(what, path, root);
    },
  };
  return store;

  /** Reads the file `name` by `step`, which gets its path: the temporary one while a change is unfinished. */
  async function reading<T>(name: string, step: (path: string) => Promise<T>): Promise<T> {
    checkName(name);
    try {
      const journal = await readJournal(root, system);
      const temporary = journal?.put.get(name);
      const found = temporary && (await unlessMissing(system, step(at(temporary))));
      if (found) return found;
      if (journal?.drop.includes(name)) throw new Error(NO_SUCH_FILE);
      return await step(at(name));
    } catch (error) {
      const there = !system.isMissing(error) || (await unlessMissing(system, files.entries(root)));
      const why = there ? system.reason(error) : noFolder();
      throw new Error(`cannot read ${shown(name)}: ${why}`, { cause: error });
    }
  }

  /**
   * Makes one change of the folder after all changes begun earlier, removes leftovers, and words its errors.
   */
  function change(what: string, act: (progress: Progress) => Promise<void>): Promise<void> {
    return system.inTurn(root, async () => {
      const progress: Progress = { temporaries: [], committed: false };
      try {
        await files.makeFolder(root);
        await recover(root, system);
        await act(progress);
      } catch (error) {
        if (!progress.committed) {
          for (const name of progress.temporaries) await files.unlink(at(name)).catch(() => undefined);
        }
        const after = progress.committed
          ? 'The new files are complete and can be read; the next write puts them in place'
          : 'What was there before is intact';
        throw new Error(
          `cannot ${what}: ${system.reason(error)}${await system.space(error, root)}. ${after}`,
          {
            cause: error,
          },
        );
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

  function noFolder(): string {
    const target = system.linkOf?.(root) ?? null;
    return target === null
      ? `there is no folder ${path}`
      : `${path} is a link to ${target}, where nothing is`;
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

/** More than any journal has: it names a few files. */
const JOURNAL_BYTES = 2 ** 20;

/** `.inkhorn.<process>.<thread>.<random>` */
export const TEMPORARY: RegExp = /^\.inkhorn\.(\d+)\.(\d+)\.[0-9a-f]{12}$/;

/** The final name of each temporary file, and the names to remove. */
interface Journal {
  put: Map<string, string>;
  drop: string[];
}

function encodeJournal({ put, drop }: Journal): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ put: [...put], drop }));
}

/** The journal of a committed, unfinished `writeAll`, or null. Throws when it is not ours. */
async function readJournal(root: string, system: FileSystem): Promise<Journal | null> {
  const bytes = await unlessMissing(system, system.files.read(system.join(root, COMMIT), JOURNAL_BYTES));
  if (!bytes) return null;
  try {
    const { put, drop } = journalFile(parseJson(bytes));
    return { put: new Map(put), drop };
  } catch {
    throw new Error(`${system.join(root, COMMIT)} is damaged: remove it, and check the files next to it`);
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
async function finish(root: string, { put, drop }: Journal, system: FileSystem): Promise<void> {
  const { files, join } = system;
  for (const [name, temporary] of put)
    await unlessMissing(system, files.rename(join(root, temporary), join(root, name)));
  for (const name of drop) await unlessMissing(system, files.unlink(join(root, name)));
  await files.sync(root);
  await unlessMissing(system, files.unlink(join(root, COMMIT)));
  await files.sync(root);
}

/**
 * Completes what a killed writer left: finishes a committed `writeAll`, removes stale temporary files.
 */
async function recover(root: string, system: FileSystem): Promise<void> {
  const { files, join } = system;
  const journal = await readJournal(root, system);
  if (journal) await finish(root, journal, system);
  for (const { name } of await files.entries(root)) {
    if (system.isStale(name)) await unlessMissing(system, files.unlink(join(root, name)));
  }
}

/** The result of the step, or undefined if the file does not exist. */
async function unlessMissing<T>(system: FileSystem, step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (system.isMissing(error)) return undefined;
    throw error;
  }
}
