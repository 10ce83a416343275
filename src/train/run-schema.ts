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
  type Schema,
  string,
  where,
} from '../base/schema.ts';
import type { DataRecord, SavedRecord } from './checkpoint.ts';
import { defaultSplit } from './data.ts';
import { stepNumber, trainEvent } from './event-schema.ts';
import type { TrainEvent } from './events.ts';
import type { History } from './run-folder.ts';
import { type SettingSpec, settingFields } from './setting-fields.ts';
import { checkSettings, type TrainSettings, youngerSettings } from './settings.ts';

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
  trainFraction: otherwise(number({ above: 0, below: 1 }), defaultSplit.trainFraction),
  validate: otherwise(oneOf('validation', 'inner'), defaultSplit.validate),
});

/** Which text a run learnt from. The first versions knew one input, and called it `spec`. */
export const dataRecord: Schema<DataRecord> = (value) => {
  const { spec, ...fields } = Object(value) as { spec?: unknown };
  return dataFields(spec === undefined ? value : { inputs: [spec], ...fields });
};

/** `history.json` */
export const historyFile: Schema<History> = where(
  object<History>({
    settings,
    data: dataRecord,
    probeTaps: optional(array(string)),
    events: array(trainEvent),
  }),
  ({ events, settings }) => disorder('events', events, settings.steps),
);

/** `training.json` */
export const trainingFile: Schema<SavedRecord> = where(
  object<SavedRecord>({
    progress: object<SavedRecord['progress']>({
      step: stepNumber,
      settled: boolean,
      best: nullable(object({ valLoss: number(), step: stepNumber })),
    }),
    settings,
    data: dataRecord,
    precision: otherwise(oneOf('f32', 'bf16'), 'f32'), // runs of the first version name none
    probeTaps: optional(array(string)),
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
