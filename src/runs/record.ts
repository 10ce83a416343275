// What a run folder knows about its run that neither its settings nor its events say: `run.json`.
import type { Precision } from '../backend/contract.ts';
import { jsonBytes } from '../base/json.ts';
import { integer, nullable, object, oneOf, optional, type Schema, string } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import { REPORT_FILES, RUN_FILE } from './layout.ts';

/** What `run.json` holds. */
export interface RunRecord {
  /** `seed on tiny-shakespeare`. */
  title: string;
  /**
   * The engine that the run began on, `native (AVX-512, 2 threads)`, where that is known; the history has
   * them all.
   */
  engine?: string;
  precision: Precision;
  trainTokens: number;
  valTokens: number;
  /** `--tokenizer`, where the run did not train its own. */
  tokenizer?: string;
  /**
   * Last step of the finished run that its reports tell of; null until then, and left out by the first
   * versions.
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
  reported: optional(nullable(integer({ min: 1 }))),
});

/** Notes how a run comes about, for its reports. */
export async function writeRunRecord(store: Store, record: RunRecord): Promise<void> {
  await store.write(RUN_FILE, jsonBytes(record, 1));
}

/** What was noted; null where nothing was. */
export async function readRunRecord(store: Store): Promise<RunRecord | null> {
  if (!(await store.exists(RUN_FILE))) return null;
  return readJsonFile(store, RUN_FILE, runFile);
}

/** Notes that the reports of the finished run are written: nothing of it is due any more. */
export async function noteReported(store: Store, step: number): Promise<void> {
  const record = await readRunRecord(store);
  if (record) await writeRunRecord(store, { ...record, reported: step });
}

/** Whether the run that has done its last step, `step`, lacks reports that tell of it. */
export async function reportDue(store: Store, step: number): Promise<boolean> {
  const record = await readRunRecord(store);
  if (record?.reported !== undefined) return record.reported !== step;
  const files = await store.list();
  return !REPORT_FILES.every((name) => files.includes(name));
}
