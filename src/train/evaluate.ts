// The loss on a text: over all of it, or, as in the seed, over random batches.

import { pacemaker } from '../backend/pacemaker.ts';
import { callback, complete, integer, signal, type Table } from '../base/fields.ts';
import { formatAmount } from '../base/format.ts';
import { type Batch, consecutive, sliceBatch, type Tokens, windows } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import { cancellable } from './cancel.ts';
import { randomBatch } from './data.ts';

/** The loss of a set of predictions. */
export interface Evaluation {
  /** Mean, nats per token. */
  loss: number;
  /** Number of predictions. */
  tokens: number;
}

/** Tokens per forward pass: enough to use all cores, few enough to stay in the cache. */
const TOKENS_AT_ONCE = 2048;

/** Sequences of `T` tokens per forward pass. */
export function sequencesAtOnce(T: number): number {
  return Math.min(8, Math.max(1, Math.floor(TOKENS_AT_ONCE / T)));
}

/**
 * Mean loss over all of `ids` in consecutive windows of `blockSize` tokens (the last window may be shorter).
 * Every token but the first is predicted once. `maxTokens` stops early, after a whole window. Throws when
 * there is no token to predict.
 */
export async function evaluate(model: GPT, ids: Tokens, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { blockSize: T } = model.config;
  const { maxTokens, signal, onProgress } = complete(evaluateFields, options, 'evaluate');
  if (ids.length < 2)
    throw new Error(
      `nothing to predict in ${formatAmount(ids.length, 'token')}: an evaluation needs 2 or more`,
    );
  const total = { loss: 0, tokens: 0 };
  const pause = pacemaker(model.backend);
  for (const span of consecutive(ids.length, T, { maxTokens, sequences: sequencesAtOnce(T) })) {
    await addLosses(total, model, windows(ids, span.offsets, span.T), signal);
    onProgress?.(total.tokens, Math.min(maxTokens, ids.length - 1));
    await pause();
  }
  return { loss: total.loss / total.tokens, tokens: total.tokens };
}

export interface EvaluateOptions {
  /** Stop after about this many tokens. */
  maxTokens?: number;
  signal?: AbortSignal;
  /** Called now and then with the number of predictions made and in all. */
  onProgress?: (done: number, total: number) => void;
}

/** The options of `evaluate`. */
export const evaluateFields: Table<EvaluateOptions, 'maxTokens'> = {
  maxTokens: integer({
    about: 'stop after about this many tokens',
    min: 1,
    noLimit: true,
    default: Number.POSITIVE_INFINITY,
  }),
  signal: signal({ about: 'ends it' }),
  onProgress: callback({ about: 'called now and then with the predictions made and their number in all' }),
};

/**
 * The seed's method: the mean over `batches` random batches of `batchSize` windows. Throws when the text is
 * too short.
 */
export async function evaluateSampled(
  model: GPT,
  ids: Tokens,
  options: { batches: number; batchSize: number; seed: number } & Pick<
    EvaluateOptions,
    'signal' | 'onProgress'
  >,
): Promise<Evaluation> {
  const { blockSize: T } = model.config;
  if (ids.length < T + 1)
    throw new Error(`${formatAmount(ids.length, 'token')}: less than one window of ${T} + 1`);
  const total = { loss: 0, tokens: 0 };
  const pause = pacemaker(model.backend);
  for (let index = 0; index < options.batches; index++) {
    const batch = randomBatch(ids, options.batchSize, T, { seed: options.seed, index, use: 'eval' });
    for (let first = 0; first < batch.B; first += sequencesAtOnce(T)) {
      await addLosses(total, model, sliceBatch(batch, first, sequencesAtOnce(T)), options.signal);
      options.onProgress?.(total.tokens, options.batches * options.batchSize * T);
      await pause();
    }
  }
  return { loss: total.loss / total.tokens, tokens: total.tokens };
}

/** The loss of each token of one batch, nats [B * T]. */
export async function tokenLosses(model: GPT, { ids, targets, B, T }: Batch): Promise<Float32Array> {
  const losses = scope(() => {
    const [read, wanted] = [ids, targets].map((array) => tensor(array, [B, T], model.backend));
    return model.losses(read, wanted);
  });
  try {
    return await losses.data();
  } finally {
    losses.dispose();
  }
}

async function addLosses(
  total: Evaluation,
  model: GPT,
  batch: Batch,
  signal: AbortSignal | undefined,
): Promise<void> {
  const losses = await cancellable(model.backend, signal, () => tokenLosses(model, batch));
  for (const loss of losses) total.loss += loss;
  total.tokens += batch.B * batch.T;
}
