// The kind of each head: for each score a small table of all heads. Read next: attention.ts, the maps
// themselves.
import { type HeadSummary, kindsOf } from '../inspect/attention.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { CELL, headGrid, LABELS } from './head-grid.ts';
import { type Cell, heatColors } from './heat.ts';
import { BODY_TOP, MARGIN, picture } from './svg.ts';
import type { Table } from './table.ts';

const PER_ROW = 3;

interface Score {
  title: string;
  about: string;
  value: (head: HeadSummary) => number | null;
  /** The end of the scale: a fixed number, or the largest value. */
  most?: number;
  digits: number;
}

const SCORES: readonly Score[] = [
  { title: 'entropy', about: 'share of the largest', value: (head) => head.entropy, most: 1, digits: 2 },
  { title: 'distance', about: 'tokens back, mean', value: (head) => head.distance, digits: 1 },
  { title: 'previous token', about: 'probability', value: (head) => head.previous, most: 1, digits: 2 },
  { title: 'itself', about: 'probability', value: (head) => head.self, most: 1, digits: 2 },
  { title: 'first token', about: 'probability', value: (head) => head.first, most: 1, digits: 2 },
  {
    title: 'induction',
    about: 'on a repeated random text',
    value: (head) => head.induction,
    most: 1,
    digits: 2,
  },
];

/**
 * `attention-heads`: six tables, a row per block, a column per head. Tables without numbers are left out.
 */
export function headsFigure(heads: readonly HeadSummary[], { charts }: Drawing): Figure {
  const layers = Math.max(...heads.map(({ layer }) => layer)) + 1;
  const perLayer = heads.length / layers;
  const scores = SCORES.filter(({ value }) => heads.some((head) => value(head) !== null));
  const width = LABELS + perLayer * CELL.width + 24;
  const height = 64 + layers * CELL.height + 24;
  const colors = heatColors('blues', charts);
  const body = scores.map(({ title, about, value, most, digits }, i) => {
    const end = most ?? Math.max(1e-9, ...heads.map((head) => value(head) ?? 0));
    const rows = byLayer(heads, perLayer, (head): Cell => {
      const number = value(head);
      return {
        label: number?.toFixed(digits) ?? '',
        // Rounding may leave less than 0.
        share: number === null ? null : Math.sqrt(Math.max(0, number / end)),
      };
    });
    const place = { x: MARGIN + (i % PER_ROW) * width, y: BODY_TOP + Math.floor(i / PER_ROW) * height };
    return headGrid(place, { title, about }, rows, colors);
  });
  const title = 'Attention heads';
  const svg = picture({
    title,
    subtitle: 'what each head attends to, means over the positions; colour by the square root',
    width: Math.max(640, 2 * MARGIN + Math.min(PER_ROW, scores.length) * width),
    height: BODY_TOP + Math.ceil(scores.length / PER_ROW) * height,
    body,
  });
  return { name: 'attention-heads', title, svg, data: { heads } };
}

/** A row per block, a column per head. */
export function distancesTable(heads: readonly HeadSummary[]): Table {
  const perLayer = heads.filter(({ layer }) => layer === 0).length;
  const rows = byLayer(heads, perLayer, ({ distance }) => distance.toFixed(1));
  const columns = rows[0].map((_, head) => `head ${head}`);
  return {
    title: 'How far each head looks back, in tokens',
    columns: ['', ...columns],
    rows: rows.map((cells, layer) => [`block ${layer}`, ...cells]),
    fitting: { columns, keep: 'first' },
  };
}

/** One row per head. */
export function headsTable(heads: readonly HeadSummary[]): Table {
  return {
    title: 'Heads in numbers',
    columns: ['head', 'entropy', 'distance', 'previous', 'itself', 'first', 'induction', ''],
    rows: heads.map((head) => [
      `${head.layer}.${head.head}`,
      head.entropy.toFixed(2),
      head.distance.toFixed(1),
      ...[head.previous, head.self, head.first].map((p) => p.toFixed(2)),
      head.induction?.toFixed(2) ?? '',
      kindsOf(head).join(', '),
    ]),
    note:
      'Means over the positions. head: block.head; entropy: share of the largest possible; distance: tokens back; the others: probability ' +
      'on that token; induction: in a random text repeated, on the token after the one that is the same.',
    detail: true,
  };
}

/** `attention-heads` */
export const headsFinding: Finding<readonly HeadSummary[]> = {
  title: 'Attention heads',
  about: 'What kind of head each one is, in numbers.',
  tables: (heads) => (heads.length > 0 ? [distancesTable(heads), headsTable(heads)] : []),
  figures: (heads, drawing) => (heads.length > 0 ? [headsFigure(heads, drawing)] : []),
};

function byLayer<T>(heads: readonly HeadSummary[], perLayer: number, cell: (head: HeadSummary) => T): T[][] {
  return Array.from({ length: heads.length / perLayer }, (_, layer) =>
    heads.slice(layer * perLayer, (layer + 1) * perLayer).map(cell),
  );
}
