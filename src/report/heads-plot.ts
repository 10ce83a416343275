// What kind of head each one is, and what is lost without it: a small table of heads for each number.

import type { HeadSummary } from '../inspect/attention.ts';
import type { Ablations } from '../inspect/effect.ts';
import type { Figure } from './figure.ts';
import { type Cell, cellGrid, heatColors } from './heat.ts';
import { BODY_TOP, MARGIN, picture, text, theme } from './svg.ts';

const CELL = { width: 46, height: 26 };
const LABELS = 58;
const PER_ROW = 3;

interface Score {
  title: string;
  about: string;
  value: (head: HeadSummary) => number | null;
  /** Where the scale ends: a fixed number, or the largest value. */
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

/** `attention-heads`: six tables, blocks downwards, heads to the right; those without numbers are left out. */
export function headsFigure(heads: readonly HeadSummary[]): Figure {
  const layers = Math.max(...heads.map(({ layer }) => layer)) + 1;
  const perLayer = heads.length / layers;
  const scores = SCORES.filter(({ value }) => heads.some((head) => value(head) !== null));
  const width = LABELS + perLayer * CELL.width + 24;
  const height = 64 + layers * CELL.height + 24;
  const colors = heatColors('blues');
  const body = scores.map(({ title, about, value, most, digits }, i) => {
    const end = most ?? Math.max(1e-9, ...heads.map((head) => value(head) ?? 0));
    const rows = byLayer(heads, perLayer, (head): Cell => {
      const number = value(head);
      return {
        label: number?.toFixed(digits) ?? '',
        share: number === null ? null : Math.sqrt(Math.max(0, number / end)), // rounding may leave less than 0
      };
    });
    const place = { x: MARGIN + (i % PER_ROW) * width, y: BODY_TOP + Math.floor(i / PER_ROW) * height };
    return table(place, { title, about }, rows, colors);
  });
  const title = 'Attention heads';
  const svg = picture({
    title,
    subtitle: 'what each head looks at, means over the positions; colour by the square root',
    width: Math.max(640, 2 * MARGIN + Math.min(PER_ROW, scores.length) * width),
    height: BODY_TOP + Math.ceil(scores.length / PER_ROW) * height,
    body,
  });
  return { name: 'attention-heads', title, svg, data: { heads } };
}

/** `ablation`: the rise of the mean loss without each head, each attention and each MLP; orange hurts, blue helps. */
export function ablationFigure({ loss, heads, attention, mlp }: Ablations): Figure {
  const largest = (changes: readonly number[]): number => Math.max(1e-9, ...changes.map(Math.abs));
  const cell = (end: number) => (change: number) => ({
    label: change.toFixed(2).replace('-0.00', '0.00').replace('-', '−'),
    share: 0.5 - change / end / 2,
  });
  const width = LABELS + heads[0].length * CELL.width + 24;
  const single = heads.map((row) => row.map(cell(largest(heads.flat()))));
  const whole = attention.map((change, layer) =>
    [change, mlp[layer]].map(cell(largest([...attention, ...mlp]))),
  );
  const colors = heatColors('diverging');
  const title = 'What is lost without each part';
  const svg = picture({
    title,
    subtitle: `rise of the mean loss of the text, ${loss.toFixed(3)} nats, when the part gives zeros; orange: it is missed`,
    width: Math.max(640, 2 * MARGIN + width + LABELS + 2 * CELL.width),
    height: BODY_TOP + 64 + heads.length * CELL.height + 24,
    body: [
      table({ x: MARGIN, y: BODY_TOP }, { title: 'one head', about: 'nats' }, single, colors),
      table({ x: MARGIN + width, y: BODY_TOP }, { title: 'a whole part', about: 'nats' }, whole, colors, [
        'attn',
        'MLP',
      ]),
    ],
  });
  return { name: 'ablation', title, svg, data: { loss, heads, attention, mlp } };
}

function byLayer(
  heads: readonly HeadSummary[],
  perLayer: number,
  cell: (head: HeadSummary) => Cell,
): Cell[][] {
  return Array.from({ length: heads.length / perLayer }, (_, layer) =>
    heads.slice(layer * perLayer, (layer + 1) * perLayer).map(cell),
  );
}

function table(
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
        ...{ size: 10.5, anchor: 'middle', fill: theme.muted },
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
