// What a run folder knows about its run that neither its settings nor its events say: `run.json`.
import type { Precision } from '../backend/contract.ts';
import { jsonBytes } from '../base/json.ts';
import { integer, nullable, object, oneOf, optional, type Schema, string } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import { folderStore } from '../io/node-store.ts';

/** What is known of a run beside its settings and its events, written when it begins. */
export const RUN_FILE = 'run.json';
/** What its reports show of the inside of its best model; see run-look.ts. */
export const LOOK_FILE = 'look.json';
/** Where `inspect --out` leaves what somebody wanted to see of it instead. */
export const INSPECT_FOLDER = 'inspect';

/** The reports of a run. */
export const REPORT_FILES = ['report.html', 'report.md'] as const;

/** What `run.json` holds. */
export interface RunRecord {
  /** `seed on tiny-shakespeare`. */
  title: string;
  /** The engine that the run began on, `native (AVX-512, 2 threads)`, where that is known; the history has them all. */
  engine?: string;
  precision: Precision;
  trainTokens: number;
  valTokens: number;
  /** `--tokenizer`, where the run did not train its own. */
  tokenizer?: string;
  /** Last step of the finished run that its reports tell of; null until then, and left out by the first versions. */
  reported?: number | null;
}

/** `run.json` */
export const runFile: Schema<RunRecord> = object<RunRecord>({
  title: string,
  engine: optional(string),
  precision: oneOf('f32', 'bf16'),
  trainTokens: integer({ min: 1 }),
  valTokens: integer({ min: 0 }),
  tokenizer: optional(string),
  reported: optional(nullable(integer({ min: 1 }))),
});

/** Notes how a run comes about, for its reports. */
export async function writeRunRecord(folder: string, record: RunRecord): Promise<void> {
  await folderStore(folder).write(RUN_FILE, jsonBytes(record, 1));
}

/** What was noted; null where nothing was. */
export async function readRunRecord(folder: string): Promise<RunRecord | null> {
  const store = folderStore(folder);
  if (!(await store.exists(RUN_FILE))) return null;
  return readJsonFile(store, RUN_FILE, runFile);
}

/** Notes that the reports of the finished run are written: nothing of it is due any more. */
export async function noteReported(folder: string, step: number): Promise<void> {
  const record = await readRunRecord(folder);
  if (record) await writeRunRecord(folder, { ...record, reported: step });
}

/** Whether the run that has done its last step, `step`, lacks reports that tell of it. */
export async function reportDue(folder: string, step: number): Promise<boolean> {
  const record = await readRunRecord(folder);
  if (record?.reported !== undefined) return record.reported !== step;
  const files = await folderStore(folder).list();
  return !REPORT_FILES.every((name) => files.includes(name));
}
