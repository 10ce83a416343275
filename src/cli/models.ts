// Models and runs as given to commands: `--model DIR`. (Texts: texts.ts. Tokenizers: tokenizers.ts.)

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatCount } from '../base/format.ts';
import { shellWord } from '../base/shell.ts';
import { TEXT_KINDS } from '../corpora/index.ts';
import { folderStore, NO_SUCH_FILE, reason } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import { CONFIG_FILE } from '../model/folder.ts';
import { BEST, LAST } from '../runs/layout.ts';
import { modelStore, type OpenRun, openRun } from '../runs/open.ts';
import { asked, misuse } from './errors.ts';
import { text } from './flags.ts';
import type { Output } from './output.ts';

export const modelFlag = text({
  about: 'model folder, or run folder (its best checkpoint)',
  argument: '<dir>',
  short: 'm',
  initial: 'the bundled Shakespeare model',
});

/** The bundled model, trained as its card says. */
export const SHIPPED_MODEL: string = fileURLToPath(new URL('../../../models/shakespeare', import.meta.url));

/**
 * The folder of the model of `--model`: the folder itself, or a checkpoint of a run (see `runModel`); without
 * `--model`, the bundled model. Says so when a run was trained further than any evaluation. Throws a misuse
 * where there is no model.
 */
export async function findModel(path: string | undefined, output: Output): Promise<Store> {
  return (await findCheckpoint(path, output)).store;
}

/** A model, and its step. */
export interface FoundModel {
  store: Store;
  /** Number of optimizer steps; null if it is not a checkpoint of a run, or unknown. */
  step: number | null;
}

/** Finds the model as `findModel` does. */
export async function findCheckpoint(path: string | undefined, output: Output): Promise<FoundModel> {
  if (path === undefined) {
    output.note('model: the bundled Shakespeare model; --model takes another');
    return { store: folderStore(SHIPPED_MODEL), step: null };
  }
  const kind = await stat(path).catch((error) => {
    const why = reason(error);
    throw misuse(why === NO_SUCH_FILE ? `there is no model folder ${path}` : `${path}: ${why}`);
  });
  if (!kind.isDirectory()) throw misuse(`${path} is a file: ${modelOfFile(path)}`);
  const given = openRun(folderStore(path));
  const store = await asked(() => modelStore(given.store, given));
  const run = store === given.store ? openAbove(path) : given;
  const remark = run ? await unevaluatedRemark(store.location, run) : '';
  if (store.location !== path || remark !== '') output.note(`model: ${store.location}${remark}`);
  else {
    const inside = await given.model().catch(() => null);
    if (inside) output.note(`model: ${path} itself; the run in it has its own, ${inside.store.location}`);
  }
  return { store, step: run ? await stepOf(store.location, run) : null };
}

/** Advice for a file given instead of a model folder. */
function modelOfFile(path: string): string {
  const folder = dirname(path);
  if (existsSync(join(folder, CONFIG_FILE))) return `did you mean the model folder that it is in, ${folder}?`;
  const isText = TEXT_KINDS.includes(extname(path).toLowerCase());
  const train = `\`inkhorn train --data ${shellWord(path)} --out DIR\``;
  return `a model is a folder, such as the --out of \`inkhorn train\`${isText ? `; ${train} makes one of a text` : ''}`;
}

/** The run whose checkpoint `folder` is; null if it is none. */
function openAbove(folder: string): OpenRun | null {
  const above = runOf(folder);
  return above === folder ? null : openRun(folderStore(above));
}

/** Number of optimizer steps of the checkpoint `location` of a run. */
async function stepOf(location: string, run: OpenRun): Promise<number | null> {
  if (basename(location) === BEST) return (await run.model())?.bestStep ?? null;
  return (await run.newest().catch(() => null))?.progress.step ?? null;
}

/** The remark about a checkpoint of a run that was trained further without evaluation. */
async function unevaluatedRemark(location: string, { store, model }: OpenRun): Promise<string> {
  const run = await model();
  if (!run || run.unevaluated === null) return '';
  const trained = `step ${formatCount(run.unevaluated)}`;
  const fix = `\`inkhorn train --resume ${shellWord(store.location)}\` goes on`;
  if (basename(location) === LAST) return `, ${trained}, not evaluated yet: ${fix}`;
  const best = run.bestStep === null ? '' : `, of step ${formatCount(run.bestStep)}`;
  return `${best}: the run was trained on to ${trained}, which is not evaluated yet; ${fix}`;
}

/** The run that a folder is, or whose checkpoint it is: `runs/first` for `runs/first/best`. */
export function runOf(folder: string): string {
  const name = basename(resolve(folder));
  return name === BEST || name === LAST ? dirname(folder) : folder;
}

/** As `runOf`, for a folder given by the user. Throws a misuse where there is none. */
export async function namedRun(folder: string): Promise<string> {
  const named = 'name the folder of a run, the --out of `inkhorn train`';
  const kind = await stat(folder).catch((error) => {
    const why = reason(error);
    throw misuse(why === NO_SUCH_FILE ? `there is no folder ${folder}: ${named}` : `${folder}: ${why}`);
  });
  if (!kind.isDirectory()) throw misuse(`${folder} is a file: ${named}`);
  return runOf(folder);
}
