// What a run folder knows about its run that neither its settings nor its events say: `run.json`.
import type { Precision } from '../backend/contract.ts';
import { jsonBytes } from '../base/json.ts';
import { integer, object, oneOf, optional, type Schema, string } from '../base/schema.ts';
import { folderStore } from '../platform/node-store.ts';

/** What is known of a run beside its settings and its events, written when it begins. */
export const RUN_FILE = 'run.json';
/** What its reports show of the inside of its best model; see run-look.ts. */
export const LOOK_FILE = 'look.json';
/** Where `inspect --out` leaves what somebody wanted to see of it instead. */
export const INSPECT_FOLDER = 'inspect';

/** What `run.json` holds. */
export interface RunRecord {
  /** `seed on tiny-shakespeare`. */
  title: string;
  /** `native (AVX-512, 2 threads)`. */
  engine: string;
  precision: Precision;
  trainTokens: number;
  valTokens: number;
  /** `--tokenizer`, where the run did not train its own. */
  tokenizer?: string;
}

/** `run.json` */
export const runFile: Schema<RunRecord> = object<RunRecord>({
  title: string,
  engine: string,
  precision: oneOf('f32', 'bf16'),
  trainTokens: integer({ min: 1 }),
  valTokens: integer({ min: 0 }),
  tokenizer: optional(string),
});

/** Notes how a run comes about, for its reports. */
export async function writeRunRecord(folder: string, record: RunRecord): Promise<void> {
  await folderStore(folder).write(RUN_FILE, jsonBytes(record, 1));
}
