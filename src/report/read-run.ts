// A run folder as its reports see it: what was trained, how, on what, and what happened. Nothing is computed with the model.
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Precision } from '../backend/contract.ts';
import type { Schema } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import { folderStore } from '../io/node-store.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { loadConfig, loadTokenizer, MODEL_FILE } from '../model/folder.ts';
import { compareReport } from '../quantize/compare-schema.ts';
import { sizeOf } from '../tensor/tensor.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { readRecord, TRAINING_FILE } from '../train/checkpoint.ts';
import type { EngineUse } from '../train/engines.ts';
import { type History, LAST, modelStore, readHistory } from '../train/run-folder.ts';
import { compareTables } from './compare-tables.ts';
import { attentionFile, headsFile, lensFile, lookFile, lossesFile } from './look-schema.ts';
import type { ReportTable } from './markdown.ts';
import type { RunSummary } from './report.ts';
import type { Looks } from './run-look.ts';
import { INSPECT_FOLDER, LOOK_FILE, type RunRecord, readRunRecord } from './run-record.ts';
import { trainCommand } from './train-command.ts';

/**
 * Reads the run in `folder`, one that goes on up to its last checkpoint. Throws one line that says what is missing or damaged and
 * what to do.
 */
export async function readRun(folder: string): Promise<RunSummary> {
  const store = folderStore(folder);
  const past = await readHistory(store);
  const { data, settings, events } = past;
  const model = await modelStore(store);
  const config = await loadConfig(model);
  const tokenizer = await loadTokenizer(model);
  const record = await readRunRecord(folder);
  const precision = record?.precision ?? (await recordedPrecision(store));
  return {
    title: record?.title ?? `${basename(resolve(folder))} on ${data.name}`,
    folder,
    config,
    parameters: await countParameters(model),
    data: { ...data, trainTokens: record?.trainTokens, valTokens: record?.valTokens },
    tokenizer: { vocabSize: tokenizer.vocabSize, split: tokenizer.pattern, id: idOf(tokenizer) },
    engines: enginesOf(past, record),
    precision,
    settings,
    events,
    ...(await findings(folder, model)),
    command: trainCommand({
      config,
      settings,
      data,
      precision,
      split: tokenizer.pattern,
      tokenizer: record?.tokenizer,
      probeTaps: past.probeTaps,
    }),
  };
}

/** Who computed a run; the first versions noted only the engine that it began on. */
function enginesOf({ engines = [] }: History, record: RunRecord | null): EngineUse[] {
  const engine = record?.engine;
  return engine === undefined || engines[0]?.after === 0 ? [...engines] : [{ engine, after: 0 }, ...engines];
}

/** Short, for people to tell tokenizers apart. */
function idOf(tokenizer: Tokenizer): string {
  return createHash('sha256').update(JSON.stringify(tokenizer)).digest('hex').slice(0, 8);
}

async function recordedPrecision(store: Store): Promise<Precision> {
  const last = store.folder(LAST);
  if (!(await last.exists(TRAINING_FILE))) return 'f32';
  return (await readRecord(last)).precision;
}

/** Numbers in the stored weights; the scales of INT8 are none. */
async function countParameters(model: Store): Promise<number> {
  const { tensors } = readSafetensors(await model.read(MODEL_FILE), `${model.location}/${MODEL_FILE}`);
  return [...tensors].reduce((n, [name, { shape }]) => n + (name.endsWith('.scale') ? 0 : sizeOf(shape)), 0);
}

/** What other commands left in folders of the run (`quantize`, `demo`), and what was seen inside its model. */
async function findings(folder: string, model: Store): Promise<Pick<RunSummary, 'tables' | 'looks'>> {
  const tables: ReportTable[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders.sort()) {
    const store = folderStore(join(folder, name));
    if (!(await store.exists('compare.json'))) continue;
    for (const table of compareTables(await readJsonFile(store, 'compare.json', compareReport)))
      tables.push({ ...table, title: `${name}: ${table.title.toLowerCase()}` });
  }
  const run = folderStore(folder);
  const own: Looks = (await run.exists(LOOK_FILE)) ? await readJsonFile(run, LOOK_FILE, lookFile) : {};
  const asked = await askedLooks(folder, model);
  const { attention, heads } = asked.attention ? asked : own; // of one text, both
  return {
    tables,
    looks: { attention, heads, tokens: asked.tokens ?? own.tokens, lens: asked.lens ?? own.lens },
  };
}

/**
 * What `inspect --out RUN/inspect` saw, which takes the place of what was looked at when the run ended. What is older than the
 * model of the run was seen in another one, and does not count.
 */
async function askedLooks(folder: string, model: Store): Promise<Looks> {
  const store = folderStore(join(folder, INSPECT_FOLDER));
  const trained = await changedAt(join(model.location, MODEL_FILE));
  const found = async <T>(file: string, schema: Schema<T>): Promise<T | undefined> =>
    (await changedAt(join(store.location, file))) > trained ? readJsonFile(store, file, schema) : undefined;
  return {
    attention: await found('attention.json', attentionFile),
    heads: await found('attention-heads.json', headsFile),
    tokens: (await found('token-loss.json', lossesFile))?.tokens,
    lens: await found('logit-lens.json', lensFile),
  };
}

/** When a file was last written, ms; 0 for one that is not there. */
async function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
