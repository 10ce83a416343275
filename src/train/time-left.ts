// The time that a run still takes: the work still due, times the measured time per piece. Read next: run.ts.
import { evaluationTokens } from './evaluate-run.ts';
import { type Clock, type Measured, type Run, type Standing, sampleDue } from './run.ts';

/** Adds the time of one piece of work. */
export function noteTime({ clock }: Pick<Run, 'clock'>, what: keyof Clock, seconds: number): void {
  clock[what].count++;
  clock[what].seconds += seconds;
}

/** The work not done yet, at the present step and after it. */
export function stillDue(standing: Standing): Record<keyof Clock, number> {
  const { settings, progress } = standing;
  const { steps, evalEvery, sampleEvery } = settings;
  const { step, evaluated, settled } = progress;
  const later = (every: number): number =>
    every > 0 && step < steps ? Math.ceil(steps / every) - Math.floor(step / every) : 0;
  return {
    steps: Math.max(0, steps - step),
    evaluations: Number(!evaluated) + later(evalEvery),
    samples: Number(!settled && sampleDue(standing)) + later(sampleEvery),
  };
}

/**
 * Seconds left if steps, evaluations and samples continue to take what they took on average. An evaluation or
 * sample that this process has not made yet counts as forward passes over its tokens, each a third of the
 * cost of a token in a step.
 */
export function timeLeft(run: Run): number {
  const { clock, options, settings } = run;
  const { model, data } = options;
  const { blockSize: T } = model.config;
  const { sampleTokens, batchSize, accumulate } = settings;
  const left = stillDue(run);
  const mean = ({ count, seconds }: Measured, otherwise = 0): number =>
    count > 0 ? seconds / count : otherwise;
  const step = mean(clock.steps);
  const forward = step / (3 * batchSize * accumulate * T); // of one token
  const evaluation = evaluationTokens(settings, data, T).reduce((a, b) => a + b);
  // Beyond the context, each token reads the whole context again.
  const sample = sampleTokens + Math.max(0, sampleTokens - T) * (T - 1);
  return (
    left.steps * step +
    left.evaluations * mean(clock.evaluations, evaluation * forward) +
    left.samples * mean(clock.samples, sample * forward)
  );
}
