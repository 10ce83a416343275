// The memory of a model or tokenizer, checked before it is made: flags can ask for more than any machine has.
import { totalmem } from 'node:os';
import type { Backend } from '../backend/contract.ts';
import { formatBytes, formatCount } from '../base/format.ts';
import type { GPTConfig } from '../model/config.ts';
import { countShapes } from '../model/shapes.ts';
import type { Pattern } from '../tokenizer/index.ts';
import { type TrainingMemory, trainingMemory } from '../train/memory.ts';
import type { TrainSettings } from '../train/settings.ts';
import { misuse } from './errors.ts';

/** The least bytes per weight while a model is trained: the weight, its gradient, two moments. */
const TRAINING_BYTES = 16;
/** The same of a weight that is frozen. */
const FROZEN_BYTES = 4;

/**
 * Throws a misuse when the weights alone, `bytes` each, exceed the memory of this machine, or what this
 * process may use of it.
 */
export function checkMemory(config: GPTConfig, bytes: number, memory: number = memoryHere()): void {
  const count = countShapes(config);
  if (count * bytes <= memory) return;
  throw misuse(
    `a model of ${formatCount(count)} parameters takes ${formatBytes(count * bytes)} (${bytes} bytes each), this machine has ${formatBytes(memory)}: lower --n-layer or --n-embd`,
  );
}

/** What an engine can have, in bytes. */
type Limits = TrainingMemory;

const fits = (memory: TrainingMemory, limits: Limits): boolean =>
  memory.bytes <= limits.bytes && memory.largest <= limits.largest;

/**
 * Throws a misuse when a training takes more memory than its engine can have: 4 GiB of WebAssembly, or that
 * of this machine; or in one buffer more than a GPU takes. `resumed`: its micro-batches are decided.
 */
export async function checkTraining(
  config: GPTConfig,
  settings: TrainSettings,
  engine: Backend,
  { resumed = false, teachers = [] }: { resumed?: boolean; teachers?: readonly GPTConfig[] } = {},
): Promise<void> {
  const partly = settings.lora > 0 || settings.freeze !== '';
  checkMemory(config, partly ? FROZEN_BYTES : TRAINING_BYTES);
  const memory = await trainingMemory(config, settings, teachers);
  const { memoryLimit, bufferLimit = Number.POSITIVE_INFINITY } = engine;
  const limits: Limits = { bytes: memoryLimit ?? memoryHere(), largest: bufferLimit };
  if (fits(memory, limits)) return;
  const smaller = resumed ? null : await smallerMicroBatch(config, settings, teachers, limits);
  const checkpointed = { ...settings, checkpointActivations: true };
  const recomputed = resumed ? null : await trainingMemory(config, checkpointed, teachers);
  const fixes = [
    ...(smaller === null ? [] : [`--micro-batch ${smaller.microBatch} takes ${formatBytes(smaller.bytes)}`]),
    ...(recomputed && fits(recomputed, limits)
      ? [`--checkpoint-activations takes ${formatBytes(recomputed.bytes)}, and a third more time`]
      : []),
    ...(resumed ? [] : ['lower --n-layer, --n-embd or --block-size']),
    ...((memoryLimit ?? engine.bufferLimit) ? ['--backend native has what the machine has'] : []),
  ];
  const [takes, has] =
    memory.bytes > limits.bytes
      ? [formatBytes(memory.bytes), `has at most ${formatBytes(limits.bytes)} here`]
      : [`${formatBytes(memory.largest)} in one buffer`, `takes at most ${formatBytes(bufferLimit)} in one`];
  throw misuse(
    `this training takes ${takes}, with ${settings.microBatch} sequences of ${config.blockSize} tokens at a time, ` +
      `and the engine ${engine.name} ${has}: ${fixes.join('; or ')}`,
  );
}

/** The largest half, quarter ... of the micro-batch with which a training fits. */
async function smallerMicroBatch(
  config: GPTConfig,
  settings: TrainSettings,
  teachers: readonly GPTConfig[],
  limits: Limits,
): Promise<{ microBatch: number; bytes: number } | null> {
  for (let microBatch = settings.microBatch >> 1; microBatch >= 1; microBatch >>= 1) {
    const memory = await trainingMemory(config, { ...settings, microBatch }, teachers);
    if (fits(memory, limits)) return { microBatch, bytes: memory.bytes };
  }
  return null;
}

/**
 * Bytes of memory per byte of the distinct chunks of a text while merges are learnt: see
 * tokenizer/train-fast.ts.
 */
const LEARNING_BYTES = 30;

/**
 * Throws a misuse when learning from a text of `bytes` in one chunk (pattern `none`) needs more memory than
 * this machine has.
 */
export function checkLearning(bytes: number, pattern: Pattern = 'none', memory: number = memoryHere()): void {
  if (pattern !== 'none' || bytes * LEARNING_BYTES <= memory) return;
  throw misuse(
    `learning tokens from ${formatBytes(bytes)} in one piece takes ${formatBytes(bytes * LEARNING_BYTES)}, this machine has ${formatBytes(memory)}: give --pattern gpt2 (or gpt4, o200k), which learns from each word once, or a tokenizer by --tokenizer`,
  );
}

function memoryHere(): number {
  // The limit of a container; 0 or absurdly large if there is none.
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
