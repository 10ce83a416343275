// The logit lens (nostalgebraist 2020): what the model would predict after each block if the later blocks
// were missing. The residual stream after each block is read by the final norm and the head, although these
// were trained only on its last state.
import { complete, integer, type Table } from '../base/fields.ts';
import { divergence, entropy, softmax } from '../base/statistics.ts';
import type { ModelFolder } from '../model/folder.ts';
import { isTap } from '../model/taps.ts';
import { keep, scope } from '../tensor/scope.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { type Edit, editsField, editTap, joinTaps } from './edit.ts';
import { checkPrompt, type TokenChoice, topTokens } from './prompt.ts';

/** The prediction after one layer at one position. */
export interface LensCell {
  /** The most likely next tokens. */
  top: TokenChoice[];
  /** Entropy of the prediction, nats. */
  entropy: number;
  /** KL(last layer || this layer), nats: distance from the model's final prediction. 0 in the last row. */
  kl: number;
  /** Probability of the token that follows in the text; null at its end. */
  actual: number | null;
}

/** The lens over a prompt. */
export interface Lens {
  /** The prompt. */
  tokens: { id: number; text: string }[];
  /** One row per place in the residual stream, in the order of computation: `embed`, `blocks.0.out`, ... */
  rows: { name: string; cells: LensCell[] }[];
}

export interface LensOptions {
  /** Number of tokens to list in each cell. Default 3. */
  top?: number;
  /** Changes to make in the pass. */
  edits?: readonly Edit[];
}

/** The options of `logitLens`. */
export const lensFields: Table<LensOptions, 'top'> = {
  top: integer({ about: 'number of likely tokens to list', min: 1, default: 3 }),
  edits: editsField,
};

/**
 * Runs `ids` (at most `blockSize` of them), and reads the residual stream after the embedding and after every
 * block.
 */
export async function logitLens(
  { model, tokenizer }: ModelFolder,
  ids: Int32Array,
  options: LensOptions = {},
): Promise<Lens> {
  const { top, edits = [] } = complete(lensFields, options, 'logitLens');
  checkPrompt(ids, model.config);
  const V = model.config.vocabSize;
  const read: { name: string; logits: Tensor }[] = [];
  const tap = joinTaps(editTap(edits, model.config), {
    wants: (name) => name === 'embed' || isTap(name, 'out'),
    value: (name, x) => read.push({ name, logits: keep(scope(() => model.unembed(x))) }), // [1, T, V]
  });
  scope(() => {
    model.forward(tensor(ids, [1, ids.length], model.backend), { tap });
  });
  const rows: { name: string; distributions: Float32Array[] }[] = [];
  for (const { name, logits } of read) {
    const values = await logits.data();
    logits.dispose();
    rows.push({
      name,
      distributions: Array.from(ids, (_, t) => softmax(values.subarray(t * V, (t + 1) * V))),
    });
  }
  const final = rows[rows.length - 1].distributions;
  return {
    tokens: Array.from(ids, (id) => ({ id, text: tokenizer.tokenText(id) })),
    rows: rows.map(({ name, distributions }) => ({
      name,
      cells: distributions.map((p, t) => ({
        top: topTokens(p, top, tokenizer),
        entropy: entropy(p),
        kl: divergence(final[t], p),
        actual: t + 1 < ids.length ? p[ids[t + 1]] : null,
      })),
    })),
  };
}
