// Histograms one below the other, each a curve (a hill) on its own line: how a distribution changes with time
// or depth. Read next: over-time.ts.
import { formatNumber } from '../base/format.ts';
import type { Summary } from '../train/events.ts';
import { line, text, theme } from './svg.ts';

/** One histogram. */
export interface Ridge {
  label: string;
  color: string;
  summary: Summary;
  /** Share of the values to leave out of the first bin, in which exact zeros are counted. */
  zeros: number;
}

/** Decades of density between the foot of a hill and its top, so that tails are visible. */
export const RIDGE_DECADES = 4;
/** How far a hill may rise over the line above it, in lines. */
const OVERLAP = 1.7;

/** Draws `ridges` downwards from (x, y), `row` apart, over a common axis, with labels left of x. */
export function ridgeChart(
  place: { x: number; y: number; width: number; row: number },
  ridges: readonly Ridge[],
): string {
  const { x, y, width, row } = place;
  const drawn = ridges.filter(({ summary }) => summary.histogram.counts.length > 0 && summary.count > 0);
  if (drawn.length === 0) return '';
  const lo = Math.min(...drawn.map(({ summary }) => summary.histogram.lo));
  const hi = Math.max(...drawn.map(({ summary }) => summary.histogram.hi));
  const at = (value: number): number => x + (width * (value - lo)) / (hi - lo);
  const bottom = y + ridges.length * row;
  const parts: string[] = [];
  if (lo < 0 && hi > 0) parts.push(line(at(0), y, at(0), bottom, theme.rule, 1, '3 3'));
  for (const [i, ridge] of ridges.entries()) {
    const base = y + (i + 1) * row;
    parts.push(text(x - 8, base - 1, ridge.label, { size: 10, anchor: 'end', fill: theme.muted }));
    parts.push(line(x, base, x + width, base, theme.rule, 0.75));
    if (drawn.includes(ridge)) parts.push(hill(ridge, at, base, row * OVERLAP));
  }
  for (const [value, anchor] of [
    [lo, 'start'],
    ...(lo < 0 && hi > 0 ? [[0, 'middle'] as const] : []),
    [hi, 'end'],
  ] as const) {
    parts.push(line(at(value), bottom, at(value), bottom + 4, theme.muted));
    const label = formatNumber(value).replaceAll('-', '−');
    parts.push(text(at(value), bottom + 16, label, { size: 10, anchor, fill: theme.muted }));
  }
  return parts.join('');
}

function hill(
  { summary, zeros, color }: Ridge,
  at: (value: number) => number,
  base: number,
  height: number,
): string {
  const { lo, hi, counts } = summary.histogram;
  const total = counts.reduce((sum, n) => sum + n, 0);
  const inside = counts.map((n, i) => (i === 0 ? Math.max(0, n - zeros * total) : n));
  // The outer bins also contain values beyond them.
  if (summary.min < lo) inside[0] = 0;
  if (summary.max > hi) inside[inside.length - 1] = 0;
  const most = Math.max(...inside, 1);
  const width = (hi - lo) / counts.length;
  const points = inside.map((n, i) => {
    const level = n > 0 ? Math.max(0, 1 + Math.log10(n / most) / RIDGE_DECADES) : 0;
    return `${at(lo + (i + 0.5) * width).toFixed(1)} ${(base - height * level).toFixed(1)}`;
  });
  const [from, to] = [at(lo).toFixed(1), at(hi).toFixed(1)];
  const path = `M${from} ${base}L${points.join('L')}L${to} ${base}`;
  return `<path d="${path}Z" fill="${color}" fill-opacity="0.55"/><path d="${path}" fill="none" stroke="${theme.paper}" stroke-width="2.4" stroke-opacity="0.6"/><path d="${path}" fill="none" stroke="${color}" stroke-width="1.2"/>`;
}
