// Which windows of the training part a step reads: anywhere, or in each epoch every one once; across the
// borders of documents, or within them. Read next: data.ts, epoch.ts.
import { type Batch, type Tokens, windows } from '../model/batch.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Dataset, drawPlaces, randomBatch } from './data.ts';
import { epochPlan } from './epoch.ts';
import { trainingTokens } from './retokenise.ts';
import type { TrainSettings } from './settings.ts';
import { documentsOf, oneStretch, running, type Stretches, stretchOf } from './stretches.ts';

/** The batch of a step, from 1 on; see `stepBatches`. */
export type StepBatch = (step: number, signal?: AbortSignal) => Promise<Batch>;

/**
 * Draws the batches of a run: `batchSize * accumulate` windows of T tokens. A batch depends only on the seed
 * and the number of the step, so resuming needs no cursor. Throws where the data has no documents, or none as
 * long as a window, and these are asked for; and what `trainingTokens` throws.
 */
export function stepBatches(
  data: Dataset<Tokens>,
  tokenizer: Tokenizer | undefined,
  settings: Pick<
    TrainSettings,
    'batchSize' | 'accumulate' | 'seed' | 'sampling' | 'withinDocuments' | 'bpeDropout'
  >,
  T: number,
): StepBatch {
  const { batchSize, accumulate, seed, sampling, withinDocuments } = settings;
  const B = batchSize * accumulate;
  const tokensOf = trainingTokens(data, tokenizer, settings, B * T);
  if (sampling === 'random' && !withinDocuments)
    return async (step, signal) => randomBatch(await tokensOf(step, signal), B, T, { seed, index: step });
  if (sampling === 'epochs') {
    const { train, separator } = data;
    const plan = epochPlan(
      withinDocuments ? documentsOf(train, separator, T) : oneStretch(train.length),
      T,
      seed,
    );
    return async (step) => windows(train, plan((step - 1) * B, B), T);
  }
  const drawnFrom = (ids: Tokens) => ({ ids, ...anywhere(documentsOf(ids, data.separator, T), T) });
  let drawn = drawnFrom(data.train);
  return async (step, signal) => {
    const ids = await tokensOf(step, signal);
    if (drawn.ids !== ids) drawn = drawnFrom(ids);
    const { place, count } = drawn;
    const offsets = drawPlaces(count, B, { seed, index: step }).map(place);
    return windows(ids, offsets, T);
  };
}

/** All places where a window may begin: their number, and the place of each. */
function anywhere({ starts, lengths }: Stretches, T: number): { count: number; place(r: number): number } {
  const before = running(lengths.map((length) => length - T));
  return {
    count: before[starts.length],
    place(r) {
      const k = stretchOf(before, r);
      return starts[k] + r - before[k];
    },
  };
}
