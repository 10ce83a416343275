// The effect of an edit, from the same text with and without it; and the effect of removing each head in
// turn.
import { pacemaker } from '../backend/pacemaker.ts';
import { checkOptions, type Table } from '../base/fields.ts';
import type { ModelFolder } from '../model/folder.ts';
import { tapIn } from '../model/taps.ts';
import type { Edit } from './edit.ts';
import {
  type PredictionOptions,
  predictionFields,
  predictText,
  type TextPredictions,
} from './predictions.ts';

/** Predictions of a text with and without edits. */
export interface EditEffect {
  before: TextPredictions;
  after: TextPredictions;
  /**
   * Change of each token's loss, nats: above 0 the token became harder to predict. Null for the first token.
   */
  lossChange: (number | null)[];
}

/** Without the edits, which are an argument of their own. */
export type EffectOptions = Omit<PredictionOptions, 'edits'>;

/** The options of `editEffect`. */
export const effectFields: Table<EffectOptions, 'top'> = { top: predictionFields.top };

/** Predicts `ids` twice, without and with `edits`. */
export async function editEffect(
  folder: ModelFolder,
  ids: Int32Array,
  edits: readonly Edit[],
  options: EffectOptions = {},
): Promise<EditEffect> {
  checkOptions(effectFields, options, 'editEffect');
  const before = await predictText(folder, ids, options);
  const after = await predictText(folder, ids, { ...options, edits });
  const lossChange = before.tokens.map(({ loss }, i) => {
    const changed = after.tokens[i].loss;
    return loss === null || changed === null ? null : changed - loss;
  });
  return { before, after, lossChange };
}

/** How much one text depends on each part of the model. */
export interface Ablations {
  /** Mean loss of the text, nats. */
  loss: number;
  /** [layers][heads]: how much the mean loss rises when the output of that head is 0. */
  heads: number[][];
  /** [layers]: how much it rises when the attention, or the MLP, of a block adds nothing. */
  attention: number[];
  mlp: number[];
}

/**
 * Sets each head, each attention and each MLP to zero in turn. Throws for a text of fewer than two tokens.
 */
export async function ablate(folder: ModelFolder, ids: Int32Array): Promise<Ablations> {
  const { nLayer, nHead } = folder.model.config;
  const pause = pacemaker(folder.model.backend);
  const loss = async (...edits: Edit[]): Promise<number> => {
    const { loss } = await predictText(folder, ids, { top: 0, edits });
    await pause();
    if (loss === null) throw new Error('a text of one token has no loss: 2 or more are needed');
    return loss;
  };
  const base = await loss();
  const without = async (tap: string, units?: number[]): Promise<number> =>
    (await loss({ tap, units, change: { set: 0 } })) - base;
  const result: Ablations = { loss: base, heads: [], attention: [], mlp: [] };
  for (let layer = 0; layer < nLayer; layer++) {
    const row: number[] = [];
    for (let head = 0; head < nHead; head++) row.push(await without(tapIn(layer, 'attn.heads'), [head]));
    result.heads.push(row);
    result.attention.push(await without(tapIn(layer, 'attn.out')));
    result.mlp.push(await without(tapIn(layer, 'mlp.out')));
  }
  return result;
}
