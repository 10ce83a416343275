// How a run is trained, as one flat record that is saved with it; defaults; and the checks.
import type { OptimizerOptions } from './optimizers.ts';
import { decaySteps, type ScheduleOptions } from './schedules.ts';

/** Every choice of a run beside the model and the data. `training.json` holds exactly these fields. */
export interface TrainSettings extends OptimizerOptions, ScheduleOptions {
  /** Sequences per batch. */
  batchSize: number;
  /** Batches per optimizer step: gradients are averaged over batchSize * accumulate sequences. */
  accumulate: number;
  /** Sequences that pass through the model at a time: bounds the memory; the result does not depend on it, up to rounding. */
  microBatch: number;
  /** Largest L2 norm of the gradient; larger ones are scaled down (Pascanu et al. 2013). 0: no clipping. */
  clip: number;
  /** Added to the model's dropout by the last step, in equal parts from step to step. 0: it stays as it is. */
  dropoutRise: number;
  /** Share of each target that is spread over all tokens (Szegedy et al. 2016), in training only: evaluations go without. */
  labelSmoothing: number;
  /** Probability of leaving a merge out of the training text, drawn anew every epoch (Provilkov et al. 2020). 0: none. */
  bpeDropout: number;
  /** Decay of a moving average of the weights, which is evaluated and saved in their place (average.ts). 0: no average. */
  emaDecay: number;
  /** Decides batches, dropout masks and samples. */
  seed: number;
  /** Steps between evaluations; the first is before step 1, the last after the last step. */
  evalEvery: number;
  /** `whole`: all of the validation part and as many tokens of the training part. `sampled`: random batches of both. */
  evalMethod: 'whole' | 'sampled';
  /** Batches per split of a `sampled` evaluation; the seed takes 200. */
  evalBatches: number;
  /** Steps between checkpoints besides those after each evaluation; 0: none. */
  checkpointEvery: number;
  /** Steps between looks at the ReLUs; 0: none. */
  probeEvery: number;
  /** Steps between samples; 0: none. */
  sampleEvery: number;
  /** Tokens per sample, and the text that it continues. */
  sampleTokens: number;
  samplePrompt: string;
}

/** The seed's recipe. */
export const seedSettings: TrainSettings = {
  steps: 5000,
  batchSize: 64,
  accumulate: 1,
  microBatch: 8,
  optimizer: 'adamw',
  lr: 3e-4,
  minLr: 0,
  schedule: 'constant',
  warmup: 0,
  decayFraction: 0.2,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  momentum: 0.9,
  muonLr: 0.02,
  muonMomentum: 0.95,
  weightDecay: 0.01,
  decay: 'all',
  layerDecay: 1,
  embedRate: 1,
  headRate: 1,
  clip: 0,
  dropoutRise: 0,
  labelSmoothing: 0,
  bpeDropout: 0,
  emaDecay: 0,
  seed: 1337,
  evalEvery: 500,
  evalMethod: 'whole',
  evalBatches: 200,
  checkpointEvery: 0,
  probeEvery: 100,
  sampleEvery: 500,
  sampleTokens: 100,
  samplePrompt: '',
};

/** What suits small models that start from small weights: a high rate, warmed up, that falls to nothing. */
const modern: TrainSettings = {
  ...seedSettings,
  steps: 1200,
  batchSize: 16,
  lr: 2e-3,
  schedule: 'cosine',
  warmup: 50,
  beta2: 0.99,
  weightDecay: 0.1,
  decay: 'matrices',
  clip: 1,
  evalEvery: 200,
};

/** The recipe that goes with each preset of the model. */
export const recipes: Readonly<Record<'tiny' | 'seed' | 'shakespeare', TrainSettings>> = {
  tiny: { ...modern, steps: 600, lr: 3e-3, warmup: 30, evalEvery: 100, probeEvery: 50, sampleEvery: 100 },
  seed: seedSettings,
  shakespeare: modern,
};

/** What a setting may hold, and what it is for: the command line makes its flags from this. */
export interface SettingSpec {
  kind: 'integer' | 'number' | 'text' | readonly string[];
  /** Smallest and largest value of a number. */
  min?: number;
  max?: number;
  about: string;
}

export const settingFields: Readonly<Record<keyof TrainSettings, SettingSpec>> = {
  steps: { kind: 'integer', min: 1, about: 'optimizer steps' },
  batchSize: { kind: 'integer', min: 1, about: 'sequences per batch' },
  accumulate: { kind: 'integer', min: 1, about: 'batches per optimizer step' },
  microBatch: { kind: 'integer', min: 1, about: 'sequences in memory at a time' },
  optimizer: {
    kind: ['adamw', 'sgd', 'muon'],
    about: 'update rule; muon: for matrices in blocks, else AdamW',
  },
  lr: { kind: 'number', min: 0, about: 'peak learning rate' },
  minLr: { kind: 'number', min: 0, about: 'learning rate at the end of cosine, linear and wsd' },
  schedule: { kind: ['constant', 'cosine', 'linear', 'wsd'], about: 'learning rate after warm-up' },
  warmup: { kind: 'integer', min: 0, about: 'steps of linear warm-up' },
  decayFraction: {
    kind: 'number',
    min: 0,
    max: 1,
    about: 'wsd: share of the run over which the rate decays',
  },
  beta1: { kind: 'number', min: 0, max: 0.999999, about: 'AdamW: decay of the mean of gradients' },
  beta2: { kind: 'number', min: 0, max: 0.999999, about: 'AdamW: decay of the mean of squared gradients' },
  eps: { kind: 'number', min: 1e-30, about: 'AdamW: added to the denominator' },
  momentum: { kind: 'number', min: 0, max: 0.999999, about: 'SGD: momentum' },
  muonLr: { kind: 'number', min: 0, about: 'Muon: peak learning rate of the matrices' },
  muonMomentum: { kind: 'number', min: 0, max: 0.999999, about: 'Muon: momentum' },
  weightDecay: { kind: 'number', min: 0, about: 'decoupled (AdamW, Muon) or L2 (SGD) weight decay' },
  decay: { kind: ['all', 'matrices'], about: 'which parameters decay' },
  layerDecay: { kind: 'number', min: 1e-3, max: 1, about: 'rate of a layer over that of the layer above' },
  embedRate: { kind: 'number', min: 0, about: 'multiplies the rate of the embeddings' },
  headRate: { kind: 'number', min: 0, about: 'multiplies the rate of the head' },
  clip: { kind: 'number', min: 0, about: 'largest gradient norm, 0: no clipping' },
  dropoutRise: { kind: 'number', min: -1, max: 1, about: 'what dropout has risen by at the last step' },
  labelSmoothing: {
    kind: 'number',
    min: 0,
    max: 1,
    about: 'share of each target that is spread over all tokens',
  },
  bpeDropout: {
    kind: 'number',
    min: 0,
    max: 1,
    about: 'merges left out of the training text, drawn anew every epoch',
  },
  emaDecay: {
    kind: 'number',
    min: 0,
    max: 0.999999,
    about: 'decay of a moving average of the weights, 0: none',
  },
  seed: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER, about: 'weights, batches, masks, samples' },
  evalEvery: { kind: 'integer', min: 1, about: 'steps between evaluations' },
  evalMethod: { kind: ['whole', 'sampled'], about: 'evaluate on everything, or on random batches' },
  evalBatches: { kind: 'integer', min: 1, about: 'batches per split of a sampled evaluation' },
  checkpointEvery: { kind: 'integer', min: 0, about: 'steps between extra checkpoints, 0: none' },
  probeEvery: { kind: 'integer', min: 0, about: 'steps between looks at the ReLUs, 0: none' },
  sampleEvery: { kind: 'integer', min: 0, about: 'steps between samples, 0: none' },
  sampleTokens: { kind: 'integer', min: 1, about: 'tokens per sample' },
  samplePrompt: { kind: 'text', about: 'what samples continue' },
};

/** Throws one clear line when `settings` is not a complete, possible TrainSettings; returns it otherwise. */
export function checkSettings(settings: unknown): TrainSettings {
  const record = settings as Record<string, unknown>;
  const unknown = Object.keys(record).find((key) => !(key in settingFields));
  if (unknown)
    throw new Error(`unknown setting '${unknown}': known are ${Object.keys(settingFields).join(', ')}`);
  for (const [name, spec] of Object.entries(settingFields)) checkSetting(name, spec, record[name]);
  const { warmup, steps, batchSize, accumulate, optimizer, lr, schedule, decayFraction } =
    settings as TrainSettings;
  if (warmup > steps) throw new Error(`warmup ${warmup} is longer than the run: steps is ${steps}`);
  if (schedule === 'wsd' && warmup + decaySteps(settings as TrainSettings) > steps) {
    throw new Error(
      `warmup ${warmup} and the decay of ${decaySteps(settings as TrainSettings)} steps (decayFraction ${decayFraction}) are longer than the run: steps is ${steps}`,
    );
  }
  if (optimizer === 'muon' && lr === 0) {
    throw new Error('lr 0 with muon: the schedule moves muonLr in proportion to lr, which must be above 0');
  }
  if (batchSize * accumulate > MAX_SEQUENCES) {
    throw new Error(
      `batchSize ${batchSize} x accumulate ${accumulate} is more than ${MAX_SEQUENCES} sequences per step`,
    );
  }
  return settings as TrainSettings;
}

/** Throws when dropout would leave [0, 1) on its way. */
export function checkDropout(
  { dropoutRise }: Pick<TrainSettings, 'dropoutRise'>,
  { dropout }: { dropout: number },
): void {
  const end = dropout + dropoutRise;
  if (end >= 0 && end < 1) return;
  throw new Error(
    `dropoutRise ${dropoutRise} takes dropout from ${dropout} to ${end}, which is not in [0, 1): dropoutRise from ${-dropout} up to, not including, ${1 - dropout}`,
  );
}

/** Sequences per optimizer step at most: the ids of all of them are in memory. */
const MAX_SEQUENCES = 2 ** 16;

function checkSetting(
  name: string,
  { kind, min = -Infinity, max = Infinity }: SettingSpec,
  value: unknown,
): void {
  const shown = JSON.stringify(value);
  if (Array.isArray(kind)) {
    if (!kind.includes(value)) throw new Error(`${name} ${shown} is not one of ${kind.join(', ')}`);
  } else if (kind === 'text') {
    if (typeof value !== 'string') throw new Error(`${name} ${shown} is not a text`);
  } else {
    const fits = typeof value === 'number' && value >= min && value <= max && Number.isFinite(value);
    if (!fits || (kind === 'integer' && !Number.isInteger(value))) {
      const range = max === Infinity ? `>= ${min}` : `from ${min} to ${max}`;
      throw new Error(
        `${name} ${shown} is not ${kind === 'integer' ? 'a whole number' : 'a number'} ${range}`,
      );
    }
  }
}
