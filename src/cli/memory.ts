// The memory of a model or tokenizer, checked before it is made: flags can ask for more than any machine has.
import { totalmem } from 'node:os';
import { formatBytes, formatCount } from '../base/format.ts';
import type { GPTConfig } from '../model/config.ts';
import { countShapes } from '../model/shapes.ts';
import type { Pattern } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';

/** Bytes per weight while a model is trained: the weight, its gradient, two moments. */
export const TRAINING_BYTES = 16;

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
