// The record of the text that a model was trained on, and where that text may be after a move or from another
// folder. Read next: found-text.ts.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { escapePath, isDynamicPattern } from 'tinyglobby';
import { formatAmount } from '../base/format.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { CATALOG } from '../corpora/catalog.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { type Corpus, CorpusUnavailable, STDIN } from '../corpora/index.ts';
import { nodeFiles } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import { CONFIG_FILE } from '../model/folder.ts';
import { type DataRecord, recordsData } from '../runs/data-record.ts';
import { HISTORY_LIMITS } from '../runs/history.ts';
import { BEST, COMPARISON_FILE, HISTORY_FILE, LAST, TEXT_FILE, TRAINING_FILE } from '../runs/layout.ts';
import type { Split } from '../train/data.ts';
import { MisuseError } from './errors.ts';
import type { Reading } from './texts.ts';

/** A text as requested: `--data`, typed in the folder `cwd`. */
export interface Place {
  inputs: readonly string[];
  cwd: string;
}

/** What a record says of the text itself, wherever it is and whatever is done with it. */
export type TextFacts = Omit<DataRecord, 'inputs' | 'origin' | keyof Split>;

/** The facts of a text in memory. */
export function factsOf({ name, bytes }: Corpus, { asBytes, separator }: Reading): TextFacts {
  return { asBytes, separator, name, bytes: bytes.length, sha256: sha256Of(bytes) };
}

/** The record of a text at `place` in the run in `folder`, or in the copy of its model there. */
export function recordOf(
  { inputs, cwd }: Place,
  facts: TextFacts,
  { trainFraction, validate }: Split,
  folder: string,
): DataRecord {
  return { inputs, ...facts, origin: { cwd, run: resolve(folder) }, trainFraction, validate };
}

/** The record of a text found at `place`, for a run or a copy of its model in `folder`. */
export function relocated(record: DataRecord, { inputs, cwd }: Place, folder: string): DataRecord {
  return { ...record, inputs, origin: { cwd, run: resolve(folder) } };
}

/** `inputs`, typed in the current folder. */
export function typed(inputs: readonly string[]): Place {
  return { inputs, cwd: process.cwd() };
}

// ---- what is recorded ------------------------------------------------------------------------------------

/** The record in a bundled model. */
const CARD_FILE = 'card.json';

/** Where a model folder has the record of its text: in itself, or in what it was made from. */
const OF_MODEL = [[TRAINING_FILE], [CARD_FILE], [COMPARISON_FILE]] as const;
/** Where a run has it. */
const OF_RUN = [[LAST, TRAINING_FILE], [HISTORY_FILE]] as const;
/** Where it is for a checkpoint of a run. */
const ABOVE = [
  ['..', LAST, TRAINING_FILE],
  ['..', HISTORY_FILE],
] as const;

/**
 * The places of the record. A folder that has a model of its own is no run, whatever other runs are in it;
 * and it is part of the run around it only under the name of a checkpoint.
 */
function placesOf(path: string): readonly (readonly string[])[] {
  const own = existsSync(join(path, CONFIG_FILE));
  const isCheckpoint = [BEST, LAST].includes(basename(resolve(path)));
  return [...OF_MODEL, ...(own ? [] : OF_RUN), ...(isCheckpoint ? ABOVE : [])];
}

/** The record of a text, and the present path of the folder that has the record. */
export interface Recorded {
  record: DataRecord;
  folder: string;
}

/**
 * The record of the text that the model in a folder was trained on; null if there is none. Throws when the
 * record is damaged.
 */
export async function recordedData(store: Store): Promise<DataRecord | null> {
  return (await recorded(store))?.record ?? null;
}

/** The same, with the folder that it was found in. */
export async function recorded({ location: path }: Store): Promise<Recorded | null> {
  for (const parts of placesOf(path)) {
    const file = join(path, ...parts);
    const bytes = await nodeFiles.read(file, bytesAtMost(HISTORY_LIMITS)).catch((error: Error) => {
      if ('code' in error) return null; // does not exist
      throw new Error(`${file}: ${error.message}`);
    });
    const record = bytes && readJson(bytes, file, recordsData, HISTORY_LIMITS).data;
    if (!record) continue;
    return {
      record,
      folder: parts.at(-1) === TRAINING_FILE ? dirname(dirname(resolve(file))) : dirname(file),
    };
  }
  return null;
}

// ---- finding it again ------------------------------------------------------------------------------------

/** Thrown when the text that a model was trained on is missing or has changed. */
export class TextNotHere extends MisuseError {
  /** The problem, without advice. */
  readonly fact: string;

  constructor(fact: string) {
    super(`${fact}: give --data`);
    this.fact = fact;
  }
}

/**
 * Whether the text of a model is neither here nor can be fetched. Optional uses of the text are then skipped.
 */
export function outOfReach(error: unknown): error is TextNotHere | CorpusUnavailable {
  return error instanceof TextNotHere || error instanceof CorpusUnavailable;
}

function isNamed(input: string): boolean {
  return CATALOG.some(({ name }) => name === input);
}

/** A FIFO would wait for a text that was read long ago. */
export async function canBeRead(path: string): Promise<boolean> {
  if (isNamed(path)) return true;
  const kind = await stat(path).catch(() => null);
  return kind ? kind.isFile() || kind.isDirectory() : isDynamicPattern(path);
}

/** `s.txt (4,080 bytes, sha256 1f2e3d4c5b6a...)`; `standard input` for `-`. */
export function textFacts({
  inputs,
  bytes,
  sha256,
}: Pick<DataRecord, 'inputs' | 'bytes' | 'sha256'>): string {
  const what = inputs.map((input) => (input === STDIN ? 'standard input' : input)).join(' ');
  return `${what} (${formatAmount(bytes, 'byte')}, sha256 ${sha256.slice(0, 12)}...)`;
}

/** The possible places of a recorded text, most likely first. */
export function places({ inputs, origin }: DataRecord, folder: string): Place[] {
  const above = join(folder, '..');
  // Of a copy within a run, the text is in the run. What lies beside a run is not its own.
  const runs = existsSync(join(above, LAST)) ? [folder, above] : [folder];
  const packed = runs.map((run) => ({ inputs: [TEXT_FILE], cwd: resolve(run) }));
  if (inputs.includes(STDIN)) return packed;
  if (!origin || inputs.every(isNamed)) return [...packed, typed(inputs)];
  const moved = (path: string): string => resolve(folder, relative(origin.run, path));
  return [
    { inputs, cwd: origin.cwd },
    typed(inputs),
    { inputs: inputs.map((input) => (isAbsolute(input) ? moved(input) : input)), cwd: moved(origin.cwd) },
    ...packed,
  ];
}

/** As typed, if that leads to the same place from here. */
export function pathOf(input: string, cwd: string): string {
  if (isAbsolute(input) || isNamed(input) || cwd === process.cwd()) return input;
  return isDynamicPattern(input) ? `${escapePath(cwd)}/${input}` : join(cwd, input);
}
