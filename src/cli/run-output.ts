// The folder that a run writes to: it must be free, or the caller must say what to do with what is there.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BEST, HISTORY_FILE, LAST } from '../train/run-folder.ts';
import { misuse } from './errors.ts';

/** Everything that a run may leave in its folder; `--force` removes these and nothing else. */
const RUN_ENTRIES = new Set([BEST, LAST, 'int8', HISTORY_FILE, 'report.md', 'compare.json']);
const FIGURE = /^(loss|relu-activations|relu-gradients)\.(png|svg|json)$/;

/**
 * Makes sure that `folder` holds no run: throws a misuse if it does, or with `force` removes that run. Other files in the
 * folder are left alone.
 */
export async function claimFolder(folder: string, force: boolean): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw misuse(`--out ${folder}: ${error.message}`);
  });
  const ours = entries.filter((name) => RUN_ENTRIES.has(name) || FIGURE.test(name));
  if (ours.length === 0) return;
  if (!force) {
    throw misuse(
      `--out ${folder} already holds a run: take another folder, --force to replace it, or --resume ${folder} to go on`,
    );
  }
  for (const name of ours) await rm(join(folder, name), { recursive: true });
}
