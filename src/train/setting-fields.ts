// The settings of a training, as one flat record that is saved with the run, and a table with the range, the
// default and the purpose of each. The command line makes its flags and their help from the table. Read next:
// settings.ts.
import { choice, flag, integer, number, type Table, text } from '../base/fields.ts';
import type { OptimizerOptions } from './optimizers.ts';
import type { ScheduleOptions } from './schedules.ts';

/** Every choice of a run besides the model and the data. `training.json` has exactly these fields. */
export interface TrainSettings extends OptimizerOptions, ScheduleOptions {
  /** Sequences per batch. */
  batchSize: number;
  /** Batches per optimizer step: gradients are averaged over batchSize * accumulate sequences. */
  accumulate: number;
  /**
   * `random`: every window lies anywhere in the training part, whatever was read before. `epochs`: no token
   * is read again before all others are read once; the order is another one in every epoch.
   */
  sampling: 'random' | 'epochs';
  /** Whether every window lies in one document. Documents shorter than a window are not trained on. */
  withinDocuments: boolean;
  /**
   * Sequences that pass through the model at a time: limits the memory. The result does not depend on it, up
   * to rounding.
   */
  microBatch: number;
  /**
   * The order in which the gradients of a step's micro-batches are added: one after the other, or as a tree
   * of halves (pairwise.ts), which several processes can share to the bit.
   */
  summation: 'sequential' | 'pairwise';
  /**
   * Steps that each rank makes by its own part of the batches before the ranks meet (local-steps.ts). 0: they
   * add up their gradients in every step, and the result does not depend on their number.
   */
  localSteps: number;
  /** Number of ranks that train apart with `localSteps`: it decides the result. */
  workers: number;
  /**
   * Whether a micro-batch keeps the inputs of the blocks only, and computes each block again in the backward
   * (Chen et al. 2016): less memory, a third more time, the same bits.
   */
  checkpointActivations: boolean;
  /**
   * Largest L2 norm of the gradient; a larger gradient is scaled down (Pascanu et al. 2013). 0: no clipping.
   */
  clip: number;
  /**
   * Dropout rises linearly by this much over the run. 0: it is constant.
   */
  dropoutRise: number;
  /**
   * Share of each target that is spread over all tokens (Szegedy et al. 2016), in training only, not in
   * evaluations.
   */
  labelSmoothing: number;
  /**
   * With teachers: the share of each target that is their mean prediction; the rest is the token that comes
   * (Hinton et al. 2015).
   */
  distillWeight: number;
  /**
   * Probability of leaving out a merge when the training text is encoded, once per epoch (Provilkov et al.
   * 2020). 0: none.
   */
  bpeDropout: number;
  /**
   * Decay of a moving average of the weights, which is evaluated and saved instead of them (average.ts). 0:
   * no average.
   */
  emaDecay: number;
  /**
   * The logits of the evaluated and saved model are divided by this (`scaleLogits`; temperature scaling, Guo
   * et al. 2017): a model that has read its text many times is too sure of what it says. `calibrate` finds
   * the best value on a text.
   */
  logitTemperature: number;
  /**
   * Names of parameters that stay as they are, separated by spaces: `embeddings blocks.0 blocks.*.mlp`. A
   * name stands for all that begin with it, part by part; `*` for any one part.
   */
  freeze: string;
  /**
   * Rank of the adapters that are trained instead of the matrices of the blocks (Hu et al. 2021; lora.ts);
   * everything else is frozen. 0: none.
   */
  lora: number;
  /** Whether `best/` and `last/` get `adapter.safetensors`, the adapters apart from the merged model. */
  keepAdapter: boolean;
  /** Determines batches, dropout masks and samples. */
  seed: number;
  /**
   * Steps between evaluations. The first is before step 1, the last after the last step. 0: no evaluations,
   * and no best model.
   */
  evalEvery: number;
  /**
   * `whole`: the whole validation part and as many tokens of the training part. `sampled`: random batches of
   * both. `auto`: whole if that is cheap, else as many random batches as take at most a fifth of the training
   * time; see `evaluationMethod`.
   */
  evalMethod: 'whole' | 'sampled' | 'auto';
  /** Batches per split of a `sampled` evaluation; the seed takes 200. */
  evalBatches: number;
  /** Steps between checkpoints; 0: only after each evaluation, at the end and at an interruption. */
  checkpointEvery: number;
  /** Steps between probes; 0: none. */
  probeEvery: number;
  /** Steps between samples; 0: none. */
  sampleEvery: number;
  /** Tokens per sample, and the prompt that it continues. */
  sampleTokens: number;
  samplePrompt: string;
}

const BATCHES = 'Steps and batches';
const OPTIMIZER = 'Optimizer';
const SCHEDULE = 'Schedule';
const REGULARISATION = 'Regularisation, beside dropout and weight decay';
const TRAINED = 'What is trained';
/** The heading of the settings for observing a run. */
export const WATCHING = 'Evaluations, checkpoints, samples';

/** Momentum and decay of averages: with 1 nothing would be forgotten. */
const BELOW_ONE = { min: 0, max: 0.999999 };

/** The settings, in the order of `training.json`. The defaults are those of `train()`. */
export const settingFields: Table<TrainSettings, keyof TrainSettings> = {
  steps: integer({ about: 'optimizer steps', min: 1, default: 5000, group: BATCHES, common: true }),
  batchSize: integer({ about: 'sequences per batch', min: 1, default: 64, group: BATCHES, common: true }),
  accumulate: integer({ about: 'batches per optimizer step', min: 1, default: 1, group: BATCHES }),
  sampling: choice(['random', 'epochs'], {
    about: 'which windows of the text a batch has: any, or in each epoch every one once',
    default: 'random',
    group: BATCHES,
    younger: true,
  }),
  withinDocuments: flag({
    about: 'no window crosses the border of two documents, between which --special puts a token',
    default: false,
    group: BATCHES,
    younger: true,
  }),
  microBatch: integer({ about: 'sequences in memory at a time', min: 1, default: 8, group: BATCHES }),
  summation: choice(['sequential', 'pairwise'], {
    about: 'how gradients of micro-batches are added; in pairs, processes of mpirun can share a step',
    default: 'sequential',
    group: BATCHES,
    younger: true,
  }),
  localSteps: integer({
    about: 'steps that ranks of mpirun make apart before they meet (DiLoCo), 0: they share every step',
    min: 0,
    default: 0,
    group: BATCHES,
    younger: true,
  }),
  workers: integer({
    about: 'with local steps: the number of ranks, which decides the result',
    min: 1,
    default: 1,
    group: BATCHES,
    younger: true,
  }),
  checkpointActivations: flag({
    about: 'less memory for a third more time: keep only the inputs of blocks, compute them again backward',
    default: false,
    group: BATCHES,
    younger: true,
  }),
  optimizer: choice(['adamw', 'sgd', 'muon'], {
    about: 'update rule; muon: for matrices in blocks, else AdamW',
    default: 'adamw',
    group: OPTIMIZER,
  }),
  lr: number({ about: 'peak learning rate', min: 0, default: 3e-4, group: OPTIMIZER, common: true }),
  minLr: number({
    about: 'learning rate at the end of cosine, linear and wsd',
    min: 0,
    default: 0,
    group: SCHEDULE,
  }),
  schedule: choice(['constant', 'cosine', 'linear', 'wsd'], {
    about: 'learning rate after warm-up',
    default: 'constant',
    group: SCHEDULE,
  }),
  warmup: integer({ about: 'steps of linear warm-up', min: 0, default: 0, group: SCHEDULE }),
  decayFraction: number({
    about: 'wsd: share of the run over which the learning rate decays',
    min: 0,
    max: 1,
    default: 0.2,
    group: SCHEDULE,
    younger: true,
  }),
  beta1: number({
    about: 'AdamW: decay of the mean of gradients',
    ...BELOW_ONE,
    default: 0.9,
    group: OPTIMIZER,
  }),
  beta2: number({
    about: 'AdamW: decay of the mean of squared gradients',
    ...BELOW_ONE,
    default: 0.999,
    group: OPTIMIZER,
  }),
  eps: number({ about: 'AdamW: added to the denominator', min: 1e-30, default: 1e-8, group: OPTIMIZER }),
  momentum: number({ about: 'SGD: momentum', ...BELOW_ONE, default: 0.9, group: OPTIMIZER }),
  muonLr: number({
    about: 'Muon: peak learning rate of the matrices',
    min: 0,
    default: 0.02,
    group: OPTIMIZER,
    younger: true,
  }),
  muonMomentum: number({
    about: 'Muon: momentum',
    ...BELOW_ONE,
    default: 0.95,
    group: OPTIMIZER,
    younger: true,
  }),
  weightDecay: number({
    about: 'decoupled (AdamW, Muon) or L2 (SGD) weight decay',
    min: 0,
    default: 0.01,
    group: OPTIMIZER,
  }),
  decay: choice(['all', 'matrices'], { about: 'which parameters decay', default: 'all', group: OPTIMIZER }),
  layerDecay: number({
    about: 'learning rate of a layer, as a share of that of the layer above',
    min: 1e-3,
    max: 1,
    default: 1,
    group: OPTIMIZER,
    younger: true,
  }),
  embedRate: number({
    about: 'multiplies the learning rate of the embeddings',
    min: 0,
    default: 1,
    group: OPTIMIZER,
    younger: true,
  }),
  headRate: number({
    about: 'multiplies the learning rate of the head',
    min: 0,
    default: 1,
    group: OPTIMIZER,
    younger: true,
  }),
  clip: number({ about: 'largest gradient norm, 0: no clipping', min: 0, default: 0, group: OPTIMIZER }),
  dropoutRise: number({
    about: 'linear rise of dropout over the run',
    min: -1,
    max: 1,
    default: 0,
    group: REGULARISATION,
    younger: true,
  }),
  labelSmoothing: number({
    about: 'share of each target that is spread over all tokens',
    min: 0,
    max: 1,
    default: 0,
    group: REGULARISATION,
    younger: true,
  }),
  distillWeight: number({
    about: 'with teachers: the share of each target that is their prediction, not the text',
    min: 1e-3,
    max: 1,
    default: 0.5,
    group: REGULARISATION,
    younger: true,
  }),
  bpeDropout: number({
    about: 'share of merges left out of the training text, drawn anew in every epoch',
    min: 0,
    max: 1,
    default: 0,
    group: REGULARISATION,
    younger: true,
  }),
  emaDecay: number({
    about: 'decay of a moving average of the weights, 0: none',
    ...BELOW_ONE,
    default: 0,
    group: OPTIMIZER,
    younger: true,
  }),
  logitTemperature: number({
    about: 'divides the logits of the model that is evaluated and saved',
    min: 0.1,
    max: 10,
    default: 1,
    group: REGULARISATION,
    younger: true,
  }),
  freeze: text({
    about: 'parameters that stay as they are: names or beginnings of names, separated by spaces',
    default: '',
    group: TRAINED,
    younger: true,
  }),
  lora: integer({
    about: 'rank of adapters (LoRA) that are trained instead of the matrices of the blocks, 0: none',
    min: 0,
    default: 0,
    group: TRAINED,
    younger: true,
  }),
  keepAdapter: flag({
    about: 'with lora: save the adapters also apart from the merged model, in adapter.safetensors',
    default: false,
    group: TRAINED,
    younger: true,
  }),
  seed: integer({
    about: 'weights, batches, masks, samples',
    min: 0,
    default: 1337,
    group: BATCHES,
    common: true,
  }),
  evalEvery: integer({
    about: 'steps between evaluations, 0: none',
    min: 0,
    default: 500,
    group: WATCHING,
    common: true,
  }),
  evalMethod: choice(['whole', 'sampled', 'auto'], {
    about: 'evaluate on everything, on random batches, or on as many as cost a fifth of the training',
    default: 'auto',
    group: WATCHING,
  }),
  evalBatches: integer({
    about: 'batches per split of a sampled evaluation',
    min: 1,
    default: 200,
    group: WATCHING,
  }),
  checkpointEvery: integer({
    about: 'steps between extra checkpoints, 0: none',
    min: 0,
    default: 0,
    group: WATCHING,
  }),
  probeEvery: integer({
    about: 'steps between probes of the activations, 0: none',
    min: 0,
    default: 100,
    group: WATCHING,
  }),
  sampleEvery: integer({
    about: 'steps between samples, 0: none',
    min: 0,
    default: 500,
    group: WATCHING,
    common: true,
  }),
  sampleTokens: integer({ about: 'tokens per sample', min: 1, default: 100, group: WATCHING }),
  samplePrompt: text({ about: 'what samples continue', default: '', group: WATCHING, common: true }),
};
