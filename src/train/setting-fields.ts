// How a run is trained, as one flat record that is saved with it; and what each field may hold and what it is for, from which
// the command line makes its flags and their help. Read next: settings.ts.
import type { OptimizerOptions } from './optimizers.ts';
import type { ScheduleOptions } from './schedules.ts';

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
  /** Steps between evaluations; the first is before step 1, the last after the last step. 0: none, and no best model. */
  evalEvery: number;
  /**
   * `whole`: all of the validation part and as many tokens of the training part. `sampled`: random batches of both. `auto`: whole
   * where that is cheap, else as many random batches as cost at most a fifth of the training time; see `evaluationMethod`.
   */
  evalMethod: 'whole' | 'sampled' | 'auto';
  /** Batches per split of a `sampled` evaluation; the seed takes 200. */
  evalBatches: number;
  /** Steps between checkpoints; 0: only after each evaluation, at the end and at an interruption. */
  checkpointEvery: number;
  /** Steps between looks at the ReLUs; 0: none. */
  probeEvery: number;
  /** Steps between samples; 0: none. */
  sampleEvery: number;
  /** Tokens per sample, and the text that it continues. */
  sampleTokens: number;
  samplePrompt: string;
}

/** What a setting may hold, and what it is for. */
export interface SettingSpec {
  kind: 'integer' | 'number' | 'text' | readonly string[];
  /** Smallest and largest value of a number. */
  min?: number;
  max?: number;
  about: string;
}

type Specs = Readonly<Partial<Record<keyof TrainSettings, SettingSpec>>>;

const batches = {
  steps: { kind: 'integer', min: 1, about: 'optimizer steps' },
  batchSize: { kind: 'integer', min: 1, about: 'sequences per batch' },
  accumulate: { kind: 'integer', min: 1, about: 'batches per optimizer step' },
  microBatch: { kind: 'integer', min: 1, about: 'sequences in memory at a time' },
  seed: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER, about: 'weights, batches, masks, samples' },
} satisfies Specs;

const optimizer = {
  optimizer: {
    kind: ['adamw', 'sgd', 'muon'],
    about: 'update rule; muon: for matrices in blocks, else AdamW',
  },
  lr: { kind: 'number', min: 0, about: 'peak learning rate' },
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
  emaDecay: {
    kind: 'number',
    min: 0,
    max: 0.999999,
    about: 'decay of a moving average of the weights, 0: none',
  },
} satisfies Specs;

const schedule = {
  schedule: { kind: ['constant', 'cosine', 'linear', 'wsd'], about: 'learning rate after warm-up' },
  warmup: { kind: 'integer', min: 0, about: 'steps of linear warm-up' },
  minLr: { kind: 'number', min: 0, about: 'learning rate at the end of cosine, linear and wsd' },
  decayFraction: {
    kind: 'number',
    min: 0,
    max: 1,
    about: 'wsd: share of the run over which the rate decays',
  },
} satisfies Specs;

const regularisation = {
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
} satisfies Specs;

const watching = {
  evalEvery: { kind: 'integer', min: 0, about: 'steps between evaluations, 0: none' },
  evalMethod: {
    kind: ['whole', 'sampled', 'auto'],
    about: 'evaluate on everything, on random batches, or on as many as cost a fifth of the training',
  },
  evalBatches: { kind: 'integer', min: 1, about: 'batches per split of a sampled evaluation' },
  checkpointEvery: { kind: 'integer', min: 0, about: 'steps between extra checkpoints, 0: none' },
  probeEvery: { kind: 'integer', min: 0, about: 'steps between looks at the ReLUs, 0: none' },
  sampleEvery: { kind: 'integer', min: 0, about: 'steps between samples, 0: none' },
  sampleTokens: { kind: 'integer', min: 1, about: 'tokens per sample' },
  samplePrompt: { kind: 'text', about: 'what samples continue' },
} satisfies Specs;

/** The settings in groups, as the help shows them. */
export const settingGroups: Readonly<Record<string, Specs>> = {
  'Steps and batches': batches,
  Optimizer: optimizer,
  Schedule: schedule,
  'Regularisation, beside dropout and weight decay': regularisation,
  'Evaluations, checkpoints, samples': watching,
};

/** All of them. */
export const settingFields: Readonly<Record<keyof TrainSettings, SettingSpec>> = {
  ...batches,
  ...optimizer,
  ...schedule,
  ...regularisation,
  ...watching,
};

/** Throws one line with the value and the limit when `value` is nothing that the setting may hold. */
export function checkSetting(name: keyof TrainSettings, value: unknown): void {
  const { kind, min = -Infinity, max = Infinity } = settingFields[name];
  if (value === undefined) throw new Error(`setting ${name} is missing`);
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
