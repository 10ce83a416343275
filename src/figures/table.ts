// A finding as a table, the same on a terminal, in Markdown and on a page.

export interface Table {
  title: string;
  columns: readonly string[];
  /** One entry per column. */
  rows: readonly (readonly (string | number)[])[];
  /** A sentence below the table. */
  note?: string;
  /** Long, and interesting for few readers: a page folds it. */
  detail?: boolean;
  /** Columns that are left out where space is narrow, as on a terminal. */
  wide?: readonly string[];
}

/** The table for a width of 80 columns. */
export function narrow({ wide = [], ...table }: Table): Table {
  const kept = table.columns.flatMap((name, c) => (wide.includes(name) ? [] : [c]));
  return {
    ...table,
    columns: kept.map((c) => table.columns[c]),
    rows: table.rows.map((row) => kept.map((c) => row[c])),
  };
}
