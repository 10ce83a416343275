// `train --resume`: continues a run where it ended, with all work still due. Read next: training.ts.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { formatAmount } from '../base/format.ts';
import { shellWord } from '../base/shell.ts';
import { folderStore, NO_SUCH_FILE, reason } from '../io/node-store.ts';
import type { Lock, Store } from '../io/store.ts';
import type { Tokens } from '../model/batch.ts';
import { loadConfig, MODEL_FILE } from '../model/folder.ts';
import { type Checkpoint, hasCheckpoint, readRecord, type SavedRecord } from '../runs/checkpoint.ts';
import type { DataRecord } from '../runs/data-record.ts';
import { HISTORY_FILE, LAST } from '../runs/layout.ts';
import { readRunRecord, reportDue } from '../runs/record.ts';
import { furtherSteps, loadRun } from '../runs/resume.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Dataset, datasetOf } from '../train/data.ts';
import { checkRanks } from '../train/run.ts';
import { checkSettings, type TrainSettings } from '../train/settings.ts';
import { announceEngine, type engineFlags, withEngine } from './engine.ts';
import { asked, misuse } from './errors.ts';
import type { Values } from './flags.ts';
import { type FoundText, findText, sameText } from './found-text.ts';
import { checkTraining } from './memory.ts';
import { runOf } from './models.ts';
import { lockOut, type OutFolder } from './out-folder.ts';
import type { Output } from './output.ts';
import { announceRanks, type Job } from './ranks.ts';
import { outOfReach, relocated } from './run-text.ts';
import { findTeachersAgain, openTeachers } from './teachers.ts';
import { splitOf } from './texts.ts';
import type { RunPlan } from './training.ts';

/** Flags that can be combined with --resume. Everything else is in the checkpoint. */
export interface ResumeFlags extends Values<typeof engineFlags> {
  data?: readonly string[];
  asBytes?: boolean;
  steps?: number;
}

/**
 * The run in the folder `out`, locked; `what` names this command to others. If `out` is not a run, throws a
 * misuse that says what it is.
 */
export async function takeRun(out: string, what: string): Promise<OutFolder> {
  const lock = (): Promise<Lock> => lockOut(`--resume ${out}`, out, what);
  // A run that goes on may have no checkpoint yet: whoever writes it is named first.
  await lastCheckpoint(out, async () => (await lock()).release());
  return { folder: out, judged: new Map(), ...(await lock()) };
}

/**
 * Calls `work` with the plan of a run from its last checkpoint on. Throws a misuse if nothing is due or
 * nothing can be continued.
 */
export async function resumedRun(
  given: ResumeFlags,
  { folder: out, release }: OutFolder,
  output: Output,
  job: Job | null,
  work: (plan: RunPlan) => Promise<void>,
): Promise<void> {
  const store = await lastCheckpoint(out);
  const record = await readRecord(store);
  const { step } = record.progress;
  const settings = await settingsOf(out, step, {
    ...record.settings,
    ...(given.steps && { steps: given.steps }),
  });
  const due = await whatIsDue(out, record.progress, settings);
  if (job && settings.summation !== 'pairwise')
    throw misuse(
      `--resume ${out}: this run adds gradients one after the other (summation ${settings.summation}), which ${job.ranks.size} ranks cannot share: go on in one process`,
    );
  await asked(() => checkRanks(settings, job?.ranks));
  await withEngine({ ...given, precision: record.precision }, async (engine) => {
    const found = await findTeachersAgain(record.teachers, out);
    await checkTraining(await loadConfig(store), settings, engine.backend, {
      resumed: true,
      teachers: found.map(({ config }) => config),
    });
    const text = await (given.data === undefined
      ? findText(record.data, out, output)
      : sameText(record.data, { data: given.data, asBytes: given.asBytes }, output));
    const backend = announceEngine(engine, output);
    const from = await loadRun(folderStore(out), { backend, onNote: output.note });
    const plan: RunPlan = {
      out,
      lock: { release },
      from,
      settings,
      backend,
      probeTaps: from.probeTaps,
      old: await oldText(from, out, output, job),
      teachers: await openTeachers(found, from.tokenizer, backend, output),
      model: from.model,
      tokenizer: from.tokenizer,
      data: relocated(record.data, text.place, out),
      dataset: await encoded(text, from.tokenizer, record.data, job),
      title: `${basename(out)} on ${record.data.name}`,
    };
    const machines = await job?.begin(plan);
    if (job) announceRanks(job, machines, plan, output);
    output.note(`resuming ${out} at step ${step} of ${settings.steps}${due}`);
    await work(plan);
  });
}

/**
 * The newest checkpoint of the run in `out`. If there is none, throws a misuse that says what `out` is; of a
 * run that was begun, after `whenBegun`.
 */
async function lastCheckpoint(out: string, whenBegun?: () => Promise<void>): Promise<Store> {
  const refuse = (why: string): never => {
    throw misuse(`--resume ${out}: ${why}`);
  };
  const kind = await stat(out).catch((error) => {
    const why = reason(error);
    return refuse(why === NO_SUCH_FILE ? 'there is no such folder' : why);
  });
  if (!kind.isDirectory()) refuse('this is a file: name the folder of a run, the --out of `inkhorn train`');
  const run = folderStore(out);
  if (await hasCheckpoint(run.folder(LAST))) return run.folder(LAST);
  const above = runOf(out);
  if (above !== out && (await hasCheckpoint(folderStore(above).folder(LAST))))
    refuse(`this is a checkpoint of a run: --resume ${shellWord(above)} continues its last one`);
  if (await run.exists(MODEL_FILE))
    refuse(`this is a model, not a run: it has no ${LAST}/ with the moments of its optimizer to go on from`);
  if ((await readRunRecord(run)) || (await run.exists(HISTORY_FILE))) {
    await whenBegun?.();
    refuse(`the run ended before its first checkpoint: begin it again, with --out ${shellWord(out)} --force`);
  }
  return refuse(`there is no run in this folder (no ${LAST}/)`);
}

/** The settings with another number of steps, which must not be less than those done. */
async function settingsOf(out: string, step: number, settings: TrainSettings): Promise<TrainSettings> {
  if (settings.steps < step)
    throw misuse(
      `--resume ${out}: ${formatAmount(step, 'step')} ${step === 1 ? 'is' : 'are'} done already, --steps ${settings.steps} is less`,
    );
  try {
    return checkSettings(settings);
  } catch (error) {
    throw misuse(
      `--resume ${out}: --steps ${settings.steps} does not suit the run: ${(error as Error).message}`,
    );
  }
}

/**
 * The work still due, for people; empty while steps are left. A run that is finished and reported is a
 * misuse.
 */
async function whatIsDue(
  out: string,
  { step, settled, evaluated = settled }: SavedRecord['progress'],
  { steps, evalEvery, sampleEvery }: TrainSettings,
): Promise<string> {
  if (step < steps) return '';
  const due = [
    ...(!evaluated && evalEvery > 0 ? ['evaluation'] : []),
    ...(!settled && sampleEvery > 0 ? ['sample'] : []),
    ...((await reportDue(folderStore(out), step)) ? ['report'] : []),
  ];
  if (due.length === 0)
    throw misuse(
      `--resume ${out}: done, ${formatAmount(step, 'step')}: --steps ${furtherSteps(step)} would go on`,
    );
  return `, still due: ${due.join(', ')}`;
}

/** The tokens of a text; where they are kept in the cache, one process after another makes them. */
function encoded(
  { text, encode }: FoundText,
  tokenizer: Tokenizer,
  record: DataRecord,
  job: Job | null,
): Promise<Dataset<Tokens>> {
  const work = async () =>
    datasetOf((await encode(tokenizer)).ids, tokenizer, record.separator, splitOf({}, record));
  return job && text.kind === 'stream' ? job.inTurn(work) : work();
}

/** The text that the model knew before the run. If it is gone, the run goes on without, which is noted. */
async function oldText(
  { old: record, tokenizer }: Checkpoint,
  out: string,
  output: Output,
  job: Job | null,
): Promise<RunPlan['old']> {
  if (!record) return undefined;
  try {
    const found = await findText(record, out, output);
    const dataset = await encoded(found, tokenizer, record, job);
    return { dataset, record: relocated(record, found.place, out) };
  } catch (error) {
    if (!outOfReach(error)) throw error;
    output.note(`what is forgotten is not measured any more: ${(error as Error).message}`);
    return undefined;
  }
}
