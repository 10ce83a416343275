// The speed of generation: greedy, with a KV cache, timed.
import { median } from '../base/statistics.ts';
import { createContext } from '../generate/context.ts';
import { argmax } from '../generate/sampler.ts';
import type { GPT } from '../model/gpt.ts';

/** Tokens per second of each model, and the method. */
export interface Speed {
  before: number;
  after: number;
  /** What was timed, in words. */
  method: string;
}

const ROUNDS = 5;

/**
 * Milliseconds of generation before timing: caches fill, and JavaScript is compiled.
 */
const WARM_UP_MS = 500;

/**
 * Times both models alternately, so that a busy machine slows both. Each run starts from token 0 and
 * generates `tokens` tokens (at most as many as fit the window of both). `onProgress` counts the runs of
 * both.
 */
export async function measureSpeed(
  before: GPT,
  after: GPT,
  tokens = 128,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<Speed> {
  const n = Math.min(tokens, before.config.blockSize, after.config.blockSize);
  const seconds: [number[], number[]] = [[], []];
  const turn = async (): Promise<void> => {
    for (const [i, model] of [before, after].entries()) {
      signal?.throwIfAborted();
      const start = performance.now();
      await write(model, n);
      seconds[i].push((performance.now() - start) / 1000);
    }
  };
  const start = performance.now();
  do await turn();
  while (performance.now() - start < WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    onProgress?.(round, ROUNDS);
    await turn();
  }
  onProgress?.(ROUNDS, ROUNDS);
  const [a, b] = seconds.map((runs) => n / median(runs.slice(-ROUNDS)));
  const engines = [...new Set([before, after].map((model) => model.backend.description))].join(' and ');
  const method = `median of ${ROUNDS} runs each, in turns, after warming up; ${n} greedy tokens from an empty context, one sequence, KV cache; ${engines}`;
  return { before: a, after: b, method };
}

async function write(model: GPT, tokens: number): Promise<void> {
  const context = createContext(model);
  try {
    for (let next = 0, n = 0; n < tokens; n++) next = argmax(await context.read([next]));
  } finally {
    context.dispose();
  }
}
