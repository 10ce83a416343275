// The learning rate as a function of the step.

/** How the rate moves after warm-up: stays, falls as half a cosine, or falls as a line, to `minLr` at the last step. */
export type Schedule = 'constant' | 'cosine' | 'linear';

export interface ScheduleOptions {
  schedule: Schedule;
  /** Peak rate. */
  lr: number;
  /** Rate at the end of `cosine` and `linear`. */
  minLr: number;
  /** Steps over which the rate rises from lr / warmup to lr. */
  warmup: number;
  /** Steps of the whole run. */
  steps: number;
}

/** Rate of update number `step` = 1 .. steps. Cosine: Loshchilov & Hutter 2017, without restarts. */
export function learningRate(step: number, { schedule, lr, minLr, warmup, steps }: ScheduleOptions): number {
  if (step <= warmup) return (lr * step) / warmup;
  if (schedule === 'constant') return lr;
  const progress = (step - warmup) / Math.max(1, steps - warmup); // 0 .. 1
  const remaining = schedule === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return minLr + (lr - minLr) * Math.max(0, remaining);
}
