// Where a text was easy and where it was hard: the text itself, set in lines, with a bar above every token: its loss, or by how
// much an edit changed it.

import { runsLeft, textColumns } from '../base/columns.ts';
import { formatCount } from '../base/format.ts';
import { mean } from '../base/statistics.ts';
import { visibleLine } from '../base/visible.ts';
import type { Figure } from './figure.ts';
import { BODY_TOP, line, MARGIN, picture, rect, text, theme } from './svg.ts';

/** One token of a text and what it cost. */
export interface TokenLoss {
  text: string;
  /** Nats: -ln of the probability that the model gave it. Null for the first, which nothing predicts. */
  loss: number | null;
}

/** Longer texts make pictures that nobody looks at. */
export const MAX_LOSS_TOKENS = 1024;
/** Width of a character of the monospaced font at this size, from the font's own table: 0.602 em. */
const SIZE = 13;
const ADVANCE = 0.602 * SIZE;
const LINE_CHARACTERS = 104;
const BAR_HEIGHT = 56;
const LINE_HEIGHT = BAR_HEIGHT + 38;
const AXIS = 34;
/** Blue below the mean, orange above (Okabe & Ito 2008). */
const EASY = '#56b4e9';
const HARD = '#d55e00';

/** A token with the bar above it, if it has one. */
interface Bar {
  text: string;
  value: number | null;
  color: string;
}

interface Placed extends Bar {
  label: string;
  /** Where it begins, from the left, and how wide it is. */
  column: number;
  columns: number;
  row: number;
}

/** What the bars are measured by: from `low` (0 or below) to `high`, nats; a dashed line at `mark`. */
interface Scale {
  low: number;
  high: number;
  mark: number;
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

/**
 * Draws `loss-change`: by how much an edit changed the loss of each token, upwards where it made it harder. Throws as
 * `tokenLossFigure` does.
 */
export function lossChangeFigure(
  tokens: readonly { text: string }[],
  changes: readonly (number | null)[],
  edits: string,
): Figure {
  const all = known(changes);
  const average = mean(all);
  const most = Math.max(0.1, ...all.map(Math.abs));
  const reach = most < 1 ? Math.ceil(10 * most) / 10 : Math.ceil(most);
  const bars = tokens.map(({ text }, i) => ({
    text,
    value: changes[i],
    color: Number(changes[i]) > 0 ? HARD : EASY,
  }));
  const title = 'What an edit does';
  const subtitle = `${edits}: change of each token's loss, mean ${average.toFixed(3)} nats; orange harder, blue easier`;
  const svg = textPicture(title, subtitle.replaceAll('-', '−'), bars, { low: -reach, high: reach, mark: 0 });
  return {
    name: 'loss-change',
    title,
    svg,
    data: { edits, mean: average, tokens: tokens.map(({ text }, i) => ({ text, change: changes[i] })) },
  };
}

function known(values: readonly (number | null)[]): number[] {
  if (values.length > MAX_LOSS_TOKENS) {
    throw new Error(
      `cannot draw the losses of ${values.length} tokens: give a text of at most ${MAX_LOSS_TOKENS}`,
    );
  }
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) throw new Error('no token has a loss: give a text of at least two tokens');
  return numbers;
}

function textPicture(title: string, subtitle: string, bars: readonly Bar[], scale: Scale): string {
  const placed = layOut(bars);
  const rows = (placed.at(-1)?.row ?? 0) + 1;
  const columns = Math.max(...placed.map((token) => token.column + token.columns));
  const left = runsLeft(bars.map((bar) => bar.text).join(''));
  // A text that is read from the right begins there, bars and all.
  const shown = left
    ? placed.map((token) => ({ ...token, column: columns - token.column - token.columns }))
    : placed;
  const width = Math.max(2 * MARGIN + AXIS + columns * ADVANCE, 720, 2 * MARGIN + 7.2 * subtitle.length);
  const body = Array.from({ length: rows }, (_, row) => ruler(row, scale, width - MARGIN));
  body.push(...shown.map((token) => drawToken(token, scale)));
  return picture({ title, subtitle, width, height: BODY_TOP + rows * LINE_HEIGHT + 20, body });
}

/** Breaks the text into lines of at most LINE_CHARACTERS characters; its own newlines are shown, not followed. */
function layOut(bars: readonly Bar[]): Placed[] {
  let [row, column] = [0, 0];
  return bars.map((bar) => {
    const label = visibleLine(bar.text) || '∅';
    const columns = Math.max(1, textColumns(label));
    if (column > 0 && column + columns > LINE_CHARACTERS) [row, column] = [row + 1, 0];
    const placed = { ...bar, label, row, column, columns };
    column += columns;
    return placed;
  });
}

/** Where a value lies, in the line of text number `row`. */
function level(row: number, value: number, { low, high }: Scale): number {
  const bottom = BODY_TOP + row * LINE_HEIGHT + BAR_HEIGHT + 12;
  return bottom - (BAR_HEIGHT * (value - low)) / (high - low);
}

function ruler(row: number, scale: Scale, right: number): string {
  const { low, high, mark } = scale;
  const left = MARGIN + AXIS;
  const label = { size: 10, anchor: 'end', fill: theme.muted } as const;
  const middle = (low + high) / 2;
  const named = (value: number, name: string): string =>
    text(left - 6, level(row, value, scale) + 3.5, name, label);
  return [
    ...[low, middle, high].map((value) =>
      line(left, level(row, value, scale), right, level(row, value, scale), theme.rule),
    ),
    named(low, String(low).replace('-', '−')),
    named(high, String(high)),
    named(middle, 'nats'),
    line(left, level(row, mark, scale), right, level(row, mark, scale), theme.muted, 1, '3 3'),
  ].join('');
}

/** The label in the middle beneath its bar, wherever its letters run. */
function drawToken({ label, value, color, row, column, columns }: Placed, scale: Scale): string {
  const x = MARGIN + AXIS + column * ADVANCE;
  const width = columns * ADVANCE;
  const ink = value === null ? theme.muted : theme.ink;
  const style = { size: SIZE, mono: true, fill: ink, anchor: 'middle' } as const;
  // A space before a word that is read from the right stands on its right.
  const shown = runsLeft(label) ? `\u2067${label}\u2069` : label;
  const parts = [text(x + width / 2, level(row, scale.low, scale) + 18, shown, style)];
  if (value !== null) {
    const [zero, end] = [level(row, 0, scale), level(row, value, scale)];
    parts.push(rect(x + 0.75, Math.min(zero, end), width - 1.5, Math.abs(zero - end), color, 1));
  }
  return parts.join('');
}
