// Where a text was easy or hard to predict: the bar above every token is its loss.

import { formatCount, formatPercent } from '../base/format.ts';
import { mean } from '../base/statistics.ts';
import { visibleLine } from '../base/visible.ts';
import type { Figure, Finding } from './figure.ts';
import { choicesLine } from './labels.ts';
import type { Table } from './table.ts';
import { EASY, HARD, known, MAX_LOSS_TOKENS, textPicture } from './text-bars.ts';

/** One token of a text and its loss. */
export interface TokenLoss {
  text: string;
  /**
   * Nats: -ln of the probability that the model gave it. Null for the first token, which has no prediction.
   */
  loss: number | null;
}

/** The same, with the expected tokens, if known. */
export interface TokenExpected extends TokenLoss {
  probability?: number | null;
  /** 1 for the most likely token. */
  rank?: number | null;
  expected?: readonly { text: string; probability: number }[];
}

/** Draws `token-loss`. Throws if no token has a loss, or there are more than MAX_LOSS_TOKENS tokens. */
export function tokenLossFigure(tokens: readonly TokenLoss[]): Figure {
  const losses = known(tokens.map(({ loss }) => loss));
  const average = mean(losses);
  const high = Math.max(1, Math.ceil(Math.max(...losses)));
  const bars = tokens.map(({ text, loss }) => ({
    text,
    value: loss,
    color: Number(loss) > average ? HARD : EASY,
  }));
  const title = 'Loss per token';
  const subtitle = `${formatCount(losses.length)} predicted tokens, mean ${average.toFixed(3)} nats (dashed); orange above the mean, blue below`;
  const svg = textPicture(title, subtitle, bars, { low: 0, high, mark: average });
  return { name: 'token-loss', title, svg, data: { mean: average, tokens } };
}

/** The `most` tokens with the highest loss; null if no token was predicted. */
export function hardestTable(tokens: readonly TokenExpected[], most = 12): Table | null {
  const predicted = tokens.flatMap((token) => (token.loss === null ? [] : [{ ...token, loss: token.loss }]));
  if (predicted.length === 0 || most === 0) return null;
  const hardest = predicted.toSorted((a, b) => b.loss - a.loss).slice(0, most);
  const [ranks, others] = [
    hardest.some(({ rank }) => rank != null),
    hardest.some(({ expected = [] }) => expected.length > 0),
  ];
  return {
    title: predicted.length > most ? `The ${most} hardest` : 'The hardest first',
    columns: ['token', 'probability', 'loss', ...(ranks ? ['rank'] : []), ...(others ? ['expected'] : [])],
    rows: hardest.map(({ text, loss, probability, rank, expected = [] }) => [
      visibleLine(text),
      formatPercent(probability ?? Math.exp(-loss)),
      loss.toFixed(2),
      ...(ranks ? [String(rank ?? '')] : []),
      ...(others ? [choicesLine(expected)] : []),
    ]),
    detail: true,
  };
}

/** `token-loss` */
export const tokenLossFinding: Finding<readonly TokenExpected[]> = {
  title: 'Loss per token',
  about: 'What the model did not see coming: nats for every token of a text.',
  tables(tokens) {
    const table = hardestTable(tokens);
    return table ? [table] : [];
  },
  figures: (tokens) =>
    tokens.length <= MAX_LOSS_TOKENS && tokens.some(({ loss }) => loss !== null)
      ? [tokenLossFigure(tokens)]
      : [],
};
