// What changes as a run goes on: the learning rate, and the dropout.

/**
 * How the rate moves after warm-up: stays; falls as half a cosine, or as a line, to `minLr` at the last step;
 * or stays, and falls as a line over the last `decayFraction` of the run (`wsd`: warm-up, stable, decay).
 */
export type Schedule = 'constant' | 'cosine' | 'linear' | 'wsd';

export interface ScheduleOptions {
  schedule: Schedule;
  /** Peak learning rate; that of `muon`'s matrices is `muonLr`. */
  lr: number;
  /** Rate that `lr` falls to by `cosine`, `linear` and `wsd`; all other rates fall by the same share. */
  minLr: number;
  /** Steps over which rates rise from peak / warmup to the peak. */
  warmup: number;
  /** Share of the run over which `wsd` decays. */
  decayFraction: number;
  /** Steps of the whole run. */
  steps: number;
}

/** Share of its peak, in [0, 1], that every learning rate has at update number `step` = 1 .. steps. */
export function rateShare(step: number, options: ScheduleOptions): number {
  return rateAt(1, step, options);
}

/**
 * The learning rate of what has that peak, at update number `step` = 1 .. steps. Cosine: Loshchilov & Hutter
 * 2017, without restarts. Warm-up, stable, decay: Hu et al. 2024 (MiniCPM), with the straight decay of Hägele
 * et al. 2024.
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

/** Steps over which `wsd` decays. */
export function decaySteps({
  decayFraction,
  steps,
}: Pick<ScheduleOptions, 'decayFraction' | 'steps'>): number {
  return Math.round(decayFraction * steps);
}

/** Dropout of step 1 .. steps: it rises from step to step by equal parts of `dropoutRise`. */
export function dropoutAt(
  step: number,
  dropout: number,
  { dropoutRise, steps }: { dropoutRise: number; steps: number },
): number {
  return dropout + (dropoutRise * step) / steps;
}
