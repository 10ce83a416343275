// The colours of the pages, light and dark, as CSS variables. Categories are those of Okabe & Ito (2008),
// darker on paper and lighter on black, so that lines of 2 px keep a contrast of 3:1. Depth follows viridis.
// Both are distinguishable for colour-blind readers.
import type { Charts } from '../../figures/charts.ts';
import { plotOf } from '../../figures/plot.ts';

/** Light, dark. */
type Pair = readonly [light: string, dark: string];

const named: Readonly<Record<string, Pair>> = {
  paper: ['#fcfbf8', '#15161a'],
  raised: ['#f4f2ec', '#1e2026'],
  ink: ['#1d1c1a', '#e8e5de'],
  muted: ['#67635c', '#a09c94'],
  rule: ['#e3dfd6', '#30323a'],
  train: ['#c8500a', '#f2994a'],
  val: ['#0b6cae', '#64b5f0'],
  old: ['#00785a', '#3fc79a'],
  good: ['#0b6cae', '#64b5f0'],
  bad: ['#c8500a', '#f2994a'],
};

/** Colours of the runs in a comparison, in order. */
const categories: readonly Pair[] = [
  ['#0b6cae', '#64b5f0'],
  ['#c8500a', '#f2994a'],
  ['#00815f', '#3fc79a'],
  ['#a8478a', '#e79bc9'],
  ['#8a6a00', '#e6d04c'],
  ['#4b4ba8', '#a5a5f0'],
  ['#5c5a55', '#bdb9b0'],
];

/** Number of runs in a comparison that have a colour of their own. */
export const CATEGORIES: number = categories.length;

/** The colour of run `i`. */
export function categoryColor(i: number): string {
  return `var(--run-${i % CATEGORIES})`;
}

/** The colour of block `i`. */
export function depthColor(i: number): string {
  return `var(--block-${i})`;
}

/** The variables of a page about a model of `depth` blocks: light, and dark if the reader prefers it. */
export function colorVariables(depth: number, charts: Charts | null): string {
  const colors: [name: string, pair: Pair][] = [
    ...Object.entries(named),
    ...categories.map((pair, i): [string, Pair] => [`run-${i}`, pair]),
    ...(charts
      ? Array.from({ length: depth }, (_, i): [string, Pair] => [`block-${i}`, depthPair(i, depth, charts)])
      : []),
  ];
  const scheme = (which: 0 | 1): string => colors.map(([name, pair]) => `--${name}:${pair[which]}`).join(';');
  return `:root{color-scheme:light dark;${scheme(0)}}@media(prefers-color-scheme:dark){:root{${scheme(1)}}}`;
}

/** Leaves out the ends of viridis that are hard to see: pale yellow on white, violet on black. */
function depthPair(i: number, depth: number, charts: Charts): Pair {
  const { apply } = plotOf(charts).scale({ color: { type: 'linear', scheme: 'viridis', domain: [0, 1] } });
  const at = depth > 1 ? i / (depth - 1) : 0.4;
  return [String(apply(0.82 * at)), String(apply(0.3 + 0.7 * at))];
}
