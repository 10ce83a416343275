// Shared by the parts of the training loop: options, progress, the state of a run. Read next: train.ts.
import {
  callback,
  complete,
  custom,
  defaultsOf,
  having,
  optionsIn,
  refuseUnknown,
  signal,
  type Table,
  texts,
} from '../base/fields.ts';
import { such } from '../base/schema.ts';
import { ACTIVATION_TAPS } from '../inspect/measure.ts';
import { createProbe, type Probe, type ProbeMemory } from '../inspect/probe.ts';
import type { Adapter } from '../model/adapter.ts';
import type { Tokens } from '../model/batch.ts';
import type { GPTConfig } from '../model/config.ts';
import type { GPT } from '../model/gpt.ts';
import { matchTaps } from '../model/taps.ts';
import { namedParameters } from '../nn/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Average, createAverage } from './average.ts';
import type { Communicator } from './communicator.ts';
import { checkDataset, type Dataset } from './data.ts';
import { type StepBatch, stepBatches } from './draws.ts';
import { createLocalSteps, type LocalSteps } from './local-steps.ts';
import { createOptimizer, type Optimizer } from './optimizers.ts';
import { branchOf } from './pairwise.ts';
import { type RankSum, rankSum } from './rank-sum.ts';
import { settingFields } from './setting-fields.ts';
import {
  checkFrozen,
  checkRates,
  checkSettings,
  checkSuited,
  refuseIdle,
  type TrainSettings,
} from './settings.ts';
import { chooseTrained, type Trained } from './trained.ts';
import { noWarnings, type WarningMemory } from './warnings.ts';

/** The state of a run besides the weights: stored in checkpoints, and where a resumed run starts. */
export interface Progress {
  /** Number of optimizer steps done. */
  step: number;
  /** Whether the evaluation due at this step has been made, or none is due. */
  evaluated: boolean;
  /** Whether everything due at this step is done; the sample comes after the evaluation. */
  settled: boolean;
  /** Lowest validation loss so far and its step; null before the first evaluation. */
  best: { valLoss: number; step: number } | null;
  /** Steps in a row, up to this one, whose loss or gradient was not finite. */
  nonFinite: number;
  /** The state on which later probes and warnings depend; plain JSON. */
  memory: { probe: ProbeMemory; warnings: WarningMemory };
  /** Moments by name, `blocks.0.mlp.fc.weight.m`; with `lora` also the adapters and what they change. */
  optimizer: ReadonlyMap<string, Tensor>;
  /**
   * The model that is evaluated and saved instead of the trained one (`emaDecay`, `logitTemperature`); null
   * if there is none.
   */
  average: GPT | null;
  /** With `keepAdapter`: reads the adapters, apart from the model. */
  adapter: (() => Promise<Adapter>) | null;
}

/**
 * Fields that checkpoints of the first versions lack: `evaluated` then equals `settled`, and probes and
 * warnings start without memory.
 */
export type Younger = 'evaluated' | 'nonFinite' | 'memory';

/** Progress as a checkpoint holds it. */
export interface Resume
  extends Omit<Progress, 'optimizer' | 'average' | 'adapter' | Younger>,
    Partial<Pick<Progress, Younger>> {
  optimizer: ReadonlyMap<string, Float32Array>;
  /** Averaged weights by name; null: the run keeps none. */
  average: ReadonlyMap<string, Float32Array> | null;
  /** Where it was read, for messages. */
  location?: string;
}

export interface TrainOptions extends Partial<TrainSettings> {
  /** The model, trained in place. When the run ends, it is as evaluated (`emaDecay`, `logitTemperature`). */
  model: GPT;
  data: Dataset<Tokens>;
  /**
   * The values that probes measure, as glob patterns of names (see `matchTaps`). Default: the outputs of the
   * activations.
   */
  probeTaps?: readonly string[];
  /** The text that the model knew before: evaluations also give the loss on its validation part. */
  old?: Dataset<Tokens>;
  /**
   * Models of the same tokens, whose mean prediction is a share `distillWeight` of every target
   * (distillation). They are on the same engine and stay as they are. Reported losses are those on the text.
   */
  teachers?: readonly GPT[];
  /** Needed for samples (`sampleEvery` > 0) and `bpeDropout`. */
  tokenizer?: Tokenizer;
  /** Saves a checkpoint and returns its location, for the event. Without it nothing is saved. */
  save?: (kind: 'best' | 'last', progress: Progress) => Promise<string>;
  /**
   * Asked after each step, before what else is due there. Where it answers true, a checkpoint is saved as at
   * an interruption, and the run goes on. Its event is an addition: no resumed run repeats it.
   */
  saveNow?: () => boolean;
  /** Resumes from this state. The model must have the weights of the same checkpoint. */
  resume?: Resume;
  /**
   * Other processes that share the run, each with an equal call of `train` (`save` and `onProgress` apart):
   * each computes a part of every step and evaluation, and all keep the same weights, bit for bit those of
   * one process with the same settings. `summation` must be `pairwise`. Samples are drawn by rank 0. A
   * `signal` ends this process only: the others must be ended too.
   */
  ranks?: Communicator;
  /**
   * Ends the run with a checkpoint of the last finished step. An unfinished step is dropped, and made again
   * when the run is resumed. Work that is still due at that step is also left to the resumed run.
   */
  signal?: AbortSignal;
  /** Called now and then during evaluations and samples, which have no events before they are done. */
  onProgress?: (progress: MilestoneProgress) => void;
}

const datasetSchema = such(
  (value): value is Dataset<Tokens> => typeof Object(Object(value).train).subarray === 'function',
  'a dataset',
);

/** What only a program can hand over. */
const handedFields: Table<Omit<TrainOptions, keyof TrainSettings>> = {
  model: having('forward', 'a GPT', { about: 'the model, trained in place', required: true }),
  data: custom({
    about: 'tokens for training and validation',
    schema: datasetSchema,
    hint: 'dataset() makes one',
    required: true,
  }),
  old: custom({
    about: 'the text that the model knew before, whose loss evaluations give too',
    schema: datasetSchema,
    hint: 'dataset() makes one',
  }),
  teachers: custom({
    about: 'models whose mean prediction is a share of every target',
    schema: such(
      (value): value is readonly GPT[] =>
        Array.isArray(value) && value.every((one) => 'losses' in Object(one)),
      'a list of models',
    ),
  }),
  probeTaps: texts({ about: 'values that probes measure, as glob patterns of names' }),
  tokenizer: having('decode', 'a Tokenizer', { about: 'for samples and BPE dropout' }),
  save: callback({ about: 'saves a checkpoint and returns its location' }),
  saveNow: callback({ about: 'asked after each step whether to save a checkpoint there' }),
  resume: custom({
    about: 'the state to resume from',
    schema: such((value): value is Resume => Object(value).optimizer instanceof Map, 'the state of a run'),
    hint: 'loadCheckpoint reads one',
  }),
  ranks: having('exchange', 'a Communicator', { about: 'other processes that share the run' }),
  signal: signal({ about: 'ends the run with a checkpoint' }),
  onProgress: callback({ about: 'called now and then during evaluations and samples' }),
};

/** The options of `train`. */
export const trainFields: Table<TrainOptions, keyof TrainSettings> = { ...handedFields, ...settingFields };

/** Progress of an evaluation or a sample: `done` of about `total` tokens. */
export interface MilestoneProgress {
  what: 'evaluation' | 'sample';
  /** Number of optimizer steps before it. */
  step: number;
  done: number;
  total: number;
}

/** The amount of one kind of work that this process has done, and its seconds. */
export type Measured = Record<'count' | 'seconds', number>;
export type Clock = Record<'steps' | 'evaluations' | 'samples', Measured>;

/** The state that the parts of the loop share. */
export interface Run {
  options: TrainOptions;
  settings: TrainSettings;
  trained: Trained;
  optimizer: Optimizer;
  average: Average | null;
  progress: Omit<Progress, 'memory'>;
  probe: Probe;
  /** The memory of the warnings. */
  warnings: WarningMemory;
  /** Draws the windows of a step. */
  batchOf: StepBatch;
  /** Adds up the gradients of all ranks. */
  sum?: RankSum;
  /** With `localSteps`: where ranks that train apart meet. */
  local: LocalSteps | null;
  /** Names of the values that probes measure. */
  taps: ReadonlySet<string>;
  /** Whether anything has happened since the last checkpoint. */
  unsaved: boolean;
  /** Measured times of this process, for the time left: see time-left.ts. */
  clock: Clock;
}

/** Throws when a name is unknown, or when something that only a program can hand over is missing or wrong. */
export function checkHanded(options: TrainOptions): void {
  refuseUnknown(optionsIn(options, 'train'), Object.keys(trainFields), 'setting');
  const handed = Object.keys(handedFields).map((name) => [name, Object(options)[name]]);
  complete(handedFields, Object.fromEntries(handed), 'train');
}

/** Checks that settings, data and model fit together, and sets up the run, after `checkHanded`. */
export function startRun(options: TrainOptions): Run {
  const { model, data, old, teachers, tokenizer, save, saveNow, resume, ranks, ...more } = options;
  const { signal, onProgress, probeTaps, ...changes } = more;
  const settings = checkSettings({ ...defaultsOf(settingFields), ...changes });
  if (!resume) {
    // a resumed run
    refuseIdle(changes, settings);
    checkRates(settings);
  }
  if (options.probeTaps && settings.probeEvery === 0)
    throw new Error('probeTaps has no effect without probeEvery above 0: set that, or leave it out');
  checkDataset(data, model.config);
  if (old) checkOld(old, model.config);
  if (settings.sampleEvery > 0 && !tokenizer) {
    throw new Error(`sampleEvery ${settings.sampleEvery} needs a tokenizer: pass one, or sampleEvery: 0`);
  }
  checkSuited(settings, model.config);
  checkFrozen(settings, model.config);
  checkTeachers(settings, model, teachers);
  checkRanks(settings, ranks);
  const trained = chooseTrained(model, settings);
  const optimizer = createOptimizer(trained.parameters, settings);
  const sum = ranks && rankSum(ranks);
  const moments = [...optimizer.state().values()];
  const local =
    settings.localSteps > 0 && ranks && sum
      ? createLocalSteps(trained.parameters, moments, { ranks, sum })
      : null;
  const state = new Map([
    ...optimizer.state(),
    ...(trained.adapters?.state() ?? []),
    ...(local?.state() ?? []),
  ]);
  model.startToken = data.startToken ?? model.startToken;
  const average = createAverage(model, settings);
  if (resume) {
    const { location } = resume;
    restore('moment', state, resume.optimizer, location);
    const averages = average ? namedParameters(average.model) : new Map();
    restore('average', averages, resume.average ?? new Map(), location);
  }
  local?.begin();
  const { adapters } = trained;
  const adapter = settings.keepAdapter && adapters ? () => adapters.apart() : null;
  const own = { optimizer: state, average: average?.model ?? null, adapter };
  const { memory, location, ...past } = resume ?? { step: 0, settled: false, best: null };
  const progress = { evaluated: past.settled, nonFinite: 0, ...past, ...own };
  const run: Run = {
    options,
    settings,
    trained,
    optimizer,
    average,
    progress,
    probe: createProbe({ memory: memory?.probe }),
    warnings: structuredClone(memory?.warnings ?? noWarnings()),
    batchOf: stepBatches(data, tokenizer, settings, model.config.blockSize),
    sum,
    local,
    taps: new Set(matchTaps(probeTaps ?? ACTIVATION_TAPS, model.config)),
    unsaved: !resume,
    clock: { steps: unmeasured(), evaluations: unmeasured(), samples: unmeasured() },
  };
  settle(run);
  return run;
}

/** Throws when the old text cannot be evaluated. */
function checkOld({ val, vocabSize }: Dataset<Tokens>, config: GPTConfig): void {
  if (vocabSize !== config.vocabSize)
    throw new Error(`old was encoded with ${vocabSize} tokens, the model has ${config.vocabSize}`);
  if (val.length < 2) throw new Error(`old has ${val.length} tokens to validate: 2 or more are needed`);
}

/**
 * Throws when `teachers`, or none, do not suit the model and the settings. `names`: what they are called
 * then.
 */
export function checkTeachers(
  { distillWeight }: Pick<TrainSettings, 'distillWeight'>,
  { config, backend }: Pick<GPT, 'config' | 'backend'>,
  teachers?: readonly GPT[],
  names: readonly string[] = (teachers ?? []).map((_, i) => `teachers[${i}]`),
): void {
  if (!teachers && distillWeight !== settingFields.distillWeight.default)
    throw new Error(
      `distillWeight ${distillWeight} has no effect without teachers: set them, or leave it out`,
    );
  if (teachers?.length === 0) throw new Error('teachers is an empty list: name one or more, or leave it out');
  for (const [i, teacher] of (teachers ?? []).entries()) {
    const { vocabSize, blockSize } = teacher.config;
    if (teacher.backend !== backend)
      throw new Error(`${names[i]} is on another engine than the model: load it on the same`);
    if (vocabSize !== config.vocabSize)
      throw new Error(
        `${names[i]} has ${vocabSize} tokens, the model ${config.vocabSize}: only a model with the same tokenizer teaches`,
      );
    if (blockSize < config.blockSize)
      throw new Error(
        `${names[i]} has a context of ${blockSize} tokens: blockSize ${config.blockSize} is longer, choose at most that`,
      );
  }
}

type Shared = Pick<
  TrainSettings,
  'summation' | 'batchSize' | 'accumulate' | 'microBatch' | 'localSteps' | 'workers'
>;

/** Throws when `ranks`, or none, cannot train with these settings. */
export function checkRanks(settings: Shared, ranks?: Pick<Communicator, 'rank' | 'size'>): void {
  const { summation, batchSize, accumulate, microBatch, localSteps, workers } = settings;
  if (localSteps > 0 && !ranks)
    throw new Error(
      `localSteps ${localSteps} needs ranks that train apart: start ${workers > 1 ? workers : '2 or more'} by mpirun`,
    );
  if (!ranks) return;
  if (localSteps > 0 && workers !== ranks.size)
    throw new Error(
      `localSteps ${localSteps} with workers ${workers} needs as many ranks, not ${ranks.size}: mpirun -n ${workers}`,
    );
  if (summation !== 'pairwise')
    throw new Error(
      `${ranks.size} ranks cannot share a run with summation ${summation}: use pairwise, or one process`,
    );
  branchOf(Math.ceil((batchSize * accumulate) / microBatch), ranks);
}

function unmeasured(): Clock['steps'] {
  return { count: 0, seconds: 0 };
}

/**
 * Copies the stored tensors of one kind into those of the run. Throws unless the names are exactly the same.
 */
function restore(
  what: string,
  tensors: ReadonlyMap<string, Tensor>,
  saved: ReadonlyMap<string, Float32Array>,
  location = 'the checkpoint',
): void {
  const surplus = [...saved.keys()].find((name) => !tensors.has(name));
  if (surplus)
    throw new Error(`${location} has a surplus ${what} ${surplus}: it is of another model or recipe`);
  for (const [name, tensor] of tensors) {
    const values = saved.get(name);
    if (values?.length !== tensor.size) {
      throw new Error(
        `${location} has no ${what} ${name} of ${tensor.size} elements: it is of another model or recipe`,
      );
    }
    if (!values.every(Number.isFinite))
      throw new Error(`${location}: the ${what} ${name} is not finite: it is damaged`);
    tensor.write(values);
  }
}

/** The model for evaluations, samples and saving. */
export function evaluated({ options, average }: Run): GPT {
  return average?.fresh() ?? options.model;
}

/** The present state, for a checkpoint. Later steps change its tensors, but nothing else in it. */
export function progressOf({ progress, probe, warnings, average }: Run): Progress {
  average?.fresh();
  return { ...progress, memory: { probe: probe.memory(), warnings: structuredClone(warnings) } };
}

/** What determines when evaluations and samples are due. */
export interface Standing {
  settings: Pick<TrainSettings, 'steps' | 'evalEvery' | 'sampleEvery'>;
  progress: Pick<Progress, 'step' | 'evaluated' | 'settled'>;
}

/** True every `every` steps and after the last step; never for 0. */
function due({ settings, progress: { step } }: Standing, every: number): boolean {
  return every > 0 && (step % every === 0 || step === settings.steps);
}

/** Whether a sample is due at this step. Before the first step none is. */
export function sampleDue(standing: Standing): boolean {
  return standing.progress.step > 0 && due(standing, standing.settings.sampleEvery);
}

/** Marks as done what is not due at this step. */
export function settle(standing: Standing): void {
  const { progress, settings } = standing;
  progress.evaluated ||= !due(standing, settings.evalEvery);
  progress.settled ||= progress.evaluated && !sampleDue(standing);
}

/**
 * Whether the run makes a checkpoint after this step in any case, not only when it is interrupted there.
 */
export function checkpointDue(
  step: number,
  { steps, evalEvery, checkpointEvery }: Pick<TrainSettings, 'steps' | 'evalEvery' | 'checkpointEvery'>,
): boolean {
  return step === steps || [evalEvery, checkpointEvery].some((every) => every > 0 && step % every === 0);
}
