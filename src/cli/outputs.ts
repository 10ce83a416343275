// Files and folders that commands write: nothing that exists is replaced without --force.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { folderStore, makeFolder, reason } from '../platform/node-store.ts';
import { misuse } from './errors.ts';
import { text, toggle } from './flags.ts';

export const forceFlag = toggle({ about: 'replace what is there already' });

export const outFolderFlag = text({ about: 'folder to write to', argument: '<dir>', short: 'o' });

/** What a command puts into its folder. */
export interface FolderContents {
  /** Whether an entry of that name stands in its way. */
  includes(name: string): boolean;
  /** What is said when one does: what it is, and what to do. */
  refusal(folder: string): string;
}

/** Of a command that wants a folder of its own. */
const anything: FolderContents = {
  includes: () => true,
  refusal: () => 'is not empty: take another folder, or --force to replace what this writes',
};

/** Makes sure that `--out` can become a folder of this command: without its `contents`, or with `force`. Changes nothing. */
export async function claimOutFolder(folder: string, force = false, contents = anything): Promise<void> {
  const found = await entriesOf(folder, contents);
  if (found.length > 0 && !force) throw misuse(`--out ${folder} ${contents.refusal(folder)}`);
}

/** The entries of `--out` that belong to `contents`; none where there is no such folder yet. */
export async function entriesOf(folder: string, contents: FolderContents): Promise<string[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw misuse(`--out ${folder}: ${reason(error)}`);
  });
  return entries.filter((name) => contents.includes(name));
}

/** Makes sure that `--out` can become a file: missing, or to be replaced with `force`. */
export async function claimOutFile(file: string, force = false): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw misuse(`--out ${file}: ${reason(error)}`);
  });
  if (found?.isDirectory()) throw misuse(`--out ${file} is a folder: name a file`);
  if (found && !force) throw misuse(`--out ${file} exists: take another name, or --force to replace it`);
}

/** Writes one file, all of it or nothing; makes its folder. */
export async function writeOutFile(file: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(dirname(file)).catch((error) => {
    throw new Error(`cannot make the folder ${dirname(file)}: ${reason(error)}`);
  });
  await folderStore(dirname(file)).write(basename(file), bytes);
}
