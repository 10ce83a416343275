// How closely the predictions of two models agree on a text: their losses, and the distance between their
// distributions.

import { pacemaker } from '../backend/pacemaker.ts';
import { callback, complete, integer, signal, type Table } from '../base/fields.ts';
import { formatAmount } from '../base/format.ts';
import { scaledExp } from '../base/statistics.ts';
import { argmax } from '../generate/sampler.ts';
import { consecutive, type Tokens, windows } from '../model/batch.ts';
import type { GPT } from '../model/gpt.ts';
import { logitsOf } from '../model/logits.ts';

/** Means over the predicted tokens of a text. */
export interface Agreement {
  tokens: number;
  /** Mean cross-entropy of each model, nats per token. */
  lossBefore: number;
  lossAfter: number;
  /** Mean of KL(before || after) = sum of p ln(p / q) over the vocabulary, nats per token. */
  kl: number;
  /** Share of positions at which both models have the same most likely token. */
  top1: number;
}

export interface AgreementOptions {
  /** Stops after about this many tokens. Default: all. */
  maxTokens?: number;
  signal?: AbortSignal;
  /** Called now and then with the number of tokens done and in all. */
  onProgress?: (done: number, total: number) => void;
}

/** The options of `measureAgreement`. */
export const agreementFields: Table<AgreementOptions, 'maxTokens'> = {
  maxTokens: integer({
    about: 'compare on about this many validation tokens',
    min: 1,
    noLimit: true,
    default: Number.POSITIVE_INFINITY,
  }),
  signal: signal({ about: 'ends it' }),
  onProgress: callback({ about: 'called now and then with the tokens done and their number in all' }),
};

/** Sequences per forward pass. */
const SEQUENCES = 8;

/**
 * Runs both models over `ids` in consecutive windows of the smaller block size, as `evaluate` does: every
 * token but the first is predicted once. Throws when there is no token to predict or the vocabularies differ.
 */
export async function measureAgreement(
  before: GPT,
  after: GPT,
  ids: Tokens,
  options: AgreementOptions = {},
): Promise<Agreement> {
  const { maxTokens, signal, onProgress } = complete(agreementFields, options, 'measureAgreement');
  const { vocabSize: V } = before.config;
  if (after.config.vocabSize !== V) {
    throw new Error(
      `the models have ${V} and ${after.config.vocabSize} tokens: only models with the same tokenizer can be compared`,
    );
  }
  if (ids.length < 2)
    throw new Error(`nothing to predict in ${formatAmount(ids.length, 'token')}: 2 or more are needed`);
  const T = Math.min(before.config.blockSize, after.config.blockSize);
  const spans = [...consecutive(ids.length, T, { maxTokens, sequences: SEQUENCES })];
  const total = spans.reduce((sum, { offsets, T }) => sum + offsets.length * T, 0);
  const sums: Agreement = { tokens: 0, lossBefore: 0, lossAfter: 0, kl: 0, top1: 0 };
  const pause = pacemaker(before.backend);
  for (const { offsets, T } of spans) {
    signal?.throwIfAborted();
    const batch = windows(ids, offsets, T);
    const p = await logitsOf(before, batch); // [B * T, V]
    const q = await logitsOf(after, batch);
    for (let row = 0; row < batch.targets.length; row++) {
      addRow(
        sums,
        p.subarray(row * V, (row + 1) * V),
        q.subarray(row * V, (row + 1) * V),
        batch.targets[row],
      );
    }
    onProgress?.(sums.tokens, total);
    await pause();
  }
  const { tokens, lossBefore, lossAfter, kl, top1 } = sums;
  return {
    tokens,
    lossBefore: lossBefore / tokens,
    lossAfter: lossAfter / tokens,
    kl: kl / tokens,
    top1: top1 / tokens,
  };
}

/** Adds one position: the logits `a` and `b` [V] of the two models, and the actual token. */
function addRow(sums: Agreement, a: Float32Array, b: Float32Array, target: number): void {
  const topA = argmax(a);
  const topB = argmax(b);
  const { weights, sum, logSum: logSumA } = scaledExp(a, a[topA]);
  const { logSum: logSumB } = scaledExp(b, b[topB]);
  let difference = 0; // sum of weights * (a - b)
  for (let v = 0; v < a.length; v++) difference += weights[v] * (a[v] - b[v]);
  sums.tokens++;
  sums.lossBefore += logSumA - a[target];
  sums.lossAfter += logSumB - b[target];
  // sum of p ((a - logSumA) - (b - logSumB)), p = exp(a - logSumA).
  sums.kl += difference / sum - logSumA + logSumB;
  sums.top1 += topA === topB ? 1 : 0;
}
