// The memory of a model or tokenizer, checked before it is made: flags can ask for more than any machine has.
import { totalmem } from 'node:os';
import type { Backend } from '../backend/contract.ts';
import { formatBytes, formatCount } from '../base/format.ts';
import type { GPTConfig } from '../model/config.ts';
import { countShapes } from '../model/shapes.ts';
import type { Pattern } from '../tokenizer/index.ts';
import { trainingBytes } from '../train/memory.ts';
import type { TrainSettings } from '../train/settings.ts';
import { misuse } from './errors.ts';

/** Bytes per weight while a model is trained: the weight, its gradient, two moments. */
const TRAINING_BYTES = 16;

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

/** No engine has less. Trainings that need less are not compared with the engine's limit. */
const ENOUGH = 2 ** 30;

/**
 * Throws a misuse when a training takes more memory than its engine can have: 4 GiB of WebAssembly, or that
 * of this machine. `resumed`: its micro-batches are decided.
 */
export async function checkTraining(
  config: GPTConfig,
  settings: TrainSettings,
  engine: Backend,
  { resumed = false } = {},
): Promise<void> {
  checkMemory(config, TRAINING_BYTES);
  const bytes = await trainingBytes(config, settings);
  if (bytes <= ENOUGH) return;
  const { memoryLimit: limit = memoryHere() } = engine;
  if (bytes <= limit) return;
  const smaller = resumed ? null : await smallerMicroBatch(config, settings, limit);
  const fixes = [
    ...(smaller === null ? [] : [`--micro-batch ${smaller.microBatch} takes ${formatBytes(smaller.bytes)}`]),
    ...(resumed ? [] : ['lower --n-layer, --n-embd or --block-size']),
    ...(engine.memoryLimit === undefined ? [] : ['--backend native has what the machine has']),
  ];
  throw misuse(
    `this training takes ${formatBytes(bytes)}, with ${settings.microBatch} sequences of ${config.blockSize} tokens at a time, ` +
      `and the engine ${engine.name} has at most ${formatBytes(limit)} here: ${fixes.join('; or ')}`,
  );
}

/** The largest half, quarter ... of the micro-batch with which a training fits. */
async function smallerMicroBatch(
  config: GPTConfig,
  settings: TrainSettings,
  limit: number,
): Promise<{ microBatch: number; bytes: number } | null> {
  for (let microBatch = settings.microBatch >> 1; microBatch >= 1; microBatch >>= 1) {
    const bytes = await trainingBytes(config, { ...settings, microBatch });
    if (bytes <= limit) return { microBatch, bytes };
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
