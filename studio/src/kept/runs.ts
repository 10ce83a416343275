// The runs in this browser.
import { readHistory, type TrainEvent, type TrainSettings } from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { namesOn } from './files.ts';

/** A run as a list shows it. */
export interface KeptRun {
  name: string;
  text: string;
  settings: TrainSettings;
  events: readonly TrainEvent[];
  /** Optimizer steps done. */
  step: number;
  /** Lowest validation loss, nats per token; null before the first evaluation. */
  best: number | null;
}

/** All runs, or those named; those that cannot be read with the reason. */
export async function readRuns(
  names?: readonly string[],
): Promise<{ runs: KeptRun[]; damaged: { name: string; reason: string }[] }> {
  const runs: KeptRun[] = [];
  const damaged: { name: string; reason: string }[] = [];
  for (const name of names ?? (await namesOn('runs'))) {
    try {
      const { settings, data, events } = await readHistory(opfsStore(`runs/${name}`));
      const losses = events.flatMap((event) => (event.type === 'eval' ? [event.valLoss] : []));
      const step = events.reduce((most, event) => Math.max(most, event.step), 0);
      const best = losses.length > 0 ? Math.min(...losses) : null;
      runs.push({ name, text: data.name, settings, events, step, best });
    } catch (error) {
      damaged.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs, damaged };
}

/** The run that was trained last; null if there is none. */
export async function latestRun(): Promise<KeptRun | null> {
  let latest: { name: string; time: number } | null = null;
  for (const name of await namesOn('runs')) {
    const time = await changedAt(name);
    if (time > (latest?.time ?? 0)) latest = { name, time };
  }
  return latest && ((await readRuns([latest.name])).runs[0] ?? null);
}

/** When the history of a run was written, in milliseconds; 0 if it has none. */
async function changedAt(run: string): Promise<number> {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await (await root.getDirectoryHandle('runs')).getDirectoryHandle(run);
    return (await (await folder.getFileHandle('history.json')).getFile()).lastModified;
  } catch {
    return 0;
  }
}

/** The settings in which runs differ, as `lr 0.001, steps 300`, in the order of `runs`. */
export function differences(runs: readonly KeptRun[]): string[] {
  const names = Object.keys(runs[0]?.settings ?? {}) as (keyof TrainSettings)[];
  const differing = names.filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1);
  return runs.map(({ settings }) => differing.map((name) => `${name} ${settings[name]}`).join(', '));
}
