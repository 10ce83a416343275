// Where a text was easy and where it was hard: the text itself, set in lines, with the loss of every token as a bar above it.
import type { Figure } from './figure.ts';
import { formatCount, visibleToken } from './format.ts';
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

interface Placed extends TokenLoss {
  label: string;
  column: number;
  row: number;
}

/** Draws `token-loss`. Throws if no token has a loss, or there are more than MAX_LOSS_TOKENS tokens. */
export function tokenLossFigure(tokens: readonly TokenLoss[]): Figure {
  if (tokens.length > MAX_LOSS_TOKENS) {
    throw new Error(
      `cannot draw the losses of ${tokens.length} tokens: give a text of at most ${MAX_LOSS_TOKENS}`,
    );
  }
  const losses = tokens.map((token) => token.loss).filter((loss) => loss !== null);
  if (losses.length === 0) throw new Error('no token has a loss: give a text of at least two tokens');
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const highest = Math.max(1, Math.ceil(Math.max(...losses)));
  const placed = layOut(tokens);
  const rows = (placed.at(-1)?.row ?? 0) + 1;
  const columns = Math.max(...placed.map((token) => token.column + token.label.length));
  const width = Math.max(2 * MARGIN + AXIS + columns * ADVANCE, 720);
  const body = Array.from({ length: rows }, (_, row) => ruler(row, highest, mean, width - MARGIN));
  body.push(...placed.map((token) => drawToken(token, highest, mean)));
  const title = 'Loss per token';
  const svg = picture({
    title,
    subtitle: `${formatCount(losses.length)} predicted tokens, mean ${mean.toFixed(3)} nats (dashed); orange above the mean, blue below`,
    width,
    height: BODY_TOP + rows * LINE_HEIGHT + 20,
    body,
  });
  return { name: 'token-loss', title, svg, data: { mean, tokens } };
}

/** Breaks the text into lines of at most LINE_CHARACTERS characters; its own newlines are shown, not followed. */
function layOut(tokens: readonly TokenLoss[]): Placed[] {
  let [row, column] = [0, 0];
  return tokens.map((token) => {
    const label = visibleToken(token.text) || '∅';
    if (column > 0 && column + label.length > LINE_CHARACTERS) [row, column] = [row + 1, 0];
    const placed = { ...token, label, row, column };
    column += label.length;
    return placed;
  });
}

function baseline(row: number): number {
  return BODY_TOP + row * LINE_HEIGHT + BAR_HEIGHT + 12;
}

function ruler(row: number, highest: number, mean: number, right: number): string {
  const left = MARGIN + AXIS;
  const y = baseline(row);
  const level = (loss: number): number => y - (BAR_HEIGHT * loss) / highest;
  const label = { size: 10, anchor: 'end', fill: theme.muted } as const;
  return [
    ...[0, highest / 2, highest].map((loss) => line(left, level(loss), right, level(loss), theme.rule)),
    text(left - 6, level(0) + 3.5, '0', label),
    text(left - 6, level(highest) + 3.5, String(highest), label),
    text(left - 6, level(highest / 2) + 3.5, 'nats', label),
    line(left, level(mean), right, level(mean), theme.muted, 1, '3 3'),
  ].join('');
}

function drawToken({ label, loss, row, column }: Placed, highest: number, mean: number): string {
  const x = MARGIN + AXIS + column * ADVANCE;
  const width = label.length * ADVANCE;
  const y = baseline(row);
  const parts = [
    text(x, y + 18, label, { size: SIZE, mono: true, fill: loss === null ? theme.muted : theme.ink }),
  ];
  if (loss !== null) {
    const height = (BAR_HEIGHT * loss) / highest;
    parts.push(rect(x + 0.75, y - height, width - 1.5, height, loss > mean ? HARD : EASY, 1));
  }
  return parts.join('');
}
