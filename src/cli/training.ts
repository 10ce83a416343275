// A training run as the command line does it: events to the screen or as JSON, Ctrl-C, and a report at the end.
import type { Backend } from '../backend/contract.ts';
import type { ModelFolder } from '../model/folder.ts';
import { folderStore } from '../platform/node-store.ts';
import type { ReportTable } from '../report/markdown.ts';
import type { RunSummary } from '../report/report.ts';
import type { Checkpoint, DataRecord } from '../train/checkpoint.ts';
import type { Dataset } from '../train/data.ts';
import type { DoneEvent, TrainEvent } from '../train/events.ts';
import { trainInFolder } from '../train/run-folder.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { Output } from './output.ts';
import { createTrainView, terminalStyle } from './terminal.ts';

/** All that a run is made of. */
export interface RunPlan extends ModelFolder {
  out: string;
  dataset: Dataset;
  data: DataRecord;
  settings: TrainSettings;
  /** Where it goes on from, if it is resumed. */
  from?: Checkpoint;
  backend: Backend;
  /** For the report. */
  title: string;
  command: string;
}

/** Trains and shows; resolves to all events of the run, earlier parts included. */
export async function trainAndShow(
  plan: RunPlan,
  output: Output,
  signal: AbortSignal,
): Promise<TrainEvent[]> {
  const { out, settings, from } = plan;
  const view = output.json
    ? null
    : createTrainView(process.stdout, { totalSteps: settings.steps, ...terminalStyle(process.stdout) });
  const events = [...(from?.history ?? [])];
  try {
    for await (const event of trainInFolder({ ...plan, store: folderStore(out), signal })) {
      events.push(event);
      view?.event(event);
      output.data(event);
    }
  } finally {
    view?.end();
  }
  return events;
}

/** How the run ended. */
export function ending(events: readonly TrainEvent[]): DoneEvent {
  return events.at(-1) as DoneEvent;
}

/** What to say about a run that Ctrl-C ended. */
export function stoppedLine(out: string, events: readonly TrainEvent[]): string {
  return `stopped at step ${ending(events).step}; go on with: inkhorn train --resume ${out}`;
}

/** Writes report.md and the figures into the run's folder; resolves to their paths. */
export async function reportRun(
  plan: RunPlan,
  events: readonly TrainEvent[],
  tables: readonly ReportTable[] = [],
): Promise<string[]> {
  const { model, tokenizer, dataset, data, settings, backend } = plan;
  const summary: RunSummary = {
    title: plan.title,
    config: model.config,
    parameters: model.parameterCount,
    data: {
      name: data.name,
      bytes: data.bytes,
      trainTokens: dataset.train.length,
      valTokens: dataset.val.length,
      validate: data.validate,
    },
    tokenizer: {
      vocabSize: tokenizer.vocabSize,
      bytesPerToken: tokenizer.compressionRatio(dataset.train),
      split: tokenizer.pattern,
    },
    engine: backend.description,
    settings: { ...settings },
    resumedFrom: plan.from?.resume.step,
    events,
    tables,
    commands: [plan.command],
  };
  // Drawing takes libraries that take half a second to load: no other command should wait for them.
  const { writeReport } = await import('../report/report.ts');
  return writeReport(plan.out, summary);
}
