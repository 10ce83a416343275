// `run.json`: facts about a run that are neither in its settings nor in its events.
import type { Precision } from '../backend/contract.ts';
import { jsonBytes } from '../base/json.ts';
import { integer, nullable, object, oneOf, optional, type Schema, string } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import { REPORT_FILES, RUN_FILE } from './layout.ts';

/** The contents of `run.json`. */
export interface RunRecord {
  /** `seed on tiny-shakespeare`. */
  title: string;
  /**
   * The engine on which the run began, `native (AVX-512, 2 threads)`, if known. The history has all engines.
   */
  engine?: string;
  precision: Precision;
  trainTokens: number;
  valTokens: number;
  /** The value of `--tokenizer`, if the run did not train its own. */
  tokenizer?: string;
  /** The model that the run went on from: the value of `--from`. */
  start?: string;
  /**
   * Last step of the finished run that its reports cover; null before. Absent in the first versions.
   */
  reported?: number | null;
}

/** `run.json` */
const runFile: Schema<RunRecord> = object<RunRecord>({
  title: string,
  engine: optional(string),
  precision: oneOf('f32', 'bf16'),
  trainTokens: integer({ min: 1 }),
  valTokens: integer({ min: 0 }),
  tokenizer: optional(string),
  start: optional(string),
  reported: optional(nullable(integer({ min: 1 }))),
});

/** Records facts about a run, for its reports. */
export async function writeRunRecord(store: Store, record: RunRecord): Promise<void> {
  await store.write(RUN_FILE, jsonBytes(record, 1));
}

/** The recorded facts; null if there are none. */
export async function readRunRecord(store: Store): Promise<RunRecord | null> {
  if (!(await store.exists(RUN_FILE))) return null;
  return readJsonFile(store, RUN_FILE, runFile);
}

/** Records that the reports of the finished run are written, so that nothing is due any more. */
export async function noteReported(store: Store, step: number): Promise<void> {
  const record = await readRunRecord(store);
  if (record) await writeRunRecord(store, { ...record, reported: step });
}

/** Whether the run has done its last step, `step`, but its reports do not cover it. */
export async function reportDue(store: Store, step: number): Promise<boolean> {
  const record = await readRunRecord(store);
  if (record?.reported !== undefined) return record.reported !== step;
  const files = await store.list();
  return !REPORT_FILES.every((name) => files.includes(name));
}
