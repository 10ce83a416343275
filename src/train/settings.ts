// Recipes (the settings of a run with their defaults), and the checks of settings that depend on each other.
// The record itself and its table are in setting-fields.ts.
import { checkRecord, defaultsOf, schemaOf } from '../base/fields.ts';
import type { Schema } from '../base/schema.ts';
import type { GPTConfig, PresetName } from '../model/config.ts';
import { refuseCap } from '../model/logits.ts';
import { isLogitScale } from '../model/names.ts';
import { shapesOf } from '../model/shapes.ts';
import { decaySteps } from './schedules.ts';
import { settingFields, type TrainSettings } from './setting-fields.ts';
import { trainedNames } from './trained.ts';

export type { TrainSettings } from './setting-fields.ts';

/** The seed's recipe. */
export const seedSettings: TrainSettings = { ...defaultsOf(settingFields), evalMethod: 'whole' };

/** For small models that start from small weights: a high learning rate, with warm-up, that falls to 0. */
const modern: TrainSettings = {
  ...seedSettings,
  batchSize: 16,
  schedule: 'cosine',
  beta2: 0.99,
  weightDecay: 0.1,
  decay: 'matrices',
  clip: 1,
};

/**
 * Muon for the matrices of the blocks, and learning rates that fall linearly to 0. The weight decay of these
 * recipes keeps a model from learning a megabyte by heart (docs/results/RECORD.md). For a text that is read
 * only once or twice, 0.1 is better.
 */
const muon: TrainSettings = { ...modern, optimizer: 'muon', lr: 3e-3, schedule: 'linear' };

/** The recipe of each preset of the model. */
export const recipes: Readonly<Record<PresetName, TrainSettings>> = {
  tiny: { ...modern, steps: 600, lr: 3e-3, warmup: 30, evalEvery: 100, probeEvery: 50, sampleEvery: 100 },
  seed: seedSettings,
  shakespeare: { ...muon, steps: 1600, warmup: 40, weightDecay: 1, evalEvery: 200 },
  portable: { ...muon, steps: 1400, warmup: 40, weightDecay: 0.5, evalEvery: 200 },
  speedrun: {
    ...muon,
    steps: 340,
    microBatch: 16,
    warmup: 20,
    evalEvery: 340,
    weightDecay: 0.5,
    logitTemperature: 1.07,
  },
};

/**
 * The recipe for going on from a trained model, with adapters of rank `lora` or without: rates that are a
 * fraction of those of a new model, so that it forgets little, and frequent evaluations, since the best model
 * may come early. Adapters begin without effect, and take higher rates.
 */
export function fineTuning(lora: number): TrainSettings {
  return {
    ...modern,
    steps: 300,
    batchSize: 8,
    lr: lora > 0 ? 3e-3 : 5e-4,
    schedule: 'linear',
    warmup: 20,
    evalEvery: 50,
    sampleEvery: 100,
    lora,
  };
}

/** Returns `settings` if they are complete and possible TrainSettings; otherwise throws one clear line. */
export function checkSettings(settings: unknown): TrainSettings {
  checkRecord(settingFields, settings, 'setting');
  const { warmup, steps, batchSize, accumulate, schedule, decayFraction } = settings;
  const { optimizer, lora, keepAdapter, emaDecay, logitTemperature } = settings;
  if (warmup > steps) throw new Error(`warmup ${warmup} is longer than the run: steps is ${steps}`);
  if (schedule === 'wsd' && warmup + decaySteps(settings) > steps) {
    throw new Error(
      `warmup ${warmup} and the decay of ${decaySteps(settings)} steps (decayFraction ${decayFraction}) are longer than the run: steps is ${steps}`,
    );
  }
  if (settings.bpeDropout > 0 && settings.sampling === 'epochs')
    throw new Error(
      `sampling epochs cannot go with bpeDropout ${settings.bpeDropout}: the tokens of each epoch are others; leave one out`,
    );
  if (lora > 0 && optimizer === 'muon')
    throw new Error(`optimizer muon is for whole matrices, not for adapters (lora ${lora}): use adamw`);
  if (keepAdapter && logitTemperature !== 1)
    throw new Error(
      `keepAdapter cannot go with logitTemperature ${logitTemperature}: it changes the last norm, which no adapter has; leave one out`,
    );
  if (keepAdapter && emaDecay > 0)
    throw new Error(
      `keepAdapter cannot go with emaDecay ${emaDecay}: the average of merged models is no adapter; leave one out`,
    );
  if (settings.localSteps > 0) checkApart(settings);
  if (batchSize * accumulate > MAX_SEQUENCES) {
    throw new Error(
      `batchSize ${batchSize} x accumulate ${accumulate} is more than ${MAX_SEQUENCES} sequences per step`,
    );
  }
  return settings;
}

/** Throws when ranks that train apart would not be together where their common weights are needed. */
function checkApart(settings: TrainSettings): void {
  const { localSteps, emaDecay, logitTemperature } = settings;
  if (localSteps === 1)
    throw new Error('localSteps 1 would be a sum in every step: use 0 for that, or 2 and more');
  for (const [name, value, none] of [
    ['emaDecay', emaDecay, 0],
    ['logitTemperature', logitTemperature, 1],
  ] as const) {
    if (value !== none)
      throw new Error(
        `${name} ${value} cannot go with localSteps ${localSteps}: the weights of ranks are apart; leave one out`,
      );
  }
  for (const name of ['steps', 'evalEvery', 'checkpointEvery', 'sampleEvery'] as const) {
    if (settings[name] % localSteps === 0) continue;
    throw new Error(
      `${name} ${settings[name]} is no multiple of localSteps ${localSteps}, after which ranks have the same weights: use ${localSteps * Math.max(1, Math.round(settings[name] / localSteps))}`,
    );
  }
}

/**
 * A recipe with changes, checked. A short run has no room for the warm-up of a recipe: it is shortened to a
 * tenth of the steps, unless it is among the changes.
 */
export function makeSettings(recipe: TrainSettings, changes: Partial<TrainSettings> = {}): TrainSettings {
  const settings = { ...recipe, ...changes };
  if (changes.warmup === undefined)
    settings.warmup = Math.min(recipe.warmup, Math.floor(settings.steps / 10));
  return checkSettings(settings);
}

/** The schema of the settings of a run in a JSON file. */
export const trainSettings: Schema<TrainSettings> = (value) => checkSettings(schemaOf(settingFields)(value));

/** A setting that has an effect only together with another one: the condition, and how to fulfil it. */
interface Dependence {
  acts(settings: TrainSettings): boolean;
  needs: [name: keyof TrainSettings, value: string];
}

const withAdam: Dependence = {
  acts: ({ optimizer }) => optimizer !== 'sgd',
  needs: ['optimizer', 'adamw or muon'],
};
const withMuon: Dependence = { acts: ({ optimizer }) => optimizer === 'muon', needs: ['optimizer', 'muon'] };
const withSamples: Dependence = {
  acts: ({ sampleEvery }) => sampleEvery > 0,
  needs: ['sampleEvery', 'above 0'],
};

const dependences: Readonly<Partial<Record<keyof TrainSettings, readonly Dependence[]>>> = {
  momentum: [{ acts: ({ optimizer }) => optimizer === 'sgd', needs: ['optimizer', 'sgd'] }],
  beta1: [withAdam],
  beta2: [withAdam],
  eps: [withAdam],
  muonLr: [withMuon],
  muonMomentum: [withMuon],
  decay: [{ acts: ({ weightDecay }) => weightDecay > 0, needs: ['weightDecay', 'above 0'] }],
  minLr: [{ acts: ({ schedule }) => schedule !== 'constant', needs: ['schedule', 'cosine, linear or wsd'] }],
  decayFraction: [{ acts: ({ schedule }) => schedule === 'wsd', needs: ['schedule', 'wsd'] }],
  evalMethod: [{ acts: ({ evalEvery }) => evalEvery > 0, needs: ['evalEvery', 'above 0'] }],
  evalBatches: [
    { acts: ({ evalEvery }) => evalEvery > 0, needs: ['evalEvery', 'above 0'] },
    { acts: ({ evalMethod }) => evalMethod === 'sampled', needs: ['evalMethod', 'sampled'] },
  ],
  workers: [{ acts: ({ localSteps }) => localSteps > 0, needs: ['localSteps', 'above 0'] }],
  keepAdapter: [{ acts: ({ lora }) => lora > 0, needs: ['lora', 'above 0'] }],
  sampleTokens: [withSamples],
  samplePrompt: [withSamples],
};

/**
 * The first of `names` that has no effect with these `settings`, and what it needs; null when all have an
 * effect.
 */
export function idleSetting(
  names: Iterable<string>,
  settings: TrainSettings,
): { name: string; needs: Dependence['needs'] } | null {
  for (const name of names) {
    const missing = dependences[name as keyof TrainSettings]?.find(({ acts }) => !acts(settings));
    if (missing) return { name, needs: missing.needs };
  }
  return null;
}

/**
 * Throws when one of `chosen` has no effect with these `settings`. Settings from a recipe are not checked:
 * recipes are passed as a whole.
 */
export function refuseIdle(chosen: Partial<TrainSettings>, settings: TrainSettings): void {
  const usual = (name: string, value: unknown): boolean =>
    Object.values(recipes).some((recipe) => recipe[name as keyof TrainSettings] === value);
  const asked = Object.entries(chosen).filter(([name, value]) => !usual(name, value));
  const idle = idleSetting(
    asked.map(([name]) => name),
    settings,
  );
  if (!idle) return;
  const { name, needs } = idle;
  const value = JSON.stringify(chosen[name as keyof TrainSettings]);
  throw new Error(`${name} ${value} has no effect without ${needs.join(' ')}: set that, or leave it out`);
}

/**
 * Throws when the learning rate of a new run would rise from `lr` to `minLr`: schedules give shares of peaks.
 */
export function checkRates({ schedule, lr, minLr }: Pick<TrainSettings, 'schedule' | 'lr' | 'minLr'>): void {
  if (schedule === 'constant' || minLr <= lr) return;
  throw new Error(`minLr ${minLr} is above lr ${lr}, which falls to it: lower minLr`);
}

/**
 * Throws when the settings do not fit the model: dropout would leave [0, 1) during the run, or `headRate`
 * would have no effect.
 */
export function checkSuited(
  {
    dropoutRise,
    headRate,
    logitTemperature,
  }: Pick<TrainSettings, 'dropoutRise' | 'headRate' | 'logitTemperature'>,
  config: Pick<GPTConfig, 'dropout' | 'tieWeights' | 'headBias' | 'logitCap'>,
): void {
  const { dropout, tieWeights, headBias } = config;
  if (logitTemperature !== 1) refuseCap(config, `logitTemperature ${logitTemperature}`);
  if (headRate !== 1 && tieWeights && !headBias) {
    throw new Error(
      `headRate ${headRate} acts on nothing: the head is tied to the embeddings and has no bias: use embedRate, or tieWeights: false`,
    );
  }
  const end = Number((dropout + dropoutRise).toPrecision(12));
  if (end >= 0 && end < 1) return;
  const fix = end < 0 ? `at least ${-dropout}` : `less than ${Number((1 - dropout).toPrecision(12))}`;
  throw new Error(
    `dropoutRise ${dropoutRise} takes dropout from ${dropout} to ${end}, which is not in [0, 1): choose ${fix}`,
  );
}

/** Throws when a parameter that is to stay as it is would be divided by `logitTemperature`. */
export function checkFrozen(
  { freeze, logitTemperature }: Pick<TrainSettings, 'freeze' | 'logitTemperature'>,
  config: GPTConfig,
): void {
  if (freeze === '' || logitTemperature === 1) return;
  const trained = trainedNames(config, { freeze, lora: 0 });
  const divided = [...shapesOf(config)].find(([name]) => isLogitScale(name) && !trained.has(name));
  if (divided)
    throw new Error(
      `freeze ${freeze} keeps ${divided[0]}, which logitTemperature ${logitTemperature} divides: leave one out`,
    );
}

/**
 * Throws, in one line, what a new run would refuse about its settings for a model: one of `chosen` has no
 * effect, the learning rate would rise, or they do not fit the model, of which nothing might be left to
 * train.
 */
export function checkNewRun(
  settings: TrainSettings,
  config: GPTConfig,
  chosen: Partial<TrainSettings> = settings,
): void {
  refuseIdle(chosen, settings);
  checkRates(settings);
  checkSuited(settings, config);
  checkFrozen(settings, config);
  trainedNames(config, settings);
}

/** Largest number of sequences per optimizer step: the ids of all of them are in memory. */
const MAX_SEQUENCES = 2 ** 16;
