// The folder that a run writes to: it must be free, or the caller must say what to do with what is there.
import { access, constants } from 'node:fs/promises';
import { reason } from '../io/node-store.ts';
import { INSPECT_FOLDER, LOOK_FILE, RUN_FILE } from '../report/run-record.ts';
import { BEST, HISTORY_FILE, LAST } from '../train/run-folder.ts';
import { emptyOutFolder, type FolderContents, type OutFolder, takeOutFolder } from './outputs.ts';

const ENTRIES = new Set([
  ...[BEST, LAST, 'int8', 'int4', INSPECT_FOLDER],
  ...[HISTORY_FILE, RUN_FILE, LOOK_FILE, 'report.md', 'report.html'],
]);
const FIGURE =
  /^(loss|health|(relu|gelu|relu2|silu)-(activations|gradients)(-over-time)?|attention(-heads)?|token-loss|logit-lens)\.(png|svg|json)$/;

/** Everything that a run, and what was made of its model, may leave in its folder; `--force` removes these and nothing else. */
export const runContents: FolderContents = {
  includes: (name) => ENTRIES.has(name) || FIGURE.test(name),
  refusal: (folder) =>
    `already holds a run: take another folder, --force to replace it, or --resume ${folder} to go on`,
};

/** Keeps other commands out of the folder of a new run, from now until `release`. */
export function takeRunFolder(folder: string, what: string, force?: boolean): Promise<OutFolder> {
  return takeOutFolder(folder, what, force, runContents);
}

/**
 * Removes the run that the folder held when it was taken, if any; other files in it are left alone. Throws where nothing can
 * be written, before time goes into a model.
 */
export async function prepareFolder(out: OutFolder): Promise<void> {
  try {
    await access(out.folder, constants.W_OK);
  } catch (error) {
    throw new Error(`--out ${out.folder} cannot be written to: ${reason(error)}`);
  }
  await emptyOutFolder(out, runContents);
}
