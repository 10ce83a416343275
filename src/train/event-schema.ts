// The schema of events in JSON files. A measurement may be null there: JSON has no NaN, which a diverged run
// produces.
import {
  array,
  boolean,
  integer,
  measured,
  nullable,
  number,
  object,
  oneOf,
  optional,
  otherwise,
  type Schema,
  string,
  union,
  where,
} from '../base/schema.ts';
import type {
  CheckpointEvent,
  DoneEvent,
  EvalEvent,
  GroupSummary,
  ProbeEvent,
  SampleEvent,
  StepEvent,
  Summary,
  TapSummary,
  TrainEvent,
  WarningEvent,
} from './events.ts';

/** Number of optimizer steps done. */
export const stepNumber: Schema<number> = integer({ min: 0 });
const count = integer({ min: 0 });
const amount = number({ min: 0 });
const share = number({ min: 0, max: 1 });

const step = object<StepEvent>({
  type: oneOf('step'),
  step: integer({ min: 1 }),
  loss: measured,
  lr: amount,
  gradNorm: measured,
  tokensPerSecond: number({ above: 0 }),
  eta: amount,
});

const evaluation = where(
  object<EvalEvent>({
    type: oneOf('eval'),
    step: stepNumber,
    trainLoss: measured,
    valLoss: measured,
    bitsPerByte: measured,
    perplexity: measured,
    oldLoss: optional(measured),
    method: oneOf('whole', 'sampled'),
    weights: otherwise(oneOf('trained', 'average'), 'trained'),
    best: boolean,
    seconds: amount,
  }),
  ({ best, valLoss, bitsPerByte }) =>
    best && !Number.isFinite(valLoss + bitsPerByte)
      ? 'best is true, but valLoss or bitsPerByte is null'
      : null,
);

/** Without finite values there is no histogram, as in a probe without bins. */
const histogram: Schema<Summary['histogram']> = (value) => {
  const found = object<Summary['histogram']>({ lo: measured, hi: measured, counts: array(count) })(value);
  return Number.isFinite(found.hi - found.lo) ? found : { lo: 0, hi: 0, counts: [] };
};

/** Mean, standard deviation and histogram of a set of values. */
export const summary: Schema<Summary> = object<Summary>({
  count,
  mean: measured,
  std: measured,
  min: measured,
  max: measured,
  histogram,
});

const units = {
  name: string,
  zeroFraction: share,
  deadUnits: array(count),
  units: count,
  windowTokens: count,
};

/** The fields of a tapped value beside its distribution. */
export type TapFacts = Omit<TapSummary, 'value' | 'gradient' | 'activity'>;

const fewerThanUnits = ({ deadUnits, units }: TapFacts): string | null =>
  deadUnits.length > units ? `deadUnits has ${deadUnits.length} entries, units is ${units}` : null;

/** A tapped value without its distributions. */
export const tapFacts: Schema<TapFacts> = where(object<TapFacts>(units), fewerThanUnits);

/** One tapped value. */
export const tapSummary: Schema<TapSummary> = where(
  object<TapSummary>({
    ...units,
    value: summary,
    gradient: nullable(summary),
    activity: optional(array(share)),
  }),
  fewerThanUnits,
);

const group = object<GroupSummary>({
  name: string,
  parameters: count,
  weightNorm: measured,
  gradNorm: measured,
  updateRatio: nullable(number()),
});

const probe = object<ProbeEvent>({
  type: oneOf('probe'),
  step: stepNumber,
  taps: array(tapSummary, { min: 1 }),
  groups: optional(array(group)),
});

const sample = object<SampleEvent>({ type: oneOf('sample'), step: stepNumber, prompt: string, text: string });

const checkpoint = object<CheckpointEvent>({
  type: oneOf('checkpoint'),
  step: stepNumber,
  kind: oneOf('best', 'last'),
  path: string,
});

const warning = object<WarningEvent>({
  type: oneOf('warning'),
  step: stepNumber,
  kind: oneOf('non-finite', 'loss-spike', 'dead-units', 'large-updates', 'vanishing-gradient', 'overfitting'),
  message: string,
});

const done = object<DoneEvent>({
  type: oneOf('done'),
  step: stepNumber,
  reason: oneOf('finished', 'aborted', 'non-finite'),
  seconds: amount,
});

/** Any event of a run. */
export const trainEvent: Schema<TrainEvent> = union<TrainEvent, 'type'>('type', {
  step,
  eval: evaluation,
  probe,
  sample,
  checkpoint,
  warning,
  done,
});
