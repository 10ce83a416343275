// Facts derived from a history, the same in every report: the best evaluation, the ending, speed and time.
import { formatAmount, formatBytes, formatCount } from '../base/format.ts';
import { median } from '../base/statistics.ts';
import { splitProbe } from '../inspect/probe.ts';
import { sameArithmetic } from '../train/engines.ts';
import type { EvalEvent, ProbeEvent, TrainEvent } from '../train/events.ts';
import type { RunSummary } from './summary.ts';

/**
 * The evaluation of the model in `best/`: the first with the lowest validation loss; null before the first
 * evaluation.
 */
export function bestEval(events: readonly TrainEvent[]): EvalEvent | null {
  return events.filter((event) => event.type === 'eval').findLast(({ best }) => best) ?? null;
}

/**
 * The probes of a run, reduced to the outputs of the activations, or to the other probed values
 * (`--probe-taps`).
 */
export function probesOf(events: readonly TrainEvent[], kind: 'activations' | 'others'): ProbeEvent[] {
  return events.flatMap((event) => {
    if (event.type !== 'probe') return [];
    const taps = splitProbe(event)[kind];
    return taps.length > 0 ? [{ ...event, taps }] : [];
  });
}

/** Number of optimizer steps done. */
export function lastStep(events: readonly TrainEvent[]): number {
  return events.reduce((last, { step }) => Math.max(last, step), 0);
}

/** The last evaluated step; null before the first evaluation. */
export function evaluatedStep(events: readonly TrainEvent[]): number | null {
  return events.findLast(({ type }) => type === 'eval')?.step ?? null;
}

/** A sentence about training that no evaluation covers; empty if all is covered. */
export function unevaluated(events: readonly TrainEvent[]): string {
  const [seen, step] = [evaluatedStep(events), lastStep(events)];
  if (seen === null || seen >= step) return '';
  const when = seen === 0 ? 'since it began' : `after step ${formatCount(seen)}`;
  return `What it learnt ${when} is not evaluated yet: \`inkhorn train --resume\` goes on.`;
}

/**
 * `native (AVX-512, 2 threads)`; several engines, each with its steps, if several computed the run; undefined
 * if it is not recorded.
 */
export function engineFact({ engines, events }: Pick<RunSummary, 'engines' | 'events'>): string | undefined {
  if (engines.length === 0) return undefined;
  if (engines.length === 1 && engines[0].after === 0) return engines[0].engine;
  const last = lastStep(events);
  const parts = engines.map(({ engine, after }, i) => {
    const end = engines[i + 1]?.after ?? last;
    if (end <= after) return `${engine} for what was due after step ${formatCount(after)}`;
    const steps =
      end === after + 1
        ? `step ${formatCount(end)}`
        : `steps ${formatCount(after + 1)} to ${formatCount(end)}`;
    return `${engine} for ${steps}`;
  });
  return parts.join(', ');
}

/** What to expect of the command that repeats the run. */
export function againNote({ engines }: Pick<RunSummary, 'engines'>): string {
  const alike = engines.every(({ engine }) => sameArithmetic(engine, engines[0].engine));
  if (alike) return 'The same weights, bit for bit, on the same engine.';
  return 'The run was computed by engines that round differently: one alone comes close, but not to the same bits.';
}

/** `finished after 600 steps`, `was stopped after 250 of 600 steps`, `has done 750 of 5,000 steps so far`. */
export function ending({ events, settings }: Pick<RunSummary, 'events' | 'settings'>): string {
  const done = events.findLast((event) => event.type === 'done');
  const step = lastStep(events);
  const part = `${formatCount(step)} of ${formatAmount(settings.steps, 'step')}`;
  if (!done) return `has done ${part} so far`;
  const how = {
    finished: `finished after ${formatAmount(step, 'step')}`,
    aborted: `was stopped after ${part}${done.step === settings.steps ? ', with the last evaluation or sample still due' : ''}`,
    'non-finite': `met a number that is not finite after ${part}`,
  };
  return how[done.reason];
}

/** Median over the steps, tokens per second; null without steps. */
export function medianSpeed(events: readonly TrainEvent[]): number | null {
  const rates = events.flatMap((event) => (event.type === 'step' ? [event.tokensPerSecond] : []));
  return rates.length > 0 ? median(rates) : null;
}

/** Number of tokens in an optimizer step. */
export function tokensPerStep({ settings, config }: Pick<RunSummary, 'settings' | 'config'>): number {
  return settings.batchSize * settings.accumulate * config.blockSize;
}

/**
 * Seconds of training up to the end of each step, by step: the steps and evaluations before it. Defined the
 * same way for runs of several processes; without samples and checkpoints.
 */
export function clock(run: Pick<RunSummary, 'settings' | 'config' | 'events'>): Map<number, number> {
  const tokens = tokensPerStep(run);
  const times = new Map<number, number>([[0, 0]]);
  let seconds = 0;
  for (const event of run.events) {
    if (event.type === 'step') seconds += tokens / event.tokensPerSecond;
    else if (event.type === 'eval') seconds += event.seconds;
    else continue;
    if (event.type === 'step') times.set(event.step, seconds);
  }
  return times;
}

/**
 * Seconds of the whole run: by its clock, or by that of its last process if that is longer (samples,
 * checkpoints).
 */
export function totalSeconds(run: Pick<RunSummary, 'settings' | 'config' | 'events'>): number {
  const done = run.events.findLast((event) => event.type === 'done');
  return Math.max(done?.seconds ?? 0, ...clock(run).values());
}

/** Data, tokenizer, size and engines: label and value. */
export function setupFacts(run: RunSummary): [string, string][] {
  const { data, tokenizer, parameters, precision, teachers } = run;
  const engine = engineFact(run);
  const { trainTokens, valTokens } = data;
  const tokens = trainTokens !== undefined && valTokens !== undefined ? [trainTokens, valTokens] : null;
  const ratio = tokens ? `, ${(data.bytes / (tokens[0] + tokens[1])).toFixed(2)} bytes per token` : '';
  return [
    ['data', `${data.name}, ${formatBytes(data.bytes)}`],
    ...(tokens
      ? [
          ['tokens', `${formatCount(tokens[0])} for training, ${formatCount(tokens[1])} for validation`] as [
            string,
            string,
          ],
        ]
      : []),
    [
      'tokenizer',
      `byte-level BPE, ${formatCount(tokenizer.vocabSize)} tokens, split ${tokenizer.split}${ratio}`,
    ],
    ['parameters', formatCount(parameters)],
    ...(teachers.length === 0 ? [] : [['teachers', teachers.join(', ')] as [string, string]]),
    ...(engine === undefined ? [] : [['engine', engine] as [string, string]]),
    ['precision', precision],
  ];
}

/**
 * What a model forgot that went on from another one: the loss on the text that it knew, before the run and at
 * the best evaluation, in nats per token. Null where it was not measured.
 */
export function forgotten(events: readonly TrainEvent[]): { before: number; after: number } | null {
  const first = events.find((event) => event.type === 'eval');
  const before = first?.oldLoss;
  const after = bestEval(events)?.oldLoss;
  return before === undefined || after === undefined || first?.step !== 0 ? null : { before, after };
}
