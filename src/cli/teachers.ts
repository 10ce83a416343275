// `train --distill MODEL`: the models whose predictions a run learns, opened, and found again when it goes
// on.
import { isAbsolute, relative, resolve } from 'node:path';
import type { Backend } from '../backend/contract.ts';
import { folderStore } from '../io/node-store.ts';
import type { Store } from '../io/store.ts';
import type { GPTConfig } from '../model/config.ts';
import { loadConfig } from '../model/folder.ts';
import { bundledModel } from '../platform/node-bundled.ts';
import { modelStore } from '../runs/open.ts';
import { checksumOf, loadTeachers, type Teacher, type TeacherRecord } from '../runs/teachers.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { settingFields } from '../train/setting-fields.ts';
import type { TrainSettings } from '../train/settings.ts';
import { asked, misuse } from './errors.ts';
import { type Flags, texts } from './flags.ts';
import { BUNDLED, namedModel } from './models.ts';
import type { Output } from './output.ts';

export const distillFlags = {
  distill: texts({
    about: `teacher, a model with the same tokenizer whose predictions are learnt beside the text: a model folder, a run, or '${BUNDLED}'; may be given several times`,
    argument: '<dir>',
    group: settingFields.distillWeight.group,
  }),
} satisfies Flags;

/** A teacher that is not read yet. */
export interface FoundTeacher {
  store: Store;
  config: GPTConfig;
  path: string;
  origin: NonNullable<TeacherRecord['origin']>;
}

/** The teachers of `--distill`. Throws a misuse where one is no model, or a weight is given without any. */
export async function findTeachers(
  paths: readonly string[] | undefined,
  { distillWeight }: Partial<TrainSettings>,
  out: string,
  output: Output,
): Promise<FoundTeacher[]> {
  if (!paths && distillWeight !== undefined)
    throw misuse(`--distill-weight ${distillWeight} has no effect without --distill MODEL`);
  const origin = { cwd: process.cwd(), run: resolve(out) };
  const found: FoundTeacher[] = [];
  for (const path of paths ?? []) {
    const store = await namedModel(path, output);
    found.push({ store, config: await loadConfig(store), path, origin });
  }
  return found;
}

/**
 * The teachers of a run in `out` that goes on, with the weights of its record: where they were, as they were
 * typed, or where they would be if they moved along with the run. Throws a misuse where one is gone or has
 * changed.
 */
export async function findTeachersAgain(
  records: readonly TeacherRecord[] | undefined,
  out: string,
): Promise<FoundTeacher[]> {
  const found: FoundTeacher[] = [];
  for (const record of records ?? []) {
    const store = await findAgain(record, out);
    const origin = record.origin ?? { cwd: process.cwd(), run: resolve(out) };
    found.push({ store, config: await loadConfig(store), path: record.path, origin });
  }
  return found;
}

async function findAgain({ path, sha256, origin }: TeacherRecord, out: string): Promise<Store> {
  let problem = 'which is not here';
  for (const place of placesOf(path, origin, out)) {
    const store = await modelStore(folderStore(place)).catch(() => null);
    if (!store) continue;
    if ((await checksumOf(store)) === sha256) return store;
    problem = `and ${place} has other weights now`;
  }
  if (path === BUNDLED && (await checksumOf(bundledModel())) === sha256) return bundledModel();
  throw misuse(
    `--resume ${out}: the run learns from ${path} (sha256 ${sha256.slice(0, 12)}...), ${problem}: put that model back`,
  );
}

function placesOf(path: string, origin: TeacherRecord['origin'], out: string): Set<string> {
  if (!origin) return new Set([resolve(path)]);
  const before = resolve(origin.cwd, path);
  const moved = resolve(out, relative(origin.run, before));
  return new Set([before, moved, ...(isAbsolute(path) ? [] : [resolve(path)])]);
}

/** Reads teachers of a model with this tokenizer; undefined if there are none. */
export async function openTeachers(
  found: readonly FoundTeacher[],
  tokenizer: Tokenizer,
  backend: Backend,
  output: Output,
): Promise<Teacher[] | undefined> {
  if (found.length === 0) return undefined;
  const stores = found.map(({ store }) => store);
  const teachers = await asked(() => loadTeachers(stores, tokenizer, { backend, onNote: output.note }));
  return teachers?.map(({ model, record }, i) => {
    const { path, origin } = found[i];
    return { model, record: { ...record, path, origin } };
  });
}
