// What was seen inside a model, as look.json and the files of `inspect --out` hold it.
import {
  array,
  integer,
  nullable,
  number,
  object,
  optional,
  type Schema,
  string,
  where,
} from '../base/schema.ts';
import type { HeadSummary } from '../inspect/attention.ts';
import type { Lens, LensCell } from '../inspect/lens.ts';
import type { TokenChoice } from '../inspect/prompt.ts';
import type { Looks, RunLook, SavedAttention, SavedLoss } from './run-look.ts';

const count = integer({ min: 0 });
const share = number({ min: 0, max: 1 });
/** Losses, entropies, sums of shares: none is negative, but for rounding. */
const nats = number({ min: -1e-3 });

/** `attention.json` */
export const attentionFile: Schema<SavedAttention> = where(
  object<SavedAttention>({
    tokens: array(string, { min: 1 }),
    layers: integer({ min: 1 }),
    heads: integer({ min: 1 }),
    probabilities: array(share),
  }),
  ({ tokens: { length: T }, layers, heads, probabilities: { length } }) =>
    length === layers * heads * T * T
      ? null
      : `${length} probabilities are not layers ${layers} x heads ${heads} x ${T} x ${T} tokens`,
);

/** `attention-heads.json` */
export const headsFile: Schema<HeadSummary[]> = array(
  object<HeadSummary>({
    layer: count,
    head: count,
    entropy: nats,
    distance: number({ min: 0 }),
    previous: nats,
    self: nats,
    first: nats,
    induction: nullable(nats),
  }),
);

const choice = object<TokenChoice>({ id: count, text: string, probability: share });

const losses: Schema<SavedLoss[]> = array(
  object<SavedLoss>({
    text: string,
    loss: nullable(nats),
    probability: optional(nullable(share)),
    expected: optional(array(choice)),
  }),
);

/** `token-loss.json` */
export const lossesFile: Schema<{ tokens: SavedLoss[] }> = object({ tokens: losses });

/** `logit-lens.json` */
export const lensFile: Schema<Lens> = where(
  object<Lens>({
    tokens: array(object({ id: count, text: string }), { min: 1 }),
    rows: array(
      object({
        name: string,
        cells: array(
          object<LensCell>({
            top: array(choice, { min: 1 }),
            entropy: nats,
            kl: nats,
            actual: nullable(share),
          }),
        ),
      }),
      { min: 1 },
    ),
  }),
  ({ tokens, rows }) => {
    const wrong = rows.findIndex(({ cells }) => cells.length !== tokens.length);
    return wrong < 0
      ? null
      : `rows[${wrong}] has ${rows[wrong].cells.length} cells for ${tokens.length} tokens`;
  },
);

/** `look.json` */
export const lookFile: Schema<RunLook> = object<RunLook>({
  step: count,
  attention: optional(attentionFile),
  heads: optional(headsFile as Schema<NonNullable<Looks['heads']>>),
  tokens: optional(losses as Schema<NonNullable<Looks['tokens']>>),
  lens: optional(lensFile),
});
