// Files and folders that commands write. Nothing that exists is replaced without --force.
import { lstat, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FolderInUse, lockFolder } from '../io/node-lock.ts';
import { folderStore, makeFolder, reason } from '../io/node-store.ts';
import type { Lock, Store } from '../io/store.ts';
import { CONFIG_FILE, MODEL_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import { runModel } from '../runs/open.ts';
import { misuse } from './errors.ts';
import { text, toggle } from './flags.ts';
import { undoOnSignal } from './interrupt.ts';
import { runOf } from './models.ts';

export const forceFlag = toggle({ about: 'replace what is there already' });

export const outFolderFlag = text({ about: 'folder to write to', argument: '<dir>', short: 'o' });

/** The contents that a command writes to its folder. */
export interface FolderContents {
  /** Whether an entry with this name is in its way. */
  includes(name: string): boolean;
  /** The error in that case: what exists, and what to do. */
  refusal(folder: string): string;
}

/** For a command that wants a folder of its own. */
const anything: FolderContents = {
  includes: () => true,
  refusal: () => 'is not empty: take another folder, or --force to replace what this writes',
};

/**
 * Checks that `--out` can become a folder of this command: it has none of the `contents`, or `force` is
 * given. Changes nothing.
 */
export async function claimOutFolder(folder: string, force = false, contents = anything): Promise<void> {
  const found = await entriesOf(folder, contents);
  if (found.length > 0 && !force) throw misuse(`--out ${folder} ${contents.refusal(folder)}`);
}

/** A folder that this command may write to until it ends. */
export interface OutFolder extends Lock {
  folder: string;
  /**
   * What `--force` may remove: the entries that existed, identified beyond their names.
   */
  judged: ReadonlyMap<string, string>;
}

/** As `checkOutFolder`, and locks the folder from now on. `what` names this command to others. */
export async function takeOutFolder(
  folder: string,
  what: string,
  force = false,
  contents = anything,
): Promise<OutFolder> {
  await entriesOf(folder, contents); // throws what is wrong with it
  const lock = await lockOut(`--out ${folder}`, folder, what);
  try {
    await claimOutFolder(folder, force, contents);
    const judged = new Map<string, string>();
    for (const name of await entriesOf(folder, contents))
      judged.set(name, await identity(join(folder, name)));
    return { folder, judged, release: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Locks a folder; `flag` is how it was given. A folder in use is a misuse. A signal that ends the command
 * leaves no folder that was made for it.
 */
export async function lockOut(flag: string, folder: string, what: string): Promise<Lock> {
  try {
    const { release } = lockFolder(folder, what);
    const revoke = undoOnSignal(release);
    return {
      release() {
        revoke();
        release();
      },
    };
  } catch (error) {
    if (error instanceof FolderInUse) throw misuse(`${flag}: ${error.message}`);
    throw new Error(`${flag} cannot be written to: ${reason(error)}`);
  }
}

/**
 * Removes what existed when the folder was locked. Throws, before removing anything, if something else exists
 * now.
 */
export async function emptyOutFolder({ folder, judged }: OutFolder, contents = anything): Promise<void> {
  const names = await entriesOf(folder, contents);
  for (const name of names) {
    if ((await identity(join(folder, name))) === judged.get(name)) continue;
    throw new Error(
      `${join(folder, name)} came after this command began, and is not removed: take another --out`,
    );
  }
  const inner: Lock[] = []; // folders that other commands may be writing to, like INT8 copies
  try {
    for (const name of names) {
      const path = join(folder, name);
      if ((await stat(path)).isDirectory()) inner.push(await lockOut('--force', path, 'inkhorn'));
    }
    for (const name of names) await rm(join(folder, name), { recursive: true });
  } finally {
    for (const { release } of inner) release();
  }
}

async function identity(path: string): Promise<string> {
  const { ino, birthtimeNs } = await lstat(path, { bigint: true });
  return `${ino} ${birthtimeNs}`;
}

/** The entries of `--out` that belong to `contents`; empty if the folder does not exist. */
export async function entriesOf(folder: string, contents: FolderContents): Promise<string[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw misuse(`--out ${folder}: ${reason(error)}`);
  });
  return entries.filter((name) => !name.startsWith('.inkhorn.') && contents.includes(name));
}

/** Checks that `--out` can become a file: it does not exist, or `force` is given. */
export async function claimOutFile(file: string, force = false): Promise<void> {
  if (/[/\\]$/.test(file)) throw misuse(`--out ${file} ends as a folder does: name a file`);
  if (file === '-') throw misuse('--out -: nothing is written to standard output; name a file');
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw misuse(`--out ${file}: ${reason(error)}`);
  });
  if (found?.isDirectory()) throw misuse(`--out ${file} is a folder: name a file`);
  if (found && !found.isFile()) throw misuse(`--out ${file} is a device or a pipe, not a file: name a file`);
  if (found && !force) throw misuse(`--out ${file} exists: take another name, or --force to replace it`);
}

/** Writes one file, all of it or nothing. Creates its folder. */
export async function writeOutFile(file: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(dirname(file)).catch((error) => {
    throw new Error(`cannot make the folder ${dirname(file)}: ${reason(error)}`);
  });
  await folderStore(dirname(file)).write(basename(file), bytes);
}

/** Throws when `--out` is a file of the model that is read: what replaces it may be no model any more. */
export async function refuseModelFile(model: string, out: string): Promise<void> {
  const files = [MODEL_FILE, CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];
  if (files.includes(basename(out)) && (await isSamePlace(dirname(out), model)))
    throw misuse(`--out ${out} is a file of the model itself: take another name`);
}

async function isSamePlace(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => null)));
  return a !== null && a === b;
}

/** Throws when `--out` is the folder of the model that is read. */
export async function refuseModelFolder(model: string, out: string): Promise<void> {
  if (await isSamePlace(out, model)) {
    throw misuse(`--out ${out} is the folder of the model itself: take another one`);
  }
}

/** Throws when a model that is read is in `--out`, or is `--out`: the run would replace it. */
export async function refuseModelsIn(models: readonly Store[], out: string): Promise<void> {
  for (const { location } of models) {
    if ((await isSamePlace(location, out)) || (await isSamePlace(dirname(location), out)))
      throw misuse(`--out ${out} holds the model ${location}, which the run reads: take another folder`);
  }
}

/** A model beside the checkpoints of a run would be taken for the run's. */
export async function refuseRun(out: string): Promise<void> {
  const run = runOf(out);
  if (!(await runModel(folderStore(run)).catch(() => null))) return;
  const what = run === out ? 'the folder of a run' : `a checkpoint of the run ${run}, which goes on from it`;
  throw misuse(`--out ${out} is ${what}: take a folder inside the run, ${join(run, 'int8')}, or another`);
}
