// The folder of a new run: it must be empty, or the user must say what to do with its contents.

import { access, constants } from 'node:fs/promises';
import { reason } from '../io/node-store.ts';
import { isOfRun } from '../runs/layout.ts';
import { emptyOutFolder, type FolderContents, type OutFolder, takeOutFolder } from './out-folder.ts';

/** The files of a run that `--force` removes. */
export const runContents: FolderContents = {
  includes: isOfRun,
  refusal: (folder) =>
    `already holds a run: take another folder, --force to replace it, or --resume ${folder} to go on`,
};

/** Locks the folder of a new run until `release`. */
export function takeRunFolder(folder: string, what: string, force?: boolean): Promise<OutFolder> {
  return takeOutFolder(folder, what, force, runContents);
}

/**
 * Removes the run that was in the folder when it was locked; other files stay. Throws if nothing can be
 * written, before any training.
 */
export async function prepareFolder(out: OutFolder): Promise<void> {
  try {
    await access(out.folder, constants.W_OK);
  } catch (error) {
    throw new Error(`--out ${out.folder} cannot be written to: ${reason(error)}`);
  }
  await emptyOutFolder(out, runContents);
}
