// What a history comes to, the same in every report: the best evaluation, the ending, speed and time.
import { splitProbe } from '../inspect/probe.ts';
import type { EvalEvent, ProbeEvent, TrainEvent } from '../train/events.ts';
import { formatBytes, formatCount } from './format.ts';
import type { RunSummary } from './report.ts';

/** The evaluation of the model in `best/`: that with the lowest validation loss, the first of equal ones; null before the first. */
export function bestEval(events: readonly TrainEvent[]): EvalEvent | null {
  return events.filter((event) => event.type === 'eval').findLast(({ best }) => best) ?? null;
}

/** The probes of a run, of their taps only the outputs of the activations, or only what else was looked at (`--probe-taps`). */
export function probesOf(events: readonly TrainEvent[], kind: 'activations' | 'others'): ProbeEvent[] {
  return events.flatMap((event) => {
    if (event.type !== 'probe') return [];
    const taps = splitProbe(event)[kind];
    return taps.length > 0 ? [{ ...event, taps }] : [];
  });
}

/** Optimizer steps done. */
export function lastStep(events: readonly TrainEvent[]): number {
  return events.reduce((last, { step }) => Math.max(last, step), 0);
}

/** `finished after 600 steps`, `was stopped after 250 of 600 steps`, `has done 750 of 5,000 steps so far`. */
export function ending({ events, settings }: Pick<RunSummary, 'events' | 'settings'>): string {
  const done = events.findLast((event) => event.type === 'done');
  const step = formatCount(lastStep(events));
  const part = `${step} of ${formatCount(settings.steps)} steps`;
  if (!done) return `has done ${part} so far`;
  const how = {
    finished: `finished after ${step} steps`,
    aborted: `was stopped after ${part}`,
    'non-finite': `met a number that is not finite after ${part}`,
  };
  return how[done.reason];
}

/** Median over the steps, tokens per second; null without steps. */
export function medianSpeed(events: readonly TrainEvent[]): number | null {
  const rates = events.flatMap((event) => (event.type === 'step' ? [event.tokensPerSecond] : []));
  return rates.length > 0 ? rates.toSorted((a, b) => a - b)[rates.length >> 1] : null;
}

/** Tokens that an optimizer step learns from. */
export function tokensPerStep({ settings, config }: Pick<RunSummary, 'settings' | 'config'>): number {
  return settings.batchSize * settings.accumulate * config.blockSize;
}

/**
 * Seconds of training at the end of each step, by step: those of the steps and evaluations before it. What a history of several
 * processes has in common; samples and checkpoints are not in it.
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

/** Seconds of the whole run: those of its clock, or of its last process where that took longer (samples, checkpoints). */
export function totalSeconds(run: Pick<RunSummary, 'settings' | 'config' | 'events'>): number {
  const done = run.events.findLast((event) => event.type === 'done');
  return Math.max(done?.seconds ?? 0, ...clock(run).values());
}

/** Data, tokenizer, size and engine: label and value. */
export function setupFacts({
  data,
  tokenizer,
  parameters,
  engine,
  precision,
}: RunSummary): [string, string][] {
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
    ...(engine === undefined ? [] : [['engine', engine] as [string, string]]),
    ['precision', precision],
  ];
}
