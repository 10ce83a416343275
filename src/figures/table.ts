// A finding in numbers, the same on a terminal, in Markdown and on a page.

export interface Table {
  title: string;
  columns: readonly string[];
  /** One entry per column. */
  rows: readonly (readonly (string | number)[])[];
  /** A sentence below the table. */
  note?: string;
  /** Long, and of interest to few: a page folds it away. */
  detail?: boolean;
  /** Columns that a narrow place, a terminal, leaves out. */
  wide?: readonly string[];
}

/** The table as it fits 80 columns of letters. */
export function narrow({ wide = [], ...table }: Table): Table {
  const kept = table.columns.flatMap((name, c) => (wide.includes(name) ? [] : [c]));
  return {
    ...table,
    columns: kept.map((c) => table.columns[c]),
    rows: table.rows.map((row) => kept.map((c) => row[c])),
  };
}
