// A coarse map of all heads: one cell per head, one row per block.
import { type Cell, cellGrid } from './heat.ts';
import { text, theme } from './svg.ts';

/** Size of a cell. */
export const CELL: { readonly width: number; readonly height: number } = { width: 46, height: 26 };
/** Space for the names of blocks, left of the cells. */
export const LABELS = 58;

/** `rows` under a heading: a row per block, a column per head (or `columns`). */
export function headGrid(
  { x, y }: { x: number; y: number },
  heading: { title: string; about: string },
  rows: readonly (readonly Cell[])[],
  colors: readonly string[],
  columns?: readonly string[],
): string {
  const left = x + LABELS;
  const top = y + 52;
  return [
    text(left, y + 12, heading.title, { bold: true }),
    text(left, y + 27, heading.about, { size: 10.5, fill: theme.muted }),
    ...rows[0].map((_, c) =>
      text(left + (c + 0.5) * CELL.width - 1, top - 8, columns?.[c] ?? `${c}`, {
        size: 10.5,
        anchor: 'middle',
        fill: theme.muted,
      }),
    ),
    ...rows.map((_, r) =>
      text(left - 8, top + (r + 0.5) * CELL.height + 3, `block ${r}`, {
        size: 10.5,
        anchor: 'end',
        fill: theme.muted,
      }),
    ),
    cellGrid({ x: left, y: top, ...CELL }, rows, colors),
  ].join('');
}
