// The folder that a run writes to: it must be free, or the caller must say what to do with what is there.
import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, reason } from '../platform/node-store.ts';
import { INSPECT_FOLDER, LOOK_FILE, RUN_FILE } from '../report/run-record.ts';
import { BEST, HISTORY_FILE, LAST } from '../train/run-folder.ts';
import { entriesOf, type FolderContents } from './outputs.ts';

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

/**
 * Makes the folder of a run, and removes the run that it holds, if any; other files in it are left alone. Throws where
 * nothing can be written, before time goes into a model.
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Error(`--out ${folder} cannot be written to: ${reason(error)}`);
  }
  for (const name of await entriesOf(folder, runContents)) await rm(join(folder, name), { recursive: true });
}
