// The folder that a run writes to: it must be free, or the caller must say what to do with what is there.
import { access, constants, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, reason } from '../platform/node-store.ts';
import { BEST, HISTORY_FILE, LAST } from '../train/run-folder.ts';
import { misuse } from './errors.ts';

/** Everything that a run may leave in its folder; `--force` removes these and nothing else. */
const RUN_ENTRIES = new Set([BEST, LAST, 'int8', HISTORY_FILE, 'report.md', 'compare.json']);
const FIGURE = /^(loss|(relu|gelu|relu2|silu)-(activations|gradients))\.(png|svg|json)$/;

/** Throws a misuse if `folder` holds a run and `force` does not say that it may go. Changes nothing. */
export async function checkFolder(folder: string, force: boolean): Promise<void> {
  if (force || (await runEntries(folder)).length === 0) return;
  throw misuse(
    `--out ${folder} already holds a run: take another folder, --force to replace it, or --resume ${folder} to go on`,
  );
}

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
  for (const name of await runEntries(folder)) await rm(join(folder, name), { recursive: true });
}

async function runEntries(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw misuse(`--out ${folder}: ${reason(error)}`);
  });
  return entries.filter((name) => RUN_ENTRIES.has(name) || FIGURE.test(name));
}
