// The text that a model was trained on: its record, and finding it from another folder, or after a move.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { escapePath, isDynamicPattern } from 'tinyglobby';
import { formatAmount } from '../base/format.ts';
import { bytesAtMost, readJson } from '../base/json.ts';
import { CATALOG } from '../corpora/catalog.ts';
import { sha256Of } from '../corpora/fetch.ts';
import { type Corpus, CorpusUnavailable, STDIN } from '../corpora/index.ts';
import { nodeFiles } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import { type DataRecord, recordsData } from '../runs/data-record.ts';
import { HISTORY_LIMITS } from '../runs/history.ts';
import { COMPARISON_FILE, HISTORY_FILE, LAST, TEXT_FILE, TRAINING_FILE } from '../runs/layout.ts';
import { defaultSplit, type Split } from '../train/data.ts';
import { MisuseError, misuse } from './errors.ts';
import type { Output } from './output.ts';
import { openData, type Reading, splitOf } from './texts.ts';

/** A text as requested: `--data`, typed in the folder `cwd`. */
export interface Place {
  inputs: readonly string[];
  cwd: string;
}

/** The record of its text in the run in `folder`, or in the copy of its model there. */
export function dataRecord(
  { inputs, cwd }: Place,
  { name, bytes }: Corpus,
  { trainFraction, validate }: Split,
  folder: string,
  { asBytes, separator }: Reading = { asBytes: false, separator: null },
): DataRecord {
  const what = { inputs, asBytes, separator, name, bytes: bytes.length, sha256: sha256Of(bytes) };
  return { ...what, origin: { cwd, run: resolve(folder) }, trainFraction, validate };
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

/**
 * Where a model folder or run may have the record of its text: in itself, in what it was made from, in its
 * run.
 */
const RECORDS = [
  [TRAINING_FILE],
  [CARD_FILE],
  [COMPARISON_FILE],
  [LAST, TRAINING_FILE],
  [HISTORY_FILE],
  ['..', LAST, TRAINING_FILE],
  ['..', HISTORY_FILE],
] as const;

/** The record of a text, and the present path of the folder that has the record. */
interface Recorded {
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

async function recorded({ location: path }: Store): Promise<Recorded | null> {
  for (const parts of RECORDS) {
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

/** A text that matches its record, and where it was found. */
export interface FoundText {
  corpus: Corpus;
  place: Place;
}

/**
 * The text of a record, unchanged. It is searched for where it was, as it was typed, where it would be if it
 * moved along with the run, which is in `folder` now, and in the run itself, where a page packs it. Throws
 * TextNotHere, and CorpusUnavailable for a named text that cannot be fetched.
 */
export async function findText(record: DataRecord, folder: string, output: Output): Promise<FoundText> {
  const facts = `the run was trained on ${textFacts(record)}`;
  if (record.tokens !== undefined) throw new TextNotHere(`${facts}, a file of tokens without its text`);
  if (record.field !== undefined)
    throw new TextNotHere(`${facts}, the field '${record.field}' of JSON Lines, which only \`train\` reads`);
  let problem = record.inputs.includes(STDIN) ? 'which is not kept' : 'which is not here';
  for (const place of places(record, folder)) {
    const paths = place.inputs.map((input) => pathOf(input, place.cwd));
    const fifo = await firstFifo(paths);
    if (fifo !== undefined) problem = `which came through ${fifo}, a FIFO, and is not kept`;
    if (!(await Promise.all(paths.map(canBeRead))).every(Boolean)) continue;
    const corpus = await openData(paths, output, record.asBytes).catch((error: Error) => error);
    if (corpus instanceof CorpusUnavailable) throw corpus;
    if (corpus instanceof Error) problem = `which cannot be read: ${corpus.message}`;
    else if (isTextOf(record, corpus)) return { corpus, place };
    else
      problem = `and ${paths.join(' ')} holds another text now (${formatAmount(corpus.bytes.length, 'byte')})`;
  }
  throw new TextNotHere(`${facts}, ${problem}`);
}

function isNamed(input: string): boolean {
  return CATALOG.some(({ name }) => name === input);
}

/** The first of `paths` that is a FIFO. */
async function firstFifo(paths: readonly string[]): Promise<string | undefined> {
  const kinds = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return paths.find((_, i) => kinds[i]?.isFIFO());
}

/** A FIFO would wait for a text that was read long ago. */
export async function canBeRead(path: string): Promise<boolean> {
  if (isNamed(path)) return true;
  const kind = await stat(path).catch(() => null);
  return kind ? kind.isFile() || kind.isDirectory() : isDynamicPattern(path);
}

/** Whether a text matches a record. */
export function isTextOf({ bytes: length, sha256 }: DataRecord, { bytes }: Corpus): boolean {
  return bytes.length === length && sha256Of(bytes) === sha256;
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

/** A text for measuring a model, and its run's split. */
export interface MeasuredText {
  corpus: Corpus;
  record: DataRecord;
}

/**
 * The text of `--data`, or the one that the model's run recorded, unchanged. The record of the result will be
 * in `folder`. Throws a misuse when there is neither.
 */
export async function openMeasuredText(
  { data, asBytes }: { data?: readonly string[]; asBytes?: boolean },
  model: Store,
  output: Output,
  folder: string = model.location,
): Promise<MeasuredText> {
  const known = await recorded(model);
  if (data !== undefined) {
    // Another text is read like the run's own: byte by byte, and with its separator.
    const reading = readingOf(asBytes, known?.record);
    const corpus = await openData(data, output, reading.asBytes);
    const split = splitOf({}, known?.record ?? defaultSplit);
    return { corpus, record: dataRecord(typed(data), corpus, split, folder, reading) };
  }
  if (!known) throw misuse(`--data is missing: ${model.location} does not say which text it was trained on`);
  const { corpus, place } = await findText(known.record, known.folder, output);
  output.note(`text: ${corpus.source}, which the model was trained on`);
  return { corpus, record: relocated(known.record, place, folder) };
}

/** The options for reading another text for a model: those of its run. */
function readingOf(asBytes: boolean | undefined, record: DataRecord | undefined): Reading {
  return { asBytes: asBytes ?? record?.asBytes ?? false, separator: record?.separator ?? null };
}
