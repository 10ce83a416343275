// What a model thinks of a text: how likely it found each token, what it expected in its place, and what
// comes next.

import { entropy, mean, softmax } from '../base/statistics.ts';
import type { ModelFolder } from '../model/folder.ts';
import type { GPT } from '../model/gpt.ts';
import { scope } from '../tensor/scope.ts';
import { tensor } from '../tensor/tensor.ts';
import { type Edit, editTap } from './edit.ts';
import { checkPrompt, type TokenChoice, topTokens } from './prompt.ts';

/**
 * A token of a text, as the model saw it coming. The first token was predicted by nothing: its numbers are
 * null.
 */
export interface TokenPrediction {
  id: number;
  text: string;
  /** Nats: -ln probability. */
  loss: number | null;
  probability: number | null;
  /** 1 where it was the most likely of all. */
  rank: number | null;
  /** Of the distribution that it was drawn from, nats: how sure the model was of anything. */
  entropy: number | null;
  /** What was expected, the most likely first. */
  expected: TokenChoice[];
}

/** A text as a model sees it. */
export interface TextPredictions {
  tokens: TokenPrediction[];
  /** What would come after the last token, the most likely first. */
  next: TokenChoice[];
  /** Mean over all tokens but the first, nats; null where there is only one. */
  loss: number | null;
}

export interface PredictionOptions {
  /** How many of the expected tokens to name. */
  top?: number;
  edits?: readonly Edit[];
}

/**
 * Predicts every token of `ids` from those before it. A text longer than the context is read in windows that
 * overlap by half, so that each token is predicted from at least half a context; with `edits` it must fit
 * one. Throws for a text of no tokens.
 */
export async function predictText(
  { model, tokenizer }: ModelFolder,
  ids: Int32Array,
  options: PredictionOptions = {},
): Promise<TextPredictions> {
  const { top = 5, edits } = options;
  // An edit names positions of one pass: a text that takes several is not one prompt.
  checkPrompt(edits ? ids : ids.subarray(0, model.config.blockSize), model.config);
  const { vocabSize: V } = model.config;
  const tokens: TokenPrediction[] = [unpredicted(ids[0], tokenizer.tokenText(ids[0]))];
  let next: TokenChoice[] = [];
  for (const { from, to, fresh } of windowsOver(ids.length, model.config.blockSize)) {
    const logits = await logitsOf(model, ids.subarray(from, to), edits); // [T, V]
    for (let t = fresh; t < to; t++) {
      const probabilities = softmax(logits.subarray((t - from) * V, (t - from + 1) * V));
      const expected = topTokens(probabilities, top, tokenizer);
      if (t + 1 < ids.length)
        tokens.push(predicted(ids[t + 1], tokenizer.tokenText(ids[t + 1]), probabilities, expected));
      else next = expected;
    }
  }
  const losses = tokens.flatMap(({ loss }) => loss ?? []);
  const loss = losses.length > 0 ? mean(losses) : null;
  return { tokens, next, loss };
}

function unpredicted(id: number, text: string): TokenPrediction {
  return { id, text, loss: null, probability: null, rank: null, entropy: null, expected: [] };
}

function predicted(
  id: number,
  text: string,
  probabilities: Float32Array,
  expected: TokenChoice[],
): TokenPrediction {
  const probability = probabilities[id];
  return {
    id,
    text,
    probability,
    expected,
    loss: -Math.log(probability),
    rank: 1 + probabilities.reduce((n, p) => (p > probability ? n + 1 : n), 0),
    entropy: entropy(probabilities),
  };
}

/**
 * Parts of a text of `length` tokens, none longer than `size`; from `fresh` on, positions no part before had.
 */
function windowsOver(length: number, size: number): { from: number; to: number; fresh: number }[] {
  const parts = [{ from: 0, to: Math.min(length, size), fresh: 0 }];
  const step = Math.max(1, size >> 1);
  for (let to = parts[0].to; to < length; ) {
    const fresh = to;
    to = Math.min(length, to + step);
    parts.push({ from: to - size, to, fresh });
  }
  return parts;
}

/** Logits of one sequence, [T, V]. */
async function logitsOf(model: GPT, ids: Int32Array, edits: readonly Edit[] = []): Promise<Float32Array> {
  const tap = edits.length > 0 ? editTap(edits, model.config) : undefined;
  const logits = scope(() => model.forward(tensor(ids, [1, ids.length], model.backend), { tap })); // [1, T, V]
  try {
    return await logits.data();
  } finally {
    logits.dispose();
  }
}
