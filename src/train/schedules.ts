// What changes during a run: the learning rate, and dropout.

/**
 * The learning rate after warm-up. `constant`: stays. `cosine`, `linear`: falls as half a cosine, or
 * linearly, to `minLr` at the last step. `wsd` (warm-up, stable, decay): stays, then falls linearly over the
 * last `decayFraction` of the run.
 */
export type Schedule = 'constant' | 'cosine' | 'linear' | 'wsd';

export interface ScheduleOptions {
  schedule: Schedule;
  /** Peak learning rate. That of the matrices of `muon` is `muonLr`. */
  lr: number;
  /**
   * The final learning rate of `cosine`, `linear` and `wsd`. All other learning rates fall by the same share.
   */
  minLr: number;
  /** Steps over which learning rates rise from peak / warmup to the peak. */
  warmup: number;
  /** Share of the run during which `wsd` decays. */
  decayFraction: number;
  /** Steps of the whole run. */
  steps: number;
}

/** The share of its peak, in [0, 1], that every learning rate has at update number `step` = 1 .. steps. */
export function rateShare(step: number, options: ScheduleOptions): number {
  return rateAt(1, step, options);
}

/**
 * The learning rate at update number `step` = 1 .. steps, for this peak. Cosine: Loshchilov & Hutter 2017,
 * without restarts. Warm-up, stable, decay: Hu et al. 2024 (MiniCPM), with the linear decay of Hägele et al.
 * 2024.
 */
export function rateAt(peak: number, step: number, options: ScheduleOptions): number {
  const { schedule, lr, minLr, warmup, steps } = options;
  if (step <= warmup) return (peak * step) / warmup;
  if (schedule === 'constant') return peak;
  const begin = schedule === 'wsd' ? steps - decaySteps(options) : warmup;
  const progress = Math.max(0, (step - begin) / Math.max(1, steps - begin)); // 0 .. 1
  const remaining = schedule === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  const least = minLr > 0 ? (peak * minLr) / lr : 0;
  return least + (peak - least) * Math.max(0, remaining);
}

/** Number of steps during which `wsd` decays. */
export function decaySteps({
  decayFraction,
  steps,
}: Pick<ScheduleOptions, 'decayFraction' | 'steps'>): number {
  return Math.round(decayFraction * steps);
}

/** Dropout at step 1 .. steps: it rises linearly by `dropoutRise` over the run. */
export function dropoutAt(
  step: number,
  dropout: number,
  { dropoutRise, steps }: { dropoutRise: number; steps: number },
): number {
  return dropout + (dropoutRise * step) / steps;
}
