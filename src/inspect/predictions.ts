// The predictions of a model along a text: how probable each token was, which tokens were expected, and what
// comes next.

import { pacemaker } from '../backend/pacemaker.ts';
import { complete, integer, type Table } from '../base/fields.ts';
import { entropy, mean, softmax } from '../base/statistics.ts';
import type { ModelFolder } from '../model/folder.ts';
import { logitsOf } from '../model/logits.ts';
import { type Edit, editsField, editTap } from './edit.ts';
import { checkPrompt, type TokenChoice, topTokens } from './prompt.ts';

/**
 * A token of a text and its prediction. The first token has no prediction: its numbers are null.
 */
export interface TokenPrediction {
  id: number;
  text: string;
  /** Nats: -ln probability. */
  loss: number | null;
  probability: number | null;
  /** 1 for the most likely token. */
  rank: number | null;
  /** Entropy of the predicted distribution, nats: 0 where the model was certain. */
  entropy: number | null;
  /** The expected tokens, most likely first. */
  expected: TokenChoice[];
}

/** The predictions along a text. */
export interface TextPredictions {
  tokens: TokenPrediction[];
  /** The most likely tokens after the end of the text, most likely first. */
  next: TokenChoice[];
  /** Mean over all tokens but the first, nats; null where there is only one. */
  loss: number | null;
}

export interface PredictionOptions {
  /** Number of expected tokens to list. */
  top?: number;
  edits?: readonly Edit[];
}

/** The options of `predictText`. */
export const predictionFields: Table<PredictionOptions, 'top'> = {
  top: integer({ about: 'number of expected tokens to list', min: 0, default: 5 }),
  edits: editsField,
};

/**
 * Predicts every token of `ids` from those before it. A text longer than the context is read in windows that
 * overlap by half, so that each token is predicted from at least half a context. With `edits` it must fit one
 * window. Throws for a text without tokens.
 */
export async function predictText(
  { model, tokenizer }: ModelFolder,
  ids: Int32Array,
  options: PredictionOptions = {},
): Promise<TextPredictions> {
  const { top, edits } = complete(predictionFields, options, 'predictText');
  // An edit selects positions of one pass, so with edits the text must fit one window.
  checkPrompt(edits ? ids : ids.subarray(0, model.config.blockSize), model.config);
  const { vocabSize: V } = model.config;
  const tap = edits && editTap(edits, model.config);
  const tokens: TokenPrediction[] = [unpredicted(ids[0], tokenizer.tokenText(ids[0]))];
  let next: TokenChoice[] = [];
  const pause = pacemaker(model.backend);
  for (const { from, to, fresh } of windowsOver(ids.length, model.config.blockSize)) {
    const window = { ids: ids.subarray(from, to), B: 1, T: to - from };
    const logits = await logitsOf(model, window, { tap }); // [T, V]
    for (let t = fresh; t < to; t++) {
      const probabilities = softmax(logits.subarray((t - from) * V, (t - from + 1) * V));
      const expected = topTokens(probabilities, top, tokenizer);
      if (t + 1 < ids.length)
        tokens.push(predicted(ids[t + 1], tokenizer.tokenText(ids[t + 1]), probabilities, expected));
      else next = expected;
    }
    await pause();
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
 * Windows over a text of `length` tokens, none longer than `size`. Positions from `fresh` on are in no
 * earlier window.
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
