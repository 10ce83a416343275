// A run folder as its reports see it: what was trained, how, on what, and what happened. Nothing is computed with the model.
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Precision } from '../backend/contract.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { Store } from '../io/store.ts';
import { checkConfig } from '../model/config.ts';
import { MODEL_FILE, TOKENIZER_FILE } from '../model/folder.ts';
import { folderStore } from '../platform/node-store.ts';
import type { CompareReport } from '../quantize/compare.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { TRAINING_FILE, type TrainingRecord } from '../train/checkpoint.ts';
import { defaultSplit } from '../train/data.ts';
import { BEST, LAST, modelStore, readHistory } from '../train/run-folder.ts';
import { seedSettings } from '../train/settings.ts';
import { compareTables } from './compare-tables.ts';
import type { ReportTable } from './markdown.ts';
import type { RunSummary } from './report.ts';
import type { Looks, RunLook, SavedAttention } from './run-look.ts';
import { INSPECT_FOLDER, LOOK_FILE, RUN_FILE, type RunRecord } from './run-record.ts';
import { trainCommand } from './train-command.ts';

/**
 * Reads the run in `folder`, one that goes on up to its last checkpoint. Throws one line that says what is missing or damaged and
 * what to do.
 */
export async function readRun(folder: string): Promise<RunSummary> {
  const store = folderStore(folder);
  const past = await readHistory(store);
  // Runs of the first versions lack what was added since, and did without it.
  const data = { ...defaultSplit, ...past.data };
  const settings = { ...seedSettings, ...past.settings };
  const { events } = past;
  const model = await modelStore(store);
  const config = checkConfig(await readJson(model, 'config.json'));
  const tokenizer = Tokenizer.fromJSON(await readJson(model, TOKENIZER_FILE));
  const record = (await store.exists(RUN_FILE)) ? await readJson<RunRecord>(store, RUN_FILE) : null;
  const precision = record?.precision ?? (await recordedPrecision(store));
  return {
    title: record?.title ?? `${basename(resolve(folder))} on ${data.name}`,
    folder,
    config,
    parameters: await countParameters(model),
    data: { ...data, trainTokens: record?.trainTokens, valTokens: record?.valTokens },
    tokenizer: { vocabSize: tokenizer.vocabSize, split: tokenizer.pattern, id: idOf(tokenizer) },
    engine: record?.engine,
    precision,
    settings,
    events,
    ...(await findings(folder)),
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

/** Short, for people to tell tokenizers apart. */
function idOf(tokenizer: Tokenizer): string {
  return createHash('sha256').update(JSON.stringify(tokenizer)).digest('hex').slice(0, 8);
}

async function recordedPrecision(store: Store): Promise<Precision> {
  const last = store.folder(LAST);
  if (!(await last.exists(TRAINING_FILE))) return 'f32';
  return (await readJson<Partial<TrainingRecord>>(last, TRAINING_FILE)).precision ?? 'f32';
}

/** Numbers in the stored weights; the scales of INT8 are none. */
async function countParameters(model: Store): Promise<number> {
  const { tensors } = readSafetensors(await model.read(MODEL_FILE), `${model.location}/${MODEL_FILE}`);
  return [...tensors].reduce((n, [name, { shape }]) => n + (name.endsWith('.scale') ? 0 : sizeOf(shape)), 0);
}

/** What other commands left in folders of the run (`quantize`, `demo`), and what was seen inside its best model. */
async function findings(folder: string): Promise<Pick<RunSummary, 'tables' | 'looks'>> {
  const tables: ReportTable[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders.sort()) {
    const store = folderStore(join(folder, name));
    if (!(await store.exists('compare.json'))) continue;
    for (const table of compareTables(await readJson<CompareReport>(store, 'compare.json')))
      tables.push({ ...table, title: `${name}: ${table.title.toLowerCase()}` });
  }
  const run = folderStore(folder);
  const own: Looks = (await run.exists(LOOK_FILE)) ? await readJson<RunLook>(run, LOOK_FILE) : {};
  const asked = await askedLooks(folder);
  const { attention, heads } = asked.attention ? asked : own; // of one text, both
  return {
    tables,
    looks: { attention, heads, tokens: asked.tokens ?? own.tokens, lens: asked.lens ?? own.lens },
  };
}

/**
 * What `inspect --out RUN/inspect` saw, which takes the place of what was looked at when the run ended. What is older than the best
 * model was seen in another one, and does not count.
 */
async function askedLooks(folder: string): Promise<Looks> {
  const store = folderStore(join(folder, INSPECT_FOLDER));
  const trained = await changedAt(join(folder, BEST, MODEL_FILE));
  const found = async <T>(file: string): Promise<T | undefined> =>
    (await changedAt(join(store.location, file))) > trained ? readJson<T>(store, file) : undefined;
  return {
    attention: await found<SavedAttention>('attention.json'),
    heads: await found<Looks['heads']>('attention-heads.json'),
    tokens: (await found<Required<Pick<Looks, 'tokens'>>>('token-loss.json'))?.tokens,
    lens: await found<Looks['lens']>('logit-lens.json'),
  };
}

/** When a file was last written, ms; 0 for one that is not there. */
async function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function readJson<T>(store: Store, name: string): Promise<T> {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await store.read(name))) as T;
  } catch (error) {
    throw new Error(`${store.location}/${name}: ${(error as Error).message}`);
  }
}
