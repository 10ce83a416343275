// Encodes the training part with new tokens in every epoch: BPE dropout (Provilkov et al. 2020), as
// augmentation of small data. Read next: tokenizer/bpe-dropout.ts.

import { concatTokens } from '../base/concat.ts';
import type { Tokens } from '../model/batch.ts';
import { createRandom, STREAMS } from '../tensor/random.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Dataset } from './data.ts';
import type { TrainSettings } from './settings.ts';

/** The tokens from which a step draws its windows; see `trainingTokens`. */
export type StepTokens = (step: number, signal?: AbortSignal) => Promise<Tokens>;

/**
 * The tokens from which a step draws its windows. With `bpeDropout` 0 these are the training part itself.
 * Otherwise they are exactly its bytes, encoded again whenever as many tokens as it has were drawn. The
 * encoding depends only on the seed and the number of the step, so resuming needs nothing else. The event
 * loop turns meanwhile. `signal` aborts: the promise rejects with its reason. Throws where the tokenizer is
 * missing or is another one.
 */
export function trainingTokens(
  data: Dataset<Tokens>,
  tokenizer: Tokenizer | undefined,
  { bpeDropout: p, seed }: Pick<TrainSettings, 'bpeDropout' | 'seed'>,
  tokensPerStep: number,
): StepTokens {
  if (p === 0) return async () => data.train;
  if (!tokenizer) throw new Error(`bpeDropout ${p} needs a tokenizer: pass the one of the data`);
  if (tokenizer.vocabSize !== data.vocabSize) {
    throw new Error(`the tokenizer has ${tokenizer.vocabSize} tokens, the data's ${data.vocabSize}`);
  }
  const { train } = data;
  if (!(train instanceof Int32Array))
    throw new Error(
      `bpeDropout ${p} encodes the text again in every epoch, and a tokens file has no text: leave it out`,
    );
  const texts = betweenSpecials(train, tokenizer);
  const encode = async (epoch: number, signal?: AbortSignal): Promise<Int32Array> => {
    const random = createRandom({ seed, stream: STREAMS.bpeDropout, position: epoch * 2 ** 32 });
    const options = { otherSpecial: 'text', dropout: { p, random }, signal } as const;
    const parts: Int32Array[] = [];
    for (const { bytes, special } of texts) parts.push(await tokenizer.encodeAsync(bytes, options), special);
    return concatTokens(parts);
  };
  let current = { epoch: -1, ids: train };
  return async (step, signal) => {
    const epoch = Math.floor(((step - 1) * tokensPerStep) / train.length);
    if (epoch !== current.epoch) current = { epoch, ids: await encode(epoch, signal) };
    return current.ids;
  };
}

/**
 * The text between special tokens, which stay as they are: each stretch with the special token after it, the
 * last one without.
 */
function betweenSpecials(
  ids: Int32Array,
  tokenizer: Tokenizer,
): { bytes: Uint8Array; special: Int32Array }[] {
  const specials = new Set(tokenizer.specialTokens.values());
  const texts: { bytes: Uint8Array; special: Int32Array }[] = [];
  let from = 0;
  for (let i = 0; i <= ids.length; i++) {
    if (i < ids.length && !specials.has(ids[i])) continue;
    texts.push({ bytes: tokenizer.decodeBytes(ids.subarray(from, i)), special: ids.subarray(i, i + 1) });
    from = i + 1;
  }
  return texts;
}
