// Tokens with similar embeddings. Read next: positions.ts.
import { shortLine, visibleLine } from '../base/visible.ts';
import type { Neighbours } from '../inspect/embedding.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { cellGrid, heatColors, scaleBar } from './heat.ts';
import { BODY_TOP, MARGIN, picture, text } from './svg.ts';
import type { Table } from './table.ts';

const CELL = { width: 78, height: 27 };
/** Characters that fit into a cell. */
const LABEL = 10;
const LABELS = 92;
/** As many as fit on a page. The numbers beside the picture are complete. */
const MOST = { columns: 12, rows: 32 };

/** `token-neighbours`: a row per token, the nearest first, coloured by cosine. */
export function neighboursFigure(found: readonly Neighbours[], { charts }: Drawing): Figure {
  const rows = found.slice(0, MOST.rows);
  const columns = Math.min(MOST.columns, Math.max(0, ...rows.map(({ nearest }) => nearest.length)));
  const colors = heatColors('blues', charts);
  const [x, y] = [MARGIN + LABELS, BODY_TOP + 44];
  const cells = rows.map(({ nearest }) =>
    nearest.slice(0, columns).map((other) => ({ label: shortLine(other.text, LABEL), share: other.cosine })),
  );
  const title = 'Nearest tokens';
  const svg = picture({
    title,
    subtitle: 'tokens with the most similar embeddings, from left to right',
    width: Math.max(680, x + columns * CELL.width + MARGIN),
    height: y + rows.length * CELL.height + 24,
    body: [
      scaleBar(
        MARGIN,
        BODY_TOP,
        'cosine',
        colors,
        [0, 0.25, 0.5, 0.75, 1].map((cosine) => [cosine, String(cosine)] as const),
      ),
      ...rows.map((token, r) =>
        text(x - 12, y + (r + 0.5) * CELL.height + 3, shortLine(token.text, LABEL), {
          size: 11,
          anchor: 'end',
          mono: true,
          bold: true,
        }),
      ),
      cellGrid({ x, y, ...CELL }, cells, colors, { mono: true }),
    ],
  });
  return { name: 'token-neighbours', title, svg, data: { neighbours: found } };
}

/** One row per token: its nearest tokens, with cosines. */
export function neighboursTable(found: readonly Neighbours[]): Table {
  const count = Math.max(0, ...found.map(({ nearest }) => nearest.length));
  const columns = Array.from({ length: count }, (_, i) => (i === 0 ? 'nearest' : `${i + 1}`));
  return {
    title: 'Nearest tokens by the cosine of their embeddings',
    columns: ['token', ...columns],
    rows: found.map(({ text, nearest }) => [
      visibleLine(text),
      ...nearest.map((other) => `${visibleLine(other.text)} ${other.cosine.toFixed(2)}`),
    ]),
    fitting: { columns, keep: 'first' },
    detail: true,
  };
}

/** `token-neighbours` */
export const neighboursFinding: Finding<readonly Neighbours[]> = {
  title: 'Nearest tokens',
  about: 'Tokens with the most similar embeddings.',
  tables: (found) => (found.length > 0 ? [neighboursTable(found)] : []),
  figures: (found, drawing) => (found.length > 0 ? [neighboursFigure(found, drawing)] : []),
};
