// The logit lens: a row per layer (the first at the bottom), a column per token. Each cell has the layer's
// prediction of the next token, and its certainty.
import { mean } from '../base/statistics.ts';
import { shortLine } from '../base/visible.ts';
import type { Lens, LensCell } from '../inspect/lens.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { cellGrid, heatColors, scaleBar } from './heat.ts';
import { layerLabel } from './labels.ts';
import { BODY_TOP, MARGIN, picture, text, theme } from './svg.ts';
import type { Table, Tone } from './table.ts';

const CELL = { width: 64, height: 25 };
/** Characters that fit into a cell. */
const LABEL = 8;
const LABELS = 76;
/** Columns per strip. A longer text continues below. */
const COLUMNS = 16;
/** Characters of a token in the table. */
const CUT = 12;
/** The most tokens of a readable picture. */
export const MAX_LENS_TOKENS = 128;

/** `logit-lens`. Throws for a text of more than MAX_LENS_TOKENS tokens. */
export function lensFigure({ tokens, rows }: Lens, { charts }: Drawing): Figure {
  if (tokens.length > MAX_LENS_TOKENS) {
    throw new Error(
      `cannot draw the lens of ${tokens.length} tokens: give a text of at most ${MAX_LENS_TOKENS}`,
    );
  }
  const upwards = rows.toReversed();
  const strip = rows.length * CELL.height + 58;
  const colors = heatColors('blues', charts);
  const body = [
    scaleBar(
      MARGIN,
      BODY_TOP,
      'probability',
      colors,
      [0, 0.25, 0.5, 0.75, 1].map((p) => [p, String(p)] as const),
    ),
  ];
  for (let first = 0; first < tokens.length; first += COLUMNS) {
    const y = BODY_TOP + 52 + (first / COLUMNS) * strip;
    const left = MARGIN + LABELS;
    const shown = tokens.slice(first, first + COLUMNS);
    const cells = upwards.map(({ cells }) =>
      cells.slice(first, first + COLUMNS).map(({ top: [best] }, c) => ({
        label: shortLine(best.text, LABEL),
        share: best.probability,
        bold: best.id === tokens[first + c + 1]?.id,
      })),
    );
    body.push(cellGrid({ x: left, y, ...CELL }, cells, colors, { mono: true }));
    for (const [r, { name }] of upwards.entries()) {
      const label = layerLabel(name);
      body.push(
        text(left - 8, y + (r + 0.5) * CELL.height + 3, label, {
          size: 11,
          anchor: 'end',
          fill: theme.muted,
        }),
      );
    }
    const below = y + upwards.length * CELL.height + 16;
    body.push(text(left - 8, below, 'text', { size: 11, anchor: 'end' }));
    for (const [c, token] of shown.entries()) {
      const x = left + (c + 0.5) * CELL.width - 1;
      body.push(
        text(x, below, shortLine(token.text, LABEL), { size: 11, anchor: 'middle', mono: true, bold: true }),
      );
    }
  }
  const strips = Math.ceil(tokens.length / COLUMNS);
  const title = 'Logit lens';
  const svg = picture({
    title,
    subtitle:
      'the token that each layer, read as if it were the last, finds most likely to come after the one below; bold: it did come',
    width: Math.max(760, 2 * MARGIN + LABELS + Math.min(COLUMNS, tokens.length) * CELL.width),
    height: BODY_TOP + 52 + strips * strip,
    body,
  });
  return { name: 'logit-lens', title, svg, data: { tokens, rows } };
}

/** Mean loss of the text, read after each layer, nats; null if no token was predicted. */
export function meanLosses({ rows }: Lens): (number | null)[] {
  return rows.map(({ cells }) => {
    const losses = cells.flatMap(({ actual }) => (actual === null ? [] : -Math.log(actual)));
    return losses.length > 0 ? mean(losses) : null;
  });
}

/** The most likely next token: a row per token, a column per layer. */
export function lensTable(lens: Lens): Table {
  const { tokens, rows } = lens;
  const layers = rows.map(({ name }) => layerLabel(name));
  const shown = (token: { text: string } | undefined): string => (token ? shortLine(token.text, CUT) : '');
  return {
    title: 'The most likely next token, read after each layer',
    columns: ['after', ...layers, 'next'],
    rows: [
      ...tokens.map((token, t) => [
        shown(token),
        ...rows.map(({ cells }) => shown(cells[t].top[0])),
        shown(tokens[t + 1]),
      ]),
      ['loss, nats', ...meanLosses(lens).map((loss) => loss?.toFixed(2) ?? ''), ''],
    ],
    tones: [
      ...tokens.map((_, t) => [null, ...rows.map(({ cells }) => toneOf(cells[t], tokens[t + 1])), null]),
      [null, ...rows.map(() => null), null],
    ],
    legend: 'green: what came next; dim: below 10 %',
    fitting: { columns: layers, keep: 'between' },
    detail: true,
  };
}

function toneOf({ top: [best] }: LensCell, next: { id: number } | undefined): Tone | null {
  if (best.id === next?.id) return 'hit';
  return best.probability < 0.1 ? 'faint' : null;
}

/** `logit-lens` */
export const lensFinding: Finding<Lens> = {
  title: 'Logit lens',
  about: 'What each layer, read as if it were the last, finds most likely to come next.',
  tables: (lens) => [lensTable(lens)],
  figures: (lens, drawing) => (lens.tokens.length <= MAX_LENS_TOKENS ? [lensFigure(lens, drawing)] : []),
};
