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
import { tokensDataset } from '../tokens/read.ts';
import type { Dataset } from '../train/data.ts';
import { checkRanks } from '../train/run.ts';
import { checkSettings, type TrainSettings } from '../train/settings.ts';
import { splitCorpus } from './encoding.ts';
import { announceEngine, type engineFlags, withEngine } from './engine.ts';
import { asked, misuse } from './errors.ts';
import type { Values } from './flags.ts';
import { checkTraining } from './memory.ts';
import { runOf } from './models.ts';
import { lockOut, type OutFolder } from './out-folder.ts';
import type { Output } from './output.ts';
import { announceRanks, type Job } from './ranks.ts';
import {
  dataRecord,
  type FoundText,
  findText,
  isTextOf,
  outOfReach,
  relocated,
  textFacts,
  typed,
} from './run-text.ts';
import { openData, splitOf, textOf } from './texts.ts';
import { cachedTokens } from './tokens-cache.ts';
import type { RunPlan } from './training.ts';
import { findStream, findTokens, isStreamed } from './training-text.ts';

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
  await asked(() => checkRanks(settings, job?.ranks));
  await withEngine({ ...given, precision: record.precision }, async (engine) => {
    await checkTraining(await loadConfig(store), settings, engine.backend, { resumed: true });
    const text = await resumedText(given, out, record.data, output);
    const backend = announceEngine(engine, output);
    const from = await loadRun(folderStore(out), { backend, onNote: output.note });
    const encode = () => text.datasetFor(from.tokenizer);
    const plan: RunPlan = {
      out,
      lock: { release },
      from,
      settings,
      backend,
      probeTaps: from.probeTaps,
      old: await oldText(from, out, output),
      model: from.model,
      tokenizer: from.tokenizer,
      data: relocated(record.data, text.place, out),
      dataset: await (job && isStreamed(record.data) ? job.inTurn(encode) : encode()),
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

/** The tokens of the run, wherever they are. */
interface ResumedText {
  place: FoundText['place'];
  datasetFor(tokenizer: Tokenizer): Promise<Dataset<Tokens>>;
}

async function resumedText(
  given: ResumeFlags,
  out: string,
  record: DataRecord,
  output: Output,
): Promise<ResumedText> {
  const split = splitOf({}, record);
  if (record.tokens !== undefined) {
    const { file, place } = findTokens(record, out, given.data);
    return { place, datasetFor: async (tokenizer) => tokensDataset(file, tokenizer, split) };
  }
  if (isStreamed(record)) {
    const { stream, place, request } = await findStream(record, out, given.data);
    return {
      place,
      async datasetFor(tokenizer) {
        const file = await cachedTokens(stream, tokenizer, request, output);
        const { bytes, sha256 } = file.description.source;
        if (bytes !== record.bytes || sha256 !== record.sha256)
          throw misuse(
            `--data ${textFacts({ inputs: place.inputs, bytes, sha256 })} is not the text that the run was trained on: ${textFacts(record)}`,
          );
        return tokensDataset(file, tokenizer, split);
      },
    };
  }
  const { corpus, place } = await runText(given, out, record, output);
  return { place, datasetFor: (tokenizer) => splitCorpus(textOf(corpus, record), tokenizer, split) };
}

/** The text of the run: that of --data, which must be the same, or the one that is found. */
async function runText(
  { data: inputs, asBytes }: ResumeFlags,
  out: string,
  record: DataRecord,
  output: Output,
): Promise<FoundText> {
  if (inputs === undefined) return findText(record, out, output);
  const corpus = await openData(inputs, output, asBytes ?? record.asBytes);
  if (isTextOf(record, corpus)) return { corpus, place: typed(inputs) };
  const other = dataRecord(typed(inputs), corpus, splitOf({}, record), out);
  throw misuse(
    `--data ${textFacts(other)} is not the text that the run was trained on: ${textFacts(record)}`,
  );
}

/** The text that the model knew before the run. If it is gone, the run goes on without, which is noted. */
async function oldText(
  { old: record, tokenizer }: Checkpoint,
  out: string,
  output: Output,
): Promise<RunPlan['old']> {
  if (!record) return undefined;
  try {
    const { corpus, place } = await findText(record, out, output);
    const dataset = await splitCorpus(textOf(corpus, record), tokenizer, splitOf({}, record));
    return { dataset, record: relocated(record, place, out) };
  } catch (error) {
    if (!outOfReach(error)) throw error;
    output.note(`what is forgotten is not measured any more: ${(error as Error).message}`);
    return undefined;
  }
}
