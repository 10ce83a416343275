// Named values side by side: a distribution for each, and one for its gradient, in the order of computation.
import { formatNumber, formatPercent } from '../base/format.ts';
import type { TapSummary } from '../train/events.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { depthPalette } from './plot.ts';
import { RIDGE_DECADES, ridgeChart } from './ridges.ts';
import { BODY_TOP, MARGIN, picture, text } from './svg.ts';
import type { Table } from './table.ts';

const PANEL = 300;
const LABELS = 130;
const ROW = 26;

/** `taps`: values on the left, their gradients, if any, on the right. */
export function tapsFigure(taps: readonly TapSummary[], { charts }: Drawing): Figure {
  const colors = depthPalette(taps.length, charts);
  const top = BODY_TOP + 44;
  const values = taps.map(({ name, value, zeroFraction }, i) => {
    const zeros = value.min >= 0 ? zeroFraction : 0;
    return { label: name, color: colors[i], summary: value, zeros };
  });
  const gradients = taps.flatMap(({ name, gradient }, i) =>
    gradient ? [{ label: name, color: colors[i], summary: gradient, zeros: 0 }] : [],
  );
  const panel = (index: number, title: string, ridges: typeof values): string[] => {
    const x = MARGIN + LABELS + index * (PANEL + LABELS + 20);
    return [
      text(x + PANEL / 2, BODY_TOP + 12, title, { anchor: 'middle' }),
      ridgeChart({ x, y: top, width: PANEL, row: ROW }, ridges),
    ];
  };
  const panels = gradients.length > 0 ? 2 : 1;
  const title = 'Named values';
  const svg = picture({
    title,
    subtitle: `one curve per value, zeros of a ReLU left out; height: density, log scale over ${RIDGE_DECADES} decades`,
    width: Math.max(720, 2 * MARGIN + panels * (LABELS + PANEL + 20)),
    height: top + taps.length * ROW + 40,
    body: [...panel(0, 'value', values), ...(panels === 2 ? panel(1, 'dLoss / d(value)', gradients) : [])],
  });
  return { name: 'taps', title, svg, data: { taps } };
}

/** One row per value. */
export function tapsTable(taps: readonly TapSummary[], note?: string): Table {
  const counted = taps.some(({ units }) => units > 0);
  return {
    title: 'Named values',
    columns: ['value', 'mean', 'std', 'min', 'max', '<= 0', 'gradient std', ...(counted ? ['silent'] : [])],
    rows: taps.map(({ name, value, zeroFraction, gradient, deadUnits, units }) => [
      name,
      ...[value.mean, value.std, value.min, value.max].map(formatNumber),
      formatPercent(zeroFraction),
      gradient ? formatNumber(gradient.std) : '',
      ...(counted ? [units > 0 ? `${deadUnits.length}/${units}` : ''] : []),
    ]),
    note: [note, ...(counted ? ['silent: units that fired for none of these tokens'] : [])]
      .filter((part) => part !== undefined)
      .join(' '),
  };
}

/** `taps` */
export const tapsFinding: Finding<readonly TapSummary[]> = {
  title: 'Named values',
  about: 'How the values inside are spread, and their gradients.',
  tables: (taps) => [tapsTable(taps)],
  figures: (taps, drawing) => [tapsFigure(taps, drawing)],
};
