// The loss on a text: over all of it, or, as in the seed, over random batches.

import { pacemaker } from '../backend/pacemaker.ts';
import { concatFloats } from '../base/concat.ts';
import { callback, complete, having, integer, signal, type Table } from '../base/fields.ts';
import { formatAmount } from '../base/format.ts';
import { type Batch, consecutive, type Span, sliceBatch, type Tokens, windows } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import { cancellable } from './cancel.ts';
import { bytesOf, type Communicator, gather } from './communicator.ts';
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
  const { maxTokens, ranks, signal, onProgress } = complete(evaluateFields, options, 'evaluate');
  if (ids.length < 2)
    throw new Error(
      `nothing to predict in ${formatAmount(ids.length, 'token')}: an evaluation needs 2 or more`,
    );
  const spans = consecutive(ids.length, T, { maxTokens, sequences: sequencesAtOnce(T) });
  const total = Math.min(maxTokens, ids.length - 1);
  const onDone = (done: number): void => onProgress?.(done, total);
  return meanLoss(model, piecesOf(ids, spans), { ranks, signal, onDone });
}

function* piecesOf(ids: Tokens, spans: Iterable<Span>): Generator<Piece, void> {
  for (const { offsets, T } of spans)
    yield { tokens: offsets.length * T, batch: () => windows(ids, offsets, T) };
}

export interface EvaluateOptions {
  /** Stop after about this many tokens. */
  maxTokens?: number;
  /** Processes that share it, each with an equal call. The loss is that of one process, to the bit. */
  ranks?: Communicator;
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
  ranks: having('exchange', 'a Communicator', { about: 'other processes that share it' }),
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
    'ranks' | 'signal' | 'onProgress'
  >,
): Promise<Evaluation> {
  const { blockSize: T } = model.config;
  if (ids.length < T + 1)
    throw new Error(`${formatAmount(ids.length, 'token')}: less than one window of ${T} + 1`);
  const { batches, batchSize, ranks, signal, onProgress } = options;
  const onDone = (done: number): void => onProgress?.(done, batches * batchSize * T);
  return meanLoss(model, sampledPieces(ids, T, options), { ranks, signal, onDone });
}

function* sampledPieces(
  ids: Tokens,
  T: number,
  { batches, batchSize, seed }: { batches: number; batchSize: number; seed: number },
): Generator<Piece, void> {
  for (let index = 0; index < batches; index++) {
    const batch = randomBatch(ids, batchSize, T, { seed, index, use: 'eval' });
    for (let first = 0; first < batch.B; first += sequencesAtOnce(T)) {
      const piece = sliceBatch(batch, first, sequencesAtOnce(T));
      yield { tokens: piece.B * T, batch: () => piece };
    }
  }
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

/** What one forward pass evaluates. */
interface Piece {
  /** Number of predictions. */
  tokens: number;
  batch(): Batch;
}

/**
 * The mean over all pieces. Of several ranks each evaluates every `size`-th piece; then all losses are added
 * in the order of the text, as one process adds them.
 */
async function meanLoss(
  model: GPT,
  pieces: Iterable<Piece>,
  { ranks, signal, onDone }: Pick<EvaluateOptions, 'ranks' | 'signal'> & { onDone: (tokens: number) => void },
): Promise<Evaluation> {
  const { rank, size } = ranks ?? { rank: 0, size: 1 };
  const own: Float32Array[] = [];
  const lengths: number[] = [];
  const total = { loss: 0, tokens: 0 };
  const pause = pacemaker(model.backend);
  for (const { tokens, batch } of pieces) {
    const mine = lengths.length % size === rank;
    lengths.push(tokens);
    total.tokens += tokens;
    if (!mine) continue;
    const losses = await cancellable(model.backend, signal, () => tokenLosses(model, batch()));
    if (ranks) own.push(losses);
    else for (const loss of losses) total.loss += loss;
    onDone(total.tokens);
    await pause();
  }
  if (ranks) for (const loss of await inOrder(ranks, own, lengths, signal)) total.loss += loss;
  return { loss: total.loss / total.tokens, tokens: total.tokens };
}

/** The losses of all pieces, whose lengths are given, from the ranks that have them. */
async function inOrder(
  ranks: Communicator,
  own: readonly Float32Array[],
  lengths: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const all = (await gather(ranks, bytesOf(concatFloats(own)), signal)).map(
    ({ buffer, byteOffset, length }) => new Float32Array(buffer, byteOffset, length / 4),
  );
  const read = all.map(() => 0);
  return concatFloats(
    lengths.map((length, index) => {
      const rank = index % ranks.size;
      read[rank] += length;
      return all[rank].subarray(read[rank] - length, read[rank]);
    }),
  );
}
