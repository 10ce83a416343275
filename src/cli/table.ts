// Columns on a terminal.
import { textWidth } from './view/width.ts';

/** A heading, and the alignment of the column. Numbers are aligned right automatically. */
export interface TableColumn {
  title: string;
  align: 'left' | 'right';
}

/** Lines with aligned cells, two spaces between columns. The first line is the heading. */
export function formatTable(
  columns: readonly (string | TableColumn)[],
  rows: readonly (readonly string[])[],
): string[] {
  const heads = columns.map((column) => (typeof column === 'string' ? column : column.title));
  const lines = [heads, ...rows];
  const widths = heads.map((_, i) => Math.max(...lines.map((cells) => textWidth(cells[i] ?? ''))));
  const right = columns.map((column, i) =>
    typeof column === 'string'
      ? rows.length > 0 && rows.every((cells) => isNumber(cells[i] ?? ''))
      : column.align === 'right',
  );
  return lines.map((cells) =>
    heads
      .map((_, i) => {
        const cell = cells[i] ?? '';
        const gap = ' '.repeat(widths[i] - textWidth(cell));
        return right[i] ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** `1,234`, `-0.12`, `12.3 MB`, `3.1x`, `58 %`, or nothing. */
function isNumber(cell: string): boolean {
  return /^$|^[-+−]?\d[\d,.]*(e-?\d+)?( ?(%|x|s|ms|bytes|[kMG]?B|[kMG]|dB))?$/.test(cell);
}
