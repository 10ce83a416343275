// `history.json`: what happened in a run.
import type { JsonLimits } from '../base/json.ts';
import { array, object, optional, type Schema, string, where } from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import type { EngineUse } from '../train/engines.ts';
import { stepNumber, trainEvent } from '../train/event-schema.ts';
import type { TrainEvent } from '../train/events.ts';
import type { TrainSettings } from '../train/settings.ts';
import { trainSettings } from '../train/settings.ts';
import { type DataRecord, dataRecord } from './data-record.ts';
import { HISTORY_FILE } from './layout.ts';

/** What `history.json` holds. */
export interface History {
  settings: TrainSettings;
  data: DataRecord;
  /** What its probes look at beside the activations; left out: nothing. */
  probeTaps?: readonly string[];
  /** Who computed it; left out by the first versions. */
  engines?: readonly EngineUse[];
  events: TrainEvent[];
}

/** A step is some two hundred bytes, a look inside some ten thousand: a million steps fit. */
export const HISTORY_LIMITS: JsonLimits = { bytes: 500e6, values: 50e6 };

/** Who computed what. */
export const engineUses: Schema<EngineUse[]> = array(
  object<EngineUse>({ engine: string, after: stepNumber }),
);

const historyFile: Schema<History> = where(
  object<History>({
    settings: trainSettings,
    data: dataRecord,
    probeTaps: optional(array(string)),
    engines: optional(engineUses),
    events: array(trainEvent),
  }),
  ({ events, settings }) => disorder('events', events, settings.steps),
);

/** What is wrong with the steps of `events`: none comes after a later one, none is beyond the last. */
export function disorder(name: string, events: readonly TrainEvent[], last: number): string | null {
  for (const [i, { step }] of events.entries()) {
    const before = i > 0 ? events[i - 1].step : 0;
    if (step < before) return `${name}[${i}].step is ${step}, after step ${before}`;
    if (step > last) return `${name}[${i}].step is ${step}, but the run has ${last} steps`;
  }
  return null;
}

/** `history.json` of the run in `store`, which is written when it ends; null where there is none. */
export async function readHistoryFile(store: Store): Promise<History | null> {
  if (!(await store.exists(HISTORY_FILE))) return null;
  return readJsonFile(store, HISTORY_FILE, historyFile, HISTORY_LIMITS);
}

/**
 * After a resume, `last/` may be ahead of `history.json`: by steps, or by what was due after the last step.
 */
export function isFurther({ events: a }: History, { events: b }: History): boolean {
  const [stepA, stepB] = [a, b].map((events) => events.at(-1)?.step ?? 0);
  if (stepA !== stepB) return stepA > stepB;
  const after = (events: readonly TrainEvent[]): number =>
    events.filter(({ type, step }) => step === stepA && type !== 'done' && type !== 'checkpoint').length;
  return after(a) > after(b);
}
