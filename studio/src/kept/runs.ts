// The runs in this browser.
import {
  type DataRecord,
  differencesOf,
  type GPTConfig,
  readHistory,
  readRunRecord,
  type Store,
  type TrainEvent,
  type TrainSettings,
} from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { beginningOf } from './chosen.ts';
import { changed, namesOn } from './files.ts';
import { isTextOf, readText } from './texts.ts';

/** A run as a list shows it. */
export interface KeptRun {
  name: string;
  /** The name that its text had. */
  text: string;
  /** Which text it is, whatever it is called now. */
  data: DataRecord;
  settings: TrainSettings;
  /** The model that it went on from: a name in the address, or the `--from` of a command line. */
  base: string | null;
  /** Its model's shape. */
  config: Partial<GPTConfig>;
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
      const folder = opfsStore(`runs/${name}`);
      const { settings, data, events } = await readHistory(folder);
      const config = await configOf(folder);
      const base = (await readRunRecord(folder))?.start ?? null;
      const losses = events.flatMap((event) => (event.type === 'eval' ? [event.valLoss] : []));
      const step = events.reduce((most, event) => Math.max(most, event.step), 0);
      const best = losses.length > 0 ? Math.min(...losses) : null;
      runs.push({ name, text: data.name, data, settings, base, config, events, step, best });
    } catch (error) {
      damaged.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs, damaged };
}

/** Of the locks that say which run reads which text. */
const READS = 'inkhorn reads ';

/** Does `work`, during which every tab knows that the run reads this text, though it may not be saved yet. */
export function reading<T>(text: string, run: string, work: () => Promise<T>): Promise<T> {
  const told = (): Promise<T> => {
    changed('runs');
    return work();
  };
  return navigator.locks.request(READS + JSON.stringify([text, run]), { mode: 'shared' }, told);
}

/** The runs that cannot go on without the text `name`: those kept, and those that a tab trains. */
export async function runsOn(name: string): Promise<string[]> {
  const { runs } = await readRuns();
  const bytes = runs.length > 0 ? await readText(name) : null;
  const found = new Set<string>();
  for (const run of runs) if (bytes && (await isTextOf(run.data, bytes))) found.add(run.name);
  for (const { name: lock } of (await navigator.locks.query()).held ?? []) {
    if (!lock?.startsWith(READS)) continue;
    const [text, run] = JSON.parse(lock.slice(READS.length)) as [text: string, run: string];
    if (text === name) found.add(run);
  }
  return [...found].sort();
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

/** When a run was saved, in milliseconds, at its end or in the midst of it; 0 if it never was. */
async function changedAt(run: string): Promise<number> {
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle('runs')).getDirectoryHandle(run);
  const timeOf = async (open: Promise<FileSystemDirectoryHandle>, name: string): Promise<number> => {
    try {
      return (await (await (await open).getFileHandle(name)).getFile()).lastModified;
    } catch {
      return 0;
    }
  };
  const ended = await timeOf(Promise.resolve(folder), 'history.json');
  return Math.max(ended, await timeOf(folder.getDirectoryHandle('last'), 'training.json'));
}

/** The shape of a run's model; nothing where no copy of it can be read. */
async function configOf(run: Store): Promise<Partial<GPTConfig>> {
  try {
    return JSON.parse(new TextDecoder().decode(await run.folder('last').read('config.json')));
  } catch {
    return {};
  }
}

/**
 * What was chosen for each of `runs`, in their order, as far as they differ in it: `from runs/whale, lora 4`.
 */
export function differences(runs: readonly KeptRun[]): string[] {
  const beginnings = runs.map(beginningOf);
  const differing = differencesOf(
    runs.map(({ base, config, settings }, i) => ({
      ...{ from: base ?? undefined, preset: beginnings[i].preset },
      ...{ ...config, ...settings },
    })),
  );
  return beginnings.map(({ chosen }, i) =>
    differing
      .filter(({ name }) => chosen.has(name))
      .map(({ name, values }) => `${name} ${values[i]}`)
      .join(', '),
  );
}
