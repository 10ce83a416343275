// How much edits inside a model changed the loss of each token of a text.

import { formatChange } from '../base/format.ts';
import { mean } from '../base/statistics.ts';
import { visibleLine } from '../base/visible.ts';
import type { Figure, Finding } from './figure.ts';
import { choicesLine } from './labels.ts';
import type { Table } from './table.ts';
import { EASY, HARD, known, MAX_LOSS_TOKENS, textPicture } from './text-bars.ts';

/** A text with and without edits. */
export interface EditedText {
  /** The edits as written, `blocks.3.attn.heads[2]=0`. */
  edits: string;
  tokens: readonly EditedToken[];
}

/** A token and the effect of edits on it. Absent fields were not stored. */
export interface EditedToken {
  text: string;
  /** Nats: above 0 the token became harder to predict. Null for the first token. */
  change: number | null;
  /** Loss, nats. */
  before?: number | null;
  after?: number | null;
  /** The tokens that are expected now. */
  expected?: readonly { text: string; probability: number }[];
}

/**
 * Draws `loss-change`: how much an edit changed the loss of each token; bars point upwards where it rose.
 * Throws as `tokenLossFigure` does.
 */
export function lossChangeFigure({ tokens, edits }: EditedText): Figure {
  const all = known(tokens.map(({ change }) => change));
  const average = mean(all);
  const most = Math.max(0.1, ...all.map(Math.abs));
  const reach = most < 1 ? Math.ceil(10 * most) / 10 : Math.ceil(most);
  const bars = tokens.map(({ text, change }) => ({
    text,
    value: change,
    color: Number(change) > 0 ? HARD : EASY,
  }));
  const title = 'What an edit does';
  const subtitle = `${edits}: change of each token's loss, mean ${average.toFixed(3)} nats; orange harder, blue easier`;
  const svg = textPicture(title, subtitle.replaceAll('-', '−'), bars, { low: -reach, high: reach, mark: 0 });
  return {
    name: 'loss-change',
    title,
    svg,
    data: { edits, mean: average, tokens },
  };
}

const ROWS = 10;

/** The tokens whose loss changed most; null if none did. */
export function changesTable({ tokens }: EditedText): Table | null {
  const most = tokens
    .flatMap((token) => (token.change ? [{ ...token, change: token.change }] : []))
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .slice(0, ROWS);
  if (most.length === 0) return null;
  const whole = most.every(({ before, after }) => before != null && after != null);
  return {
    title: 'Tokens that change most',
    columns: ['token', ...(whole ? ['before', 'after'] : []), 'change', ...(whole ? ['expected now'] : [])],
    rows: most.map(({ text, before, after, change, expected = [] }) => [
      visibleLine(text),
      ...(whole ? [Number(before).toFixed(2), Number(after).toFixed(2)] : []),
      formatChange(change, 2),
      ...(whole ? [choicesLine(expected)] : []),
    ]),
    note: 'Loss in nats.',
  };
}

/** `loss-change` */
export const lossChangeFinding: Finding<EditedText> = {
  title: 'What an edit does',
  about: 'By how much a change inside the model makes each token of a text harder, or easier.',
  tables(found) {
    const table = changesTable(found);
    return table ? [table] : [];
  },
  figures: (found) =>
    found.tokens.length <= MAX_LOSS_TOKENS && found.tokens.some(({ change }) => change !== null)
      ? [lossChangeFigure(found)]
      : [],
};
