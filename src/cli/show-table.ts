// A finding's table on a terminal.
import { narrow, type Table } from '../figures/table.ts';
import type { Output } from './output.ts';
import { wrapText } from './view/width.ts';

/** The assumed width of the terminal. */
const WIDTH = 80;

/** Title, cells and note, and an empty line. */
export function showTable(table: Table, output: Output): void {
  const { title, columns, rows, note = '' } = narrow(table);
  output.print(output.colors.bold(title));
  output.table(
    columns,
    rows.map((cells) => cells.map(String)),
  );
  if (note !== '') for (const line of wrapText(note, WIDTH)) output.print(line);
  output.print();
}
