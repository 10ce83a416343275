// The memory of a training, counted before it begins.
import { createCounting } from '../backend/counting.ts';
import type { GPTConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { sequencesAtOnce } from './evaluate.ts';
import type { TrainSettings } from './settings.ts';
import { train } from './train.ts';

/** The memory of a training, in bytes. */
export interface TrainingMemory {
  /** All buffers together. */
  bytes: number;
  /** The largest buffer. */
  largest: number;
}

/** Bytes per weight of ranks that train apart: where they last met, how far they went, the outer momentum. */
const PER_WEIGHT_APART = 3 * 4;

/**
 * The memory of the buffers that a training of a model of this config takes on any engine: weights,
 * gradients, moments, and the activations of a micro-batch. It runs a step, with an evaluation if the
 * settings have any, on an engine that computes nothing; `teachers` are the configs of the models whose
 * predictions it learns. Not counted: samples, probes, and what the engine
 * adds for itself.
 */
export async function trainingMemory(
  config: GPTConfig,
  settings: TrainSettings,
  teachers: readonly GPTConfig[] = [],
): Promise<TrainingMemory> {
  const backend = createCounting();
  const blank = (shape: GPTConfig): GPT => new GPT(shape, { backend, init: 'blank' });
  const model = blank(config);
  // Whether they suit is known later, with the tokenizer.
  const suited = teachers.map((shape) => {
    const blockSize = Math.max(shape.blockSize, config.blockSize);
    return blank({ ...shape, vocabSize: config.vocabSize, blockSize });
  });
  const taught = suited.length > 0 ? { teachers: suited } : {};
  const ids = new Int32Array(sequencesAtOnce(config.blockSize) * config.blockSize + 1);
  // Only what decides the memory: the rest may need a tokenizer, or not suit a single step.
  const { optimizer, microBatch, batchSize, labelSmoothing, dropoutRise } = settings;
  const { emaDecay, logitTemperature } = settings;
  const { checkpointActivations, freeze, lora, summation, accumulate } = settings;
  // A sum in pairs keeps gradients for every level of its tree.
  const sequences = summation === 'pairwise' ? batchSize * accumulate : Math.min(batchSize, 2 * microBatch);
  const small = {
    ...{ optimizer, microBatch, labelSmoothing, dropoutRise, checkpointActivations, freeze, lora },
    ...{ emaDecay, logitTemperature },
    summation,
    batchSize: sequences,
    steps: 1,
    evalEvery: settings.evalEvery > 0 ? 1 : 0,
    probeEvery: 0,
    sampleEvery: 0,
  };
  const data = { train: ids, val: ids, vocabSize: config.vocabSize, valBytesPerToken: 1 };
  for await (const _ of train({ ...small, ...taught, model, data })) {
    // Only the memory is of interest.
  }
  const apart = settings.localSteps > 0 ? PER_WEIGHT_APART * model.parameterCount : 0;
  return { bytes: backend.memory().peakBytes + apart, largest: backend.largest() };
}

/** The bytes of `trainingMemory`. */
export async function trainingBytes(config: GPTConfig, settings: TrainSettings): Promise<number> {
  return (await trainingMemory(config, settings)).bytes;
}
