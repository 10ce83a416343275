// A training on the command line: events on the screen or as JSON, Ctrl-C, and a report at the end.

import { join } from 'node:path';
import type { Backend } from '../backend/contract.ts';
import { formatCount } from '../base/format.ts';
import { ownCommand } from '../base/node-command.ts';
import { shellWord } from '../base/shell.ts';
import { folderStore } from '../io/node-store.ts';
import type { Lock } from '../io/store.ts';
import { picturesIfThere } from '../png/charts.ts';
import { writeReport } from '../report/write.ts';
import { openRun } from '../runs/open.ts';
import { readRun } from '../runs/read.ts';
import { noteReported, readRunRecord, writeRunRecord } from '../runs/record.ts';
import { type RunFolderOptions, trainInFolder } from '../runs/train-in-folder.ts';
import { writeLive } from '../site/live.ts';
import type { DoneEvent, TrainEvent } from '../train/events.ts';
import { areTogether } from '../train/local-steps.ts';
import type { MilestoneProgress } from '../train/run.ts';
import type { Output } from './output.ts';
import { createProgress, type Progress, withProgress } from './progress.ts';
import { lookInsideRun } from './run-look.ts';
import { terminalStyle } from './terminal.ts';
import { createTrainView } from './view/train-view.ts';

/** Everything that a run needs. */
export interface RunPlan extends Omit<RunFolderOptions, 'store' | 'signal' | 'onProgress'> {
  out: string;
  /** The lock of `out`. */
  lock: Lock;
  backend: Backend;
  /** For the report. */
  title: string;
  /** The value of `--from`. */
  start?: string;
  /** The value of `--tokenizer`, if the run did not train its own. */
  tokenizerFile?: string;
}

/** The part of a rank that does not speak in a run of several processes. Resolves as `trainAndShow`. */
export async function trainQuietly(plan: RunPlan, signal: AbortSignal): Promise<TrainEvent[]> {
  const { out, backend: _, title: __, start: ___, tokenizerFile: ____, ...run } = plan;
  const events: TrainEvent[] = [];
  for await (const event of trainInFolder({ ...run, store: folderStore(out), signal })) events.push(event);
  return events;
}

/** Trains and shows the progress. Resolves to all events of the run, including earlier parts. */
export async function trainAndShow(
  plan: RunPlan,
  output: Output,
  signal: AbortSignal,
): Promise<TrainEvent[]> {
  const { out, backend, title, start: _, tokenizerFile, ...run } = plan;
  const { settings, from } = run;
  const view = output.json
    ? null
    : createTrainView(process.stdout, {
        totalSteps: settings.steps,
        done: from?.resume.step,
        ...terminalStyle(process.stdout),
      });
  const log = createMilestoneLog();
  const onProgress = (progress: MilestoneProgress): void => {
    if (!view?.progress(progress)) log.update(progress);
  };
  const events = [...(from?.history ?? [])];
  if (!from || !(await readRunRecord(folderStore(out)))) await recordRun(plan);
  const live = writeLive(out, { before: events.length, settings, config: run.model.config });
  try {
    for await (const event of trainInFolder({ ...run, store: folderStore(out), signal, onProgress })) {
      log.end();
      events.push(event);
      live.add(event);
      view?.event(event);
      output.data(event);
    }
  } finally {
    log.end();
    view?.end();
    await live.end();
  }
  return events;
}

/** The progress of the present evaluation or sample, on stderr. The next event ends it. */
function createMilestoneLog(): { update(progress: MilestoneProgress): void; end(): void } {
  let shown: Progress | null = null;
  return {
    update({ what, step, done, total }) {
      shown ??= createProgress(`${what} at step ${formatCount(step)}`, 'tokens');
      shown.update(done, total);
    },
    end() {
      shown?.end();
      shown = null;
    },
  };
}

/** Records facts for the reports that are in no event. */
function recordRun({ out, title, backend, dataset, start, tokenizerFile, from }: RunPlan): Promise<void> {
  const engine = from ? from.engines.find(({ after }) => after === 0)?.engine : backend.description;
  const tokens = { trainTokens: dataset.train.length, valTokens: dataset.val.length };
  const { precision } = backend;
  return writeRunRecord(folderStore(out), {
    title,
    engine,
    precision,
    ...tokens,
    tokenizer: tokenizerFile,
    start,
    reported: null,
  });
}

/** How the run ended. */
export function lastEvent(events: readonly TrainEvent[]): DoneEvent {
  return events.at(-1) as DoneEvent;
}

/** The message about a run that Ctrl-C ended. */
export function stoppedLine(plan: RunPlan, events: readonly TrainEvent[]): string {
  const { step } = lastEvent(events);
  const saved = savedStep(plan, events);
  if (saved === null) return `stopped at step ${step}, before anything was saved: begin again, with --force`;
  const from = saved < step ? ` from step ${saved}` : '';
  return `stopped at step ${step}; go on${from} with: ${ownCommand()} train --resume ${shellWord(plan.out)}`;
}

/**
 * The step at which an interrupted run goes on: where it stopped, but ranks that train apart save only where
 * they meet. Null: nothing is saved.
 */
export function savedStep({ settings, from }: RunPlan, events: readonly TrainEvent[]): number | null {
  const { step } = lastEvent(events);
  if (areTogether(step, settings)) return step;
  const last = events.findLast((event) => event.type === 'checkpoint' && event.kind === 'last');
  const steps = [last?.step, from?.resume.step].filter((known) => known !== undefined);
  return steps.length > 0 ? Math.max(...steps) : null;
}

/**
 * Makes the findings about the best model, and writes the reports and figures into the run's folder. Resolves
 * to their paths. If the findings fail, this is noted: the run is done, and its reports must not be lost. Who
 * interrupts a run does not wait for findings on an engine whose passes take long.
 */
export async function reportRun(
  { out, backend, dataset }: RunPlan,
  output: Output,
  { signal }: { signal: AbortSignal },
): Promise<string[]> {
  const store = folderStore(out);
  const opened = openRun(store);
  if (signal.aborted && backend.cancel)
    output.note(
      `no look inside the model, which takes long on ${backend.name}: \`inkhorn report ${shellWord(out)}\` makes it`,
    );
  else
    await lookInsideRun(opened, backend, () => dataset.val).catch((error: Error) =>
      output.note(`no look inside the model: ${error.message}`),
    );
  const run = await readRun(store, { run: opened, onNote: output.note });
  const files = await withProgress('drawing the report', '', async () =>
    writeReport(store, run, await picturesIfThere(output.note)),
  );
  const done = lastEvent(run.events);
  if (done.type === 'done' && done.reason === 'finished') await noteReported(store, done.step);
  return files.map((name) => join(out, name));
}
