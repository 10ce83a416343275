// `history.json`: the events of a run.
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
import { type TeacherRecord, teacherRecords } from './teachers.ts';

/** The contents of `history.json`. */
export interface History {
  settings: TrainSettings;
  data: DataRecord;
  /** The models whose predictions it learns. Absent: none. */
  teachers?: readonly TeacherRecord[];
  /** Values that probes measure besides the activations. Absent: none. */
  probeTaps?: readonly string[];
  /** The engines that computed it. Absent in the first versions. */
  engines?: readonly EngineUse[];
  events: TrainEvent[];
}

/** A step takes some two hundred bytes, a probe some ten thousand: a million steps fit. */
export const HISTORY_LIMITS: JsonLimits = { bytes: 500e6, values: 50e6 };

/** The engines and their steps. */
export const engineUses: Schema<EngineUse[]> = array(
  object<EngineUse>({ engine: string, after: stepNumber }),
);

const historyFile: Schema<History> = where(
  object<History>({
    settings: trainSettings,
    data: dataRecord,
    teachers: optional(teacherRecords),
    probeTaps: optional(array(string)),
    engines: optional(engineUses),
    events: array(trainEvent),
  }),
  ({ events, settings }) => disorder('events', events, settings.steps),
);

/** The problem with the steps of `events`, if any: a step that decreases, or is beyond the last. */
export function disorder(name: string, events: readonly TrainEvent[], last: number): string | null {
  for (const [i, { step }] of events.entries()) {
    const before = i > 0 ? events[i - 1].step : 0;
    if (step < before) return `${name}[${i}].step is ${step}, after step ${before}`;
    if (step > last) return `${name}[${i}].step is ${step}, but the run has ${last} steps`;
  }
  return null;
}

/** `history.json` of the run in `store`, which is written when it ends; null if it does not exist. */
export async function readHistoryFile(store: Store): Promise<History | null> {
  if (!(await store.exists(HISTORY_FILE))) return null;
  return readJsonFile(store, HISTORY_FILE, historyFile, HISTORY_LIMITS);
}

/**
 * After a resume, `last/` may be ahead of `history.json`, by steps or by work after the last step: take the
 * longer one.
 */
export function isFurther({ events: a }: History, { events: b }: History): boolean {
  const [stepA, stepB] = [a, b].map((events) => events.at(-1)?.step ?? 0);
  if (stepA !== stepB) return stepA > stepB;
  const after = (events: readonly TrainEvent[]): number =>
    events.filter(({ type, step }) => step === stepA && type !== 'done' && type !== 'checkpoint').length;
  return after(a) > after(b);
}
