// The folder that a run writes to: it must be free, or the caller must say what to do with what is there.

import { access, constants } from 'node:fs/promises';
import { reason } from '../io/node-store.ts';
import { isOfRun } from '../runs/layout.ts';
import { emptyOutFolder, type FolderContents, type OutFolder, takeOutFolder } from './outputs.ts';

/** What `--force` removes of a run, and nothing else. */
export const runContents: FolderContents = {
  includes: isOfRun,
  refusal: (folder) =>
    `already holds a run: take another folder, --force to replace it, or --resume ${folder} to go on`,
};

/** Keeps other commands out of the folder of a new run, from now until `release`. */
export function takeRunFolder(folder: string, what: string, force?: boolean): Promise<OutFolder> {
  return takeOutFolder(folder, what, force, runContents);
}

/**
 * Removes the run that the folder held when it was taken, if any; other files in it are left alone. Throws
 * where nothing can be written, before time goes into a model.
 */
export async function prepareFolder(out: OutFolder): Promise<void> {
  try {
    await access(out.folder, constants.W_OK);
  } catch (error) {
    throw new Error(`--out ${out.folder} cannot be written to: ${reason(error)}`);
  }
  await emptyOutFolder(out, runContents);
}
