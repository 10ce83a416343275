// Reads the folder of a run for its reports: what was trained, how, on which text, and the events. Computes
// nothing with the model.
import { sha256 } from '../base/sha256.ts';
import { baseName, type Store } from '../io/store.ts';
import { loadConfig, loadTokenizer } from '../model/folder.ts';
import { countShapes } from '../model/shapes.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { EngineUse } from '../train/engines.ts';
import { readComparisons } from './comparison.ts';
import { readFindings } from './findings.ts';
import type { History } from './history.ts';
import { modelStore, type OpenRun, openRun } from './open.ts';
import type { RunRecord } from './record.ts';
import type { RunSummary } from './summary.ts';
import { trainCommand } from './train-command.ts';

/**
 * Reads the run in `store`; while it runs, up to its last checkpoint. Throws one line that says what is
 * missing or damaged and what to do. `onNote` is told what is left out.
 */
export async function readRun(
  store: Store,
  { run = openRun(store), onNote }: { run?: OpenRun; onNote?: (line: string) => void } = {},
): Promise<RunSummary> {
  const past = await run.history();
  const { data, settings, events } = past;
  const model = await modelStore(store, run);
  const config = await loadConfig(model);
  const tokenizer = await loadTokenizer(model);
  const record = await run.record();
  const precision = record?.precision ?? (await run.newest())?.precision ?? 'f32';
  const step = (await run.model())?.step ?? null;
  const { findings, notes } = await readFindings(store, { step, activation: config.activation });
  for (const note of notes) onNote?.(note);
  return {
    title: record?.title ?? `${baseName(store.location)} on ${data.name}`,
    folder: store.location,
    config,
    parameters: countShapes(config),
    data: { ...data, trainTokens: record?.trainTokens, valTokens: record?.valTokens },
    tokenizer: { vocabSize: tokenizer.vocabSize, split: tokenizer.pattern, id: await idOf(tokenizer) },
    engines: enginesOf(past, record),
    precision,
    start: record?.start,
    teachers: past.teachers?.map(({ path }) => path) ?? [],
    settings,
    events,
    comparisons: await readComparisons(store),
    findings,
    command: trainCommand({
      config,
      settings,
      data,
      precision,
      split: tokenizer.pattern,
      tokenizer: record?.tokenizer,
      start: record?.start,
      teachers: past.teachers?.map(({ path }) => path),
      probeTaps: past.probeTaps,
    }),
  };
}

/** The engines of a run. The first versions recorded only the one on which it began. */
function enginesOf({ engines = [] }: History, record: RunRecord | null): EngineUse[] {
  const engine = record?.engine;
  return engine === undefined || engines[0]?.after === 0 ? [...engines] : [{ engine, after: 0 }, ...engines];
}

/** A short fingerprint that distinguishes tokenizers for people. */
async function idOf(tokenizer: Tokenizer): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(tokenizer));
  return (await sha256(bytes)).slice(0, 8);
}
