// The teachers of a run (distillation): models in folders, whose names and checksums its checkpoints hold, so
// that it goes on with the same ones. Read next: pullOf in tensor/ops.ts.
import type { Backend } from '../backend/contract.ts';
import { array, object, optional, type Schema, string } from '../base/schema.ts';
import { sha256 } from '../base/sha256.ts';
import type { Store } from '../io/store.ts';
import { type CheckpointOptions, loadModel, MODEL_FILE } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** Enough to find a teacher again, and to notice that it has changed. */
export interface TeacherRecord {
  /** The folder of the model, or of a run, as typed; in a program the location of its store. */
  path: string;
  /** Checksum of its weights, `model.safetensors`, hexadecimal. */
  sha256: string;
  /** The absolute paths of the folder in which `path` was typed, and of the run that learns. */
  origin?: { cwd: string; run: string };
}

/** A model from which a run learns. */
export interface Teacher {
  model: GPT;
  record: TeacherRecord;
}

export const teacherRecords: Schema<TeacherRecord[]> = array(
  object<TeacherRecord>({
    path: string,
    sha256: string,
    origin: optional(object<NonNullable<TeacherRecord['origin']>>({ cwd: string, run: string })),
  }),
);

/** The checksum of the weights of the model in a folder. */
export async function checksumOf(store: Store): Promise<string> {
  return sha256(new Uint8Array(await store.read(MODEL_FILE)));
}

/**
 * Reads the model in a folder, float or quantised, as a teacher of one with this tokenizer, on the same
 * engine. Throws one line as `load` does, and where its tokenizer is another one.
 */
export async function loadTeacher(
  store: Store,
  tokenizer: Tokenizer,
  options: CheckpointOptions & { backend: Backend },
): Promise<Teacher> {
  const { model, tokenizer: own } = await loadModel(store, options);
  const { location } = store;
  if (JSON.stringify(own) === JSON.stringify(tokenizer))
    return { model, record: { path: location, sha256: await checksumOf(store) } };
  model.dispose();
  throw new Error(
    `${location} cannot teach: its tokenizer is another one, and predicts other tokens: train with its tokenizer.json`,
  );
}

/** The teachers in several folders, in their order; undefined without any. See `loadTeacher`. */
export async function loadTeachers(
  stores: readonly Store[] | undefined,
  tokenizer: Tokenizer,
  options: CheckpointOptions & { backend: Backend },
): Promise<Teacher[] | undefined> {
  if (!stores) return undefined;
  const teachers: Teacher[] = [];
  try {
    for (const store of stores) teachers.push(await loadTeacher(store, tokenizer, options));
  } catch (error) {
    for (const { model } of teachers) model.dispose();
    throw error;
  }
  return teachers;
}

/** Throws where a run that goes on does not have the teachers with which it began, in their order. */
export function checkSameTeachers(
  location: string,
  begun: readonly TeacherRecord[] = [],
  given: readonly TeacherRecord[] = [],
): void {
  const named = (records: readonly TeacherRecord[]): string =>
    records.map(({ path, sha256: sum }) => `${path} (sha256 ${sum.slice(0, 12)}...)`).join(', ') || 'none';
  const [before, now] = [begun, given].map((records) => records.map(({ sha256: sum }) => sum).join());
  if (before !== now)
    throw new Error(`${location}: the run learns from other teachers: ${named(begun)}, not ${named(given)}`);
}
