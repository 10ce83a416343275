// What the JSON files of a run hold: history.json and training.json. Their types are in run-folder.ts and checkpoint.ts.
import type { JsonLimits } from '../base/json.ts';
import {
  array,
  boolean,
  integer,
  nullable,
  number,
  object,
  oneOf,
  optional,
  otherwise,
  record as recordOf,
  type Schema,
  string,
  where,
} from '../base/schema.ts';
import type { TapMemory } from '../inspect/probe.ts';
import type { HistogramRange } from '../inspect/summary.ts';
import type { DataRecord, SavedRecord } from './checkpoint.ts';
import { defaultSplit } from './data.ts';
import type { EngineUse } from './engines.ts';
import { stepNumber, trainEvent } from './event-schema.ts';
import type { TrainEvent } from './events.ts';
import type { Resume } from './run.ts';
import type { History } from './run-folder.ts';
import { type SettingSpec, settingFields } from './setting-fields.ts';
import { checkSettings, type TrainSettings, youngerSettings } from './settings.ts';
import type { WarningMemory } from './warnings.ts';

/** A step is some two hundred bytes, a look inside some ten thousand: a million steps fit. */
export const HISTORY_LIMITS: JsonLimits = { bytes: 500e6, values: 50e6 };

/** Each field as its row in `settingFields` has it; then the fields together. */
const settings: Schema<TrainSettings> = (value) => {
  const fields = Object.entries(settingFields).map(([name, spec]) => {
    const young = youngerSettings[name as keyof TrainSettings];
    return [name, young === undefined ? schemaOf(spec) : otherwise(schemaOf(spec), young)];
  });
  return checkSettings(object<TrainSettings>(Object.fromEntries(fields))(value));
};

function schemaOf({ kind, min, max }: SettingSpec): Schema<unknown> {
  if (kind === 'integer') return integer({ min, max });
  if (kind === 'number') return number({ min, max });
  return kind === 'text' ? string : oneOf(...kind);
}

const dataFields: Schema<DataRecord> = object<DataRecord>({
  inputs: array(string),
  asBytes: otherwise(boolean, true), // the first versions looked at no byte
  separator: otherwise(nullable(string), null),
  name: string,
  bytes: integer({ min: 0 }),
  sha256: string,
  origin: optional(object<NonNullable<DataRecord['origin']>>({ cwd: string, run: string })),
  trainFraction: otherwise(number({ above: 0, below: 1 }), defaultSplit.trainFraction),
  validate: otherwise(oneOf('validation', 'inner'), defaultSplit.validate),
});

/** Which text a run learnt from. The first versions knew one input, and called it `spec`. */
export const dataRecord: Schema<DataRecord> = (value) => {
  const { spec, ...fields } = Object(value) as { spec?: unknown };
  return dataFields(spec === undefined ? value : { inputs: [spec], ...fields });
};

const engines: Schema<EngineUse[]> = array(object<EngineUse>({ engine: string, after: stepNumber }));

const bestSoFar = object<NonNullable<Resume['best']>>({ valLoss: number(), step: stepNumber });

/** `best/evaluation.json` */
export const evaluationFile: Schema<NonNullable<Resume['best']>> = bestSoFar;

const count = integer({ min: 0 });

const histogramRange = object<HistogramRange>({ lo: number(), hi: number(), bins: count });

/** What probes and warnings remember. */
const memory = object<NonNullable<Resume['memory']>>({
  probe: array(
    object<TapMemory>({
      name: string,
      ranges: object<TapMemory['ranges']>({
        value: nullable(histogramRange),
        gradient: nullable(histogramRange),
      }),
      units: integer({ min: 0 }),
      window: array(object<TapMemory['window'][number]>({ tokens: count, silent: array(count) })),
    }),
  ),
  warnings: object<WarningMemory>({
    nonFinite: boolean,
    spikes: object<WarningMemory['spikes']>({ recent: array(number()), above: boolean }),
    dead: array(string),
    updates: recordOf(count),
    gradients: recordOf(count),
    overfitting: object<WarningMemory['overfitting']>({
      best: nullable(object({ step: stepNumber, trainLoss: number(), valLoss: number() })),
      since: count,
      warned: boolean,
    }),
  }),
});

/** `history.json` */
export const historyFile: Schema<History> = where(
  object<History>({
    settings,
    data: dataRecord,
    probeTaps: optional(array(string)),
    engines: optional(engines),
    events: array(trainEvent),
  }),
  ({ events, settings }) => disorder('events', events, settings.steps),
);

/** `training.json` */
export const trainingFile: Schema<SavedRecord> = where(
  object<SavedRecord>({
    progress: object<SavedRecord['progress']>({
      step: stepNumber,
      evaluated: optional(boolean),
      settled: boolean,
      best: nullable(bestSoFar),
      nonFinite: optional(count),
      memory: optional(memory),
    }),
    settings,
    data: dataRecord,
    precision: otherwise(oneOf('f32', 'bf16'), 'f32'), // runs of the first version name none
    probeTaps: optional(array(string)),
    engines: otherwise(engines, []),
    history: array(trainEvent),
  }),
  ({ progress, history, settings }) => {
    const { step, best } = progress;
    if (step > settings.steps) return `progress.step is ${step}, settings.steps ${settings.steps}`;
    if (best && best.step > step) return `progress.best.step is ${best.step}, progress.step ${step}`;
    const last = history.at(-1)?.step ?? 0;
    if (last !== step) return `progress.step is ${step}, but history ends at step ${last}`;
    return disorder('history', history, step);
  },
);

/** What is wrong with the steps of `events`: none comes after a later one, none is beyond the last. */
function disorder(name: string, events: readonly TrainEvent[], last: number): string | null {
  for (const [i, { step }] of events.entries()) {
    const before = i > 0 ? events[i - 1].step : 0;
    if (step < before) return `${name}[${i}].step is ${step}, after step ${before}`;
    if (step > last) return `${name}[${i}].step is ${step}, but the run has ${last} steps`;
  }
  return null;
}
