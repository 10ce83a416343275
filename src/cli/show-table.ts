// A finding's table on a terminal.
import type { Colors } from 'picocolors/types.js';
import { narrow, type Table, type Tone } from '../figures/table.ts';
import type { Output } from './output.ts';
import { textWidth, wrapText } from './view/width.ts';

/** The assumed width of the terminal. */
const WIDTH = 80;

/** Title, cells, legend and note, and an empty line. */
export function showTable(table: Table, output: Output): void {
  const { colors } = output;
  const { title, columns, rows, tones, note, legend } = narrow(table, { columns: WIDTH, widthOf: textWidth });
  output.print(colors.bold(title));
  output.table(
    columns,
    rows.map((cells, r) => cells.map((cell, c) => painted(String(cell), tones?.[r][c], colors))),
  );
  const remarks = [colors.isColorSupported ? legend : undefined, note];
  for (const remark of remarks) if (remark) for (const line of wrapText(remark, WIDTH)) output.print(line);
  output.print();
}

function painted(text: string, tone: Tone | null | undefined, colors: Colors): string {
  if (tone === 'hit') return colors.green(text);
  return tone === 'faint' ? colors.dim(text) : text;
}
