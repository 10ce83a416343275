// A text in lines, with a bar above every token.
import { runsLeft, textColumns } from '../base/columns.ts';
import { visibleLine } from '../base/visible.ts';
import { BODY_TOP, line, MARGIN, picture, rect, text, theme } from './svg.ts';

/** The most tokens of a readable picture. */
export const MAX_LOSS_TOKENS = 1024;
/** Width of a character of the monospaced font at this size, from the font's own table: 0.602 em. */
const SIZE = 13;
const ADVANCE = 0.602 * SIZE;
const LINE_CHARACTERS = 104;
const BAR_HEIGHT = 56;
const LINE_HEIGHT = BAR_HEIGHT + 38;
const AXIS = 34;
/** Blue for easy, orange for hard (Okabe & Ito 2008). */
export const EASY = '#56b4e9';
export const HARD = '#d55e00';

/** A token, and the bar above it, if any. */
export interface Bar {
  text: string;
  value: number | null;
  color: string;
}

interface Placed extends Bar {
  label: string;
  /** Its distance from the left, and its width. */
  column: number;
  columns: number;
  row: number;
}

/** The scale of the bars: from `low` (0 or below) to `high`, nats, with a dashed line at `mark`. */
export interface Scale {
  low: number;
  high: number;
  mark: number;
}

/** The numbers among `values`. Throws if there are none, or more than MAX_LOSS_TOKENS values. */
export function known(values: readonly (number | null)[]): number[] {
  if (values.length > MAX_LOSS_TOKENS) {
    throw new Error(
      `cannot draw the losses of ${values.length} tokens: give a text of at most ${MAX_LOSS_TOKENS}`,
    );
  }
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) throw new Error('no token has a loss: give a text of at least two tokens');
  return numbers;
}

/** The whole picture. */
export function textPicture(title: string, subtitle: string, bars: readonly Bar[], scale: Scale): string {
  const placed = layOut(bars);
  const rows = (placed.at(-1)?.row ?? 0) + 1;
  const columns = Math.max(...placed.map((token) => token.column + token.columns));
  const left = runsLeft(bars.map((bar) => bar.text).join(''));
  // A text written from right to left begins at the right, bars included.
  const shown = left
    ? placed.map((token) => ({ ...token, column: columns - token.column - token.columns }))
    : placed;
  const width = Math.max(2 * MARGIN + AXIS + columns * ADVANCE, 720, 2 * MARGIN + 7.2 * subtitle.length);
  const body = Array.from({ length: rows }, (_, row) => ruler(row, scale, width - MARGIN));
  body.push(...shown.map((token) => drawToken(token, scale)));
  return picture({ title, subtitle, width, height: BODY_TOP + rows * LINE_HEIGHT + 20, body });
}

/**
 * Breaks the text into lines of at most LINE_CHARACTERS characters. Its own newlines are shown, not obeyed.
 */
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

/** The y coordinate of a value in line number `row`. */
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

/** The label is centred below its bar, whatever its direction. */
function drawToken({ label, value, color, row, column, columns }: Placed, scale: Scale): string {
  const x = MARGIN + AXIS + column * ADVANCE;
  const width = columns * ADVANCE;
  const ink = value === null ? theme.muted : theme.ink;
  const style = { size: SIZE, mono: true, fill: ink, anchor: 'middle' } as const;
  // A space before a word that is read from the right is on the word's right.
  const shown = runsLeft(label) ? `\u2067${label}\u2069` : label;
  const parts = [text(x + width / 2, level(row, scale.low, scale) + 18, shown, style)];
  if (value !== null) {
    const [zero, end] = [level(row, 0, scale), level(row, value, scale)];
    parts.push(rect(x + 0.75, Math.min(zero, end), width - 1.5, Math.abs(zero - end), color, 1));
  }
  return parts.join('');
}
