// Text as training sees it: token ids, split in two, and the random windows of a batch.
import { createRandom } from '../tensor/random.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** A tokenised text, split for training and validation. */
export interface Dataset {
  /** Token ids that the model learns from. */
  train: Int32Array;
  /** Token ids that it is only measured on. */
  val: Int32Array;
  /** Mean bytes of text per token of the validation part: turns nats per token into bits per byte. */
  valBytesPerToken: number;
  vocabSize: number;
}

/** Inputs and targets of a batch: `targets[i]` follows `ids[i]`. Both [B, T], row-major. */
export interface Batch {
  ids: Int32Array;
  targets: Int32Array;
  B: number;
  T: number;
}

/**
 * Encodes `text` and splits it by tokens: the first part trains, the rest validates.
 * Throws when `trainFraction` leaves nothing for one of them.
 */
export function dataset(text: string | Uint8Array, tokenizer: Tokenizer, trainFraction = 0.9): Dataset {
  if (!(trainFraction > 0 && trainFraction < 1)) {
    throw new Error(
      `trainFraction ${trainFraction} is not between 0 and 1: 0.9 trains on the first 90 % of the tokens`,
    );
  }
  const ids = tokenizer.encode(text, { allowedSpecial: 'all' }); // special tokens separate the texts of a corpus
  const cut = Math.floor(trainFraction * ids.length);
  const train = ids.subarray(0, cut);
  const val = ids.subarray(cut);
  if (train.length < 2 || val.length < 2) {
    throw new Error(
      `the text has ${ids.length} tokens: too short to split into training and validation (2 tokens each at least)`,
    );
  }
  const valBytesPerToken = tokenizer.decodeBytes(val).length / val.length;
  return { train, val, valBytesPerToken, vocabSize: tokenizer.vocabSize };
}

/** Throws when a part of the data is shorter than one window of the model, or the vocabularies differ. */
export function checkDataset(data: Dataset, config: { blockSize: number; vocabSize: number }): void {
  const { blockSize: T, vocabSize: V } = config;
  if (data.vocabSize !== V) {
    throw new Error(
      `the tokenizer has ${data.vocabSize} tokens, the model ${V}: use the tokenizer it was made for`,
    );
  }
  if (data.train.length < T + 1) {
    throw new Error(
      `the training part has ${data.train.length} tokens, a window needs ${T + 1}: use a longer text or a blockSize below ${data.train.length}`,
    );
  }
}

/** Random streams of batches, to learn from and to be measured on; a run's batches are none that it is measured on. */
const STREAMS = { train: 1, eval: 3 } as const;

/**
 * Batch number `index`: `B` windows of `T` tokens at uniformly random offsets, with replacement. `seed` and the number decide
 * them, so that resuming needs no cursor.
 */
export function randomBatch(
  ids: Int32Array,
  B: number,
  T: number,
  { seed, index, use = 'train' }: { seed: number; index: number; use?: keyof typeof STREAMS },
): Batch {
  const random = createRandom({ seed, stream: STREAMS[use], position: index * B });
  const offsets = Array.from({ length: B }, () => random.int(ids.length - T));
  return windows(ids, offsets, T);
}

/** The windows that start at `offsets`, each with its targets one token further on. */
export function windows(ids: Int32Array, offsets: readonly number[], T: number): Batch {
  const B = offsets.length;
  const batch = { ids: new Int32Array(B * T), targets: new Int32Array(B * T), B, T };
  offsets.forEach((at, b) => {
    batch.ids.set(ids.subarray(at, at + T), b * T);
    batch.targets.set(ids.subarray(at + 1, at + 1 + T), b * T);
  });
  return batch;
}

/** Sequences first .. first + count of a batch. */
export function sliceBatch(batch: Batch, first: number, count: number): Batch {
  const { T } = batch;
  const B = Math.min(count, batch.B - first);
  const cut = (x: Int32Array): Int32Array => x.subarray(first * T, (first + B) * T);
  return { ids: cut(batch.ids), targets: cut(batch.targets), B, T };
}
