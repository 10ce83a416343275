// Several runs side by side: the result of each, and their differences. For the page, the terminal and
// machines alike.
import { baseName } from '../io/store.ts';
import { type Difference, differencesOf } from './differences.ts';
import {
  bestEval,
  clock,
  engineFact,
  evaluatedStep,
  lastStep,
  medianSpeed,
  tokensPerStep,
  totalSeconds,
} from './facts.ts';
import type { RunSummary } from './summary.ts';

/** The result of one run. */
export interface RunOutcome {
  /** The name of its folder, or the whole path if names are equal. */
  label: string;
  folder: string;
  parameters: number;
  steps: number;
  /**
   * The last evaluated step; null before the first evaluation. What was learnt later is in no loss here.
   */
  evaluated: number | null;
  /** Number of tokens trained on. */
  tokens: number;
  seconds: number;
  tokensPerSecond: number | null;
  /** Null before the first evaluation. */
  best: { step: number; seconds: number; valLoss: number; trainLoss: number; bitsPerByte: number } | null;
}

export interface RunComparison {
  runs: RunOutcome[];
  differences: Difference[];
  /**
   * `nats/token`; or `bits/byte` if the runs have different tokens or texts, whose nats per token cannot be
   * compared.
   */
  measure: 'nats/token' | 'bits/byte';
}

/** Compares two runs or more, in their order. */
export function compareRuns(runs: readonly RunSummary[]): RunComparison {
  const names = runs.map(({ folder }) => baseName(folder));
  const unique = new Set(names).size === names.length;
  const same = new Set(
    runs.map(({ data, tokenizer }) => [data.sha256, data.trainFraction, data.validate, tokenizer.id].join()),
  );
  return {
    runs: runs.map((run, i) => outcome(run, unique ? names[i] : run.folder)),
    differences: differencesOf(runs.map(fields)),
    measure: same.size === 1 ? 'nats/token' : 'bits/byte',
  };
}

/** The loss by which the runs are compared. */
export function measured(
  best: { valLoss: number; bitsPerByte: number },
  measure: RunComparison['measure'],
): number {
  return measure === 'nats/token' ? best.valLoss : best.bitsPerByte;
}

function outcome(run: RunSummary, label: string): RunOutcome {
  const { events, folder, parameters } = run;
  const steps = lastStep(events);
  const best = bestEval(events);
  return {
    label,
    folder,
    parameters,
    steps,
    evaluated: evaluatedStep(events),
    tokens: steps * tokensPerStep(run),
    seconds: totalSeconds(run),
    tokensPerSecond: medianSpeed(events),
    best: best && {
      step: best.step,
      seconds: clock(run).get(best.step) ?? 0,
      valLoss: best.valLoss,
      trainLoss: best.trainLoss,
      bitsPerByte: best.bitsPerByte,
    },
  };
}

/** All choices of a run, by name. */
function fields(run: RunSummary): Record<string, unknown> {
  const { data, tokenizer, config, settings, precision } = run;
  const engine = engineFact(run);
  const { trainFraction, validate } = data;
  return {
    data: data.name,
    sha256: data.sha256.slice(0, 8),
    trainFraction,
    validate,
    tokenizer: tokenizer.id,
    from: run.start,
    teachers: run.teachers.join(' ') || undefined,
    split: tokenizer.split,
    ...config,
    ...settings,
    precision,
    engine,
  };
}
