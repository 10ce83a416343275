// A finding as a table, the same on a terminal, in Markdown and on a page.
import { evenly } from '../base/evenly.ts';

export interface Table {
  title: string;
  columns: readonly string[];
  /** One entry per column. */
  rows: readonly (readonly (string | number)[])[];
  /** Marks of the cells, where colours can be shown; same shape as `rows`. */
  tones?: readonly (readonly (Tone | null)[])[];
  /** What the marks mean. */
  legend?: string;
  /** A sentence below the table. */
  note?: string;
  /** Long, and interesting for few readers: a page folds it. */
  detail?: boolean;
  /** Columns that are left out where space is narrow, as on a terminal. */
  wide?: readonly string[];
  /**
   * Columns of which only as many are shown as there is space for: the first ones, or some between the first
   * and the last.
   */
  fitting?: { columns: readonly string[]; keep: 'first' | 'between' };
}

/** `hit`: the right one; `faint`: an unlikely one. */
export type Tone = 'hit' | 'faint';

/** The space for a table: its columns of characters, and how many of them a text takes. */
export interface Space {
  columns: number;
  widthOf(text: string): number;
}

/** Between two columns. */
const GAP = 2;

/** The part of the table that has space, for instance on a terminal of 80 columns. */
export function narrow(table: Table, space: Space): Table {
  const { wide = [], fitting } = table;
  const kept = select(table, (name) => !wide.includes(name));
  if (!fitting) return kept;
  const { keep } = fitting;
  for (let count = fitting.columns.length; ; count--) {
    const chosen = keep === 'first' ? fitting.columns.slice(0, count) : evenly(fitting.columns, count);
    const part = select(kept, (name) => !fitting.columns.includes(name) || chosen.includes(name));
    if (count <= 1 || widthOf(part, space) <= space.columns) return part;
  }
}

function select(table: Table, wanted: (column: string) => boolean): Table {
  const kept = table.columns.flatMap((name, c) => (wanted(name) ? [c] : []));
  const of = <T>(cells: readonly T[]): T[] => kept.map((c) => cells[c]);
  return { ...table, columns: of(table.columns), rows: table.rows.map(of), tones: table.tones?.map(of) };
}

function widthOf({ columns, rows }: Table, space: Space): number {
  const widths = columns.map((name, c) =>
    Math.max(space.widthOf(name), ...rows.map((cells) => space.widthOf(String(cells[c])))),
  );
  return widths.reduce((sum, width) => sum + width + GAP, -GAP);
}
