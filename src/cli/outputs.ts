// Files and folders that commands write: nothing that exists is replaced without --force.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { folderStore, makeFolder, reason } from '../platform/node-store.ts';
import { misuse } from './errors.ts';
import { text, toggle } from './flags.ts';

export const forceFlag = toggle({ about: 'replace what is there already' });

export const outFolderFlag = text({ about: 'folder to write to', argument: '<dir>', short: 'o' });

/** Makes sure that `--out` can become a folder of this command: missing, empty, or to be replaced with `force`. */
export async function claimOutFolder(folder: string, force = false): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw misuse(
      `--out ${folder}: ${error.code === 'ENOTDIR' ? 'it is a file, not a folder' : reason(error)}`,
    );
  });
  if (entries.length > 0 && !force) {
    throw misuse(`--out ${folder} is not empty: take another folder, or --force to replace what this writes`);
  }
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
