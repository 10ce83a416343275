// Models, tokenizers and texts as given to commands: `--model DIR`, `--tokenizer FILE`, `--data SPEC`.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kindOf } from '../base/first-bytes.ts';
import { formatCount } from '../base/format.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { shellWord } from '../base/shell.ts';
import {
  type Corpus,
  CorpusUnavailable,
  loadCorpus,
  NotText,
  readText,
  STDIN,
  TEXT_KINDS,
} from '../corpora/index.ts';
import { folderStore, NO_SUCH_FILE, nodeFiles, reason } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import { CONFIG_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import type { DataRecord } from '../runs/data-record.ts';
import { BEST, LAST } from '../runs/layout.ts';
import { modelStore, type OpenRun, openRun } from '../runs/open.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TOKENIZER_LIMITS } from '../tokenizer/tokenizer-json.ts';
import { defaultSplit, type SeparatedText, type Split, splitFields } from '../train/data.ts';
import { asked, MisuseError, misuse } from './errors.ts';
import { type Flags, flagsOf, text, texts, toggle, type Values } from './flags.ts';
import type { Output } from './output.ts';
import { createProgress, withProgress } from './progress.ts';
import { tiktokenExtras, type tiktokenFlags } from './tiktoken.ts';

export const modelFlag = text({
  about: 'model folder, or run folder (its best checkpoint)',
  argument: '<dir>',
  short: 'm',
  initial: 'the bundled Shakespeare model',
});

/** The bundled model, trained as its card says. */
export const SHIPPED_MODEL: string = fileURLToPath(new URL('../../../models/shakespeare', import.meta.url));

export const dataFlag = texts({
  about:
    "text: a file, a folder of .txt and .md, a pattern such as 'notes/**/*.ts', - (standard input), tiny-shakespeare or moby-dick; several times: one after the other",
  argument: '<text>',
  short: 'd',
});

/** Further flags about a text. */
export const asBytesFlag = toggle({ about: 'take the files of --data byte by byte, whatever they are' });

/** How the files of `--data` are read. */
export type Reading = Pick<DataRecord, 'asBytes' | 'separator'>;

/** The flags of the split of a text. */
export const splitFlags = flagsOf(splitFields) satisfies Flags;

/** The flags of the split for a trained model: by default its run's split. */
export const runSplitFlags = {
  trainFraction: { ...splitFlags.trainFraction, initial: "the run's, else 0.9" },
  validate: { ...splitFlags.validate, initial: "the run's, else validation" },
} satisfies Flags;

/** The split given by the flags, by default that of `otherwise`. */
export function splitOf(given: Partial<Split>, otherwise: Split = defaultSplit): Split {
  const { trainFraction = otherwise.trainFraction, validate = otherwise.validate } = given;
  return { trainFraction, validate };
}

export const tokenizerFlag = text({ about: 'tokenizer.json, or a .tiktoken file', argument: '<file>' });

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

/** Reads a tokenizer.json, or a .tiktoken file. */
export async function openTokenizer(
  file: string,
  extras: Values<typeof tiktokenFlags> = {},
): Promise<Tokenizer> {
  const bytes = await nodeFiles.read(file, bytesAtMost(TOKENIZER_LIMITS)).catch((error) => {
    const within = join(file, TOKENIZER_FILE);
    const remedy = existsSync(within) ? `: did you mean ${within}?` : '';
    throw misuse(`--tokenizer ${file}: ${reason(error)}${remedy}`);
  });
  if (!file.endsWith('.tiktoken') && (extras.pattern ?? extras.special))
    throw misuse(
      `${file}: --pattern and --special belong to .tiktoken files: a tokenizer.json holds its own`,
    );
  if (!file.endsWith('.tiktoken'))
    return readJson(bytes, file, (json) => Tokenizer.fromJSON(json), TOKENIZER_LIMITS);
  try {
    const kind = kindOf(bytes) ?? 'binary data';
    if (kind !== 'text' && bytes.length > 0) throw new Error(`no .tiktoken file, but ${kind}`);
    return Tokenizer.fromTiktoken(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes),
      tiktokenExtras(bytes, extras),
    );
  } catch (error) {
    const Kind = error instanceof MisuseError ? MisuseError : Error;
    throw new Kind(`${file}: ${(error as Error).message}`);
  }
}

/** The tokenizer of `--tokenizer FILE` or of `--model DIR`; without either, the bundled model's. */
export async function tokenizerOf(
  given: { tokenizer?: string; model?: string } & Values<typeof tiktokenFlags>,
  output: Output,
): Promise<Tokenizer> {
  if (given.tokenizer !== undefined && given.model !== undefined) {
    throw misuse('--tokenizer and --model are both given: which one?');
  }
  if (given.tokenizer !== undefined) return openTokenizer(given.tokenizer, given);
  if (given.pattern ?? given.special)
    throw misuse('--pattern and --special belong to a .tiktoken file: give --tokenizer');
  const store = await findModel(given.model, output);
  return openTokenizer(join(store.location, TOKENIZER_FILE));
}

/**
 * Loads the text of `--data`, with a progress bar if it takes a while, and prints remarks about it. `onSize`
 * may refuse it before it is read.
 */
export async function openData(
  inputs: readonly string[] | undefined,
  output: Output,
  asBytes = false,
  onSize?: (bytes: number) => void,
): Promise<Corpus> {
  if (inputs === undefined)
    throw misuse('--data is missing: a file, a folder, a pattern, - or a name (see `inkhorn data`)');
  if (inputs.includes(STDIN) && process.stdin.isTTY)
    throw misuse('--data -: standard input is a terminal: send a text, as in `cat notes.txt | inkhorn ...`');
  const progress = createProgress(
    `reading ${inputs.length > 1 ? 'the text' : inputs[0] === STDIN ? 'standard input' : inputs[0]}`,
    'bytes',
  );
  try {
    const corpus = await loadCorpus(inputs, { asBytes, onSize, onProgress: progress.update });
    for (const remark of corpus.remarks) output.note(remark);
    return corpus;
  } catch (error) {
    if (error instanceof NotText) throw misuse(`${error.finding}; --as-bytes takes the bytes as they are`);
    // A missing network is a failure, not a misuse; a path that does not exist is a misuse.
    throw error instanceof CorpusUnavailable ? error : misuse((error as Error).message);
  } finally {
    progress.end();
  }
}

/**
 * The text of one file, or of standard input (`-`); it may be empty. `flag` is the flag that named it.
 * `asBytes` null: only text is accepted.
 */
export async function openText(
  path: string,
  flag: string,
  output: Output,
  asBytes: boolean | null = false,
): Promise<Uint8Array> {
  try {
    const { bytes, remarks } = await withProgress(
      `reading ${path === STDIN ? 'standard input' : path}`,
      'bytes',
      (update) => readText(path, { asBytes: asBytes ?? false, onRead: (bytes) => update(bytes, 0) }),
    );
    for (const remark of remarks) output.note(remark);
    return bytes;
  } catch (error) {
    if (error instanceof NotText)
      throw misuse(
        `${flag}: ${error.finding}${asBytes === null ? '' : '; --as-bytes takes the bytes as they are'}`,
      );
    throw misuse(`${flag}: ${(error as Error).message}`);
  }
}

/** A corpus in the form that `encodeText` and `dataset` take. */
export function textOf(
  { bytes, documents }: Corpus,
  { separator }: Pick<DataRecord, 'separator'>,
): Uint8Array | SeparatedText {
  return separator === null ? bytes : { documents, separator };
}
