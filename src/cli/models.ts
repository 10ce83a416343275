// Models and runs as given to commands: `--model DIR`. (Texts: texts.ts. Tokenizers: tokenizers.ts.)

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Backend } from '../backend/contract.ts';
import { formatCount } from '../base/format.ts';
import { shellWord } from '../base/shell.ts';
import { TEXT_KINDS } from '../corpora/index.ts';
import { folderStore, NO_SUCH_FILE, reason } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import { ADAPTER_FILE, type Adapter, checkAdapter, loadAdapter } from '../model/adapter.ts';
import { CONFIG_FILE, loadConfig, loadModel, type ModelFolder } from '../model/folder.ts';
import { bundledModel } from '../platform/node-bundled.ts';
import { BEST, LAST } from '../runs/layout.ts';
import { modelStore, type OpenRun, openRun } from '../runs/open.ts';
import { asked, misuse } from './errors.ts';
import { type Flags, text, type Values } from './flags.ts';
import type { Output } from './output.ts';

export const modelFlag = text({
  about: 'model folder, or run folder (its best checkpoint)',
  argument: '<dir>',
  short: 'm',
  initial: 'the bundled Shakespeare model',
});

export const adapterFlag = text({
  about: 'adapter to merge into the model: adapter.safetensors of a run with --keep-adapter, or the run',
  argument: '<path>',
});

/** The flags that choose a model. */
export const chosenFlags = { model: modelFlag, adapter: adapterFlag } satisfies Flags;

/** The bundled model, trained as its card says. */
export const SHIPPED_MODEL: string = bundledModel().location;

/**
 * The folder of the model of `--model`: the folder itself, or a checkpoint of a run (see `runModel`); without
 * `--model`, the bundled model. Says so when a run was trained further than any evaluation. Throws a misuse
 * where there is no model.
 */
export async function findModel(path: string | undefined, output: Output): Promise<Store> {
  return (await findFolder(path, output)).store;
}

/** The name of the bundled model, where a model must be named. */
export const BUNDLED = 'bundled';

/** The same for a model that must be named: a folder, or `bundled`. */
export function namedModel(path: string, output: Output): Promise<Store> {
  return findModel(path === BUNDLED && !existsSync(path) ? undefined : path, output);
}

/** A model, and its step. */
export interface FoundModel {
  store: Store;
  /** That of `--adapter`. */
  adapter?: Adapter;
  /** Number of optimizer steps; null if it is not a checkpoint of a run, or unknown. */
  step: number | null;
}

/**
 * Finds the model as `findModel` does, with the adapter of `--adapter`, which is checked as far as no weights
 * are needed.
 */
export async function findCheckpoint(
  { model, adapter: path }: Values<typeof chosenFlags>,
  output: Output,
): Promise<FoundModel> {
  const found = await findFolder(model, output);
  if (path === undefined) return found;
  const adapter = await openAdapter(path);
  const config = await loadConfig(found.store);
  await asked(() => checkAdapter(adapter, config));
  return { ...found, adapter };
}

/** Reads a model that was found, and merges its adapter. */
export async function openModel(
  { store, adapter }: FoundModel,
  backend: Backend,
  output: Output,
): Promise<ModelFolder> {
  return loadModel(store, { backend, adapter, onNote: output.note });
}

/** The adapter in a file, in a folder, or in the best checkpoint of a run. */
async function openAdapter(path: string): Promise<Adapter> {
  const kind = await stat(path).catch((error) => {
    throw misuse(`--adapter ${path}: ${reason(error)}`);
  });
  if (!kind.isDirectory()) return asked(() => loadAdapter(folderStore(dirname(path)), basename(path)));
  const places = [path, join(path, BEST), join(path, LAST)];
  const folder = places.find((place) => existsSync(join(place, ADAPTER_FILE)));
  if (folder !== undefined) return asked(() => loadAdapter(folderStore(folder)));
  throw misuse(
    `--adapter ${path}: there is no ${ADAPTER_FILE} in it: \`inkhorn train --lora 8 --keep-adapter\` writes one`,
  );
}

async function findFolder(path: string | undefined, output: Output): Promise<FoundModel> {
  if (path === undefined) {
    output.note('model: the bundled Shakespeare model; --model takes another');
    return { store: bundledModel(), step: null };
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
  if (/\.(?:safetensors|pt|pth|ckpt|bin)$/i.test(path))
    return `a model is a folder, which \`inkhorn import ${shellWord(path)} --out DIR\` makes of it`;
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
