// What a model would take, before it is made: flags can ask for more than any machine has.
import { totalmem } from 'node:os';
import type { GPTConfig } from '../model/config.ts';
import { countShapes } from '../model/shapes.ts';
import { formatBytes, formatCount } from '../report/format.ts';
import { misuse } from './errors.ts';

/** Bytes that each weight takes while a model is trained: itself, its gradient, two moments. */
export const TRAINING_BYTES = 16;

/** Throws a misuse when the weights alone, `bytes` each, are more than this machine's memory, or than this process may have of it. */
export function checkMemory(config: GPTConfig, bytes: number, memory: number = memoryHere()): void {
  const count = countShapes(config);
  if (count * bytes <= memory) return;
  throw misuse(
    `a model of ${formatCount(count)} parameters takes ${formatBytes(count * bytes)} (${bytes} bytes each), this machine has ${formatBytes(memory)}: lower --n-layer or --n-embd`,
  );
}

function memoryHere(): number {
  const limit = process.constrainedMemory?.() ?? 0; // that of a container; 0 or absurdly large where there is none
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
