// The distributions of the MLPs' activations and of their gradients: one curve per block, with a table of
// numbers and their development over training.

import type * as Plot from '@observablehq/plot';
import { formatCount, formatNumber, formatPercent, formatStep } from '../base/format.ts';
import type { ProbeEvent, Summary, TapSummary } from '../train/events.ts';
import type { Charts } from './charts.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { activationLabel, tapLabel } from './labels.ts';
import { chart, depthPalette, plotOf, powerOfTen, superscript } from './plot.ts';
import { BODY_TOP, line, MARGIN, picture, rect, text, theme } from './svg.ts';
import type { Table } from './table.ts';

const CHART_WIDTH = 600;
const TABLE_LEFT = MARGIN + CHART_WIDTH + 36;
const LABEL_WIDTH = 96;
const ROW = 24;
const HISTORY_HEIGHT = 176;
/** Number of decades shown below the highest density. */
const DECADES = 5;

/**
 * A table of the outputs of the activations at the last of `probes`, with sparsity at the first if there are
 * several. Sparsity is the share of outputs <= 0.
 */
export function activationsTable(probes: readonly ProbeEvent[]): Table | null {
  const [first, last] = [probes[0], probes.at(-1)];
  if (!last) return null;
  const steps = first === last ? [last] : [first, last];
  const at = ({ step }: ProbeEvent): string =>
    step > 0 ? `sparsity, step ${formatCount(step)}` : 'sparsity';
  const sparsity = ({ taps }: ProbeEvent, name: string): string => {
    const tap = taps.find((candidate) => candidate.name === name);
    return tap ? formatPercent(tap.zeroFraction) : '';
  };
  const gradients = last.taps.some(({ gradient }) => gradient !== null);
  return {
    title: 'Outputs of the activations',
    columns: [
      'outputs of',
      ...steps.map(at),
      'dead units',
      'window (tokens)',
      'mean',
      'std',
      ...(gradients ? ['gradient std'] : []),
    ],
    wide: ['window (tokens)', 'mean'],
    rows: last.taps.map((tap) => [
      tapLabel(tap.name),
      ...steps.map((probe) => sparsity(probe, tap.name)),
      `${formatCount(tap.deadUnits.length)} of ${formatCount(tap.units)}`,
      formatCount(tap.windowTokens),
      formatNumber(tap.value.mean),
      formatNumber(tap.value.std),
      ...(gradients ? [tap.gradient ? formatNumber(tap.gradient.std) : ''] : []),
    ]),
    note: `Dead: fired for none of the last ${formatCount(
      Math.max(...last.taps.map(({ windowTokens }) => windowTokens)),
    )} tokens looked at; sparsity: outputs that are 0 or less.${gradients ? '' : ' A quantised model has no gradients.'}`,
  };
}

/** The power of ten that axis and table are divided by: gradients are of the order of 1e-6. */
interface Unit {
  factor: number;
  /** ` (× 10⁻⁶)`, or nothing for 1. */
  label: string;
}

interface Column {
  label: string;
  width: number;
  cell: (tap: TapSummary, unit: Unit) => string;
}

/** The differences between the two figures of this file. */
interface Content {
  name: string;
  title: string;
  subtitle: string;
  axis: string;
  columns: readonly Column[];
  summary: (tap: TapSummary) => Summary | null;
  /** Share of the values to leave out of the first bin, in which exact zeros are counted. */
  zeros: (tap: TapSummary) => number;
  /** The number whose development over training is shown. */
  history: {
    label: (unit: Unit) => string;
    value: (tap: TapSummary, unit: Unit) => number;
    options: Plot.ScaleOptions;
  };
}

/**
 * `relu-activations`: the outputs of each block's activation at the last of `probes`, and the share of
 * outputs <= 0 over all of them. Null when the last probe has no histograms.
 */
export function activationsFigure(
  probes: readonly ProbeEvent[],
  { activation = 'relu', charts }: Drawing,
): Figure | null {
  const last = probes.at(-1);
  if (!last) return null;
  const label = activationLabel[activation];
  const sparse = last.taps.every((tap) => tap.value.min >= 0);
  const tokens = formatCount(Math.max(...last.taps.map((tap) => tap.windowTokens)));
  const shown = sparse ? 'outputs above 0 as curves, the others as their share' : 'all outputs';
  return histogramFigure(probes, last, charts, {
    name: `${activation}-activations`,
    title: `${label} activations`,
    subtitle: `${atStep(last)}${shown}; dead units were active for none of ${tokens} tokens`,
    axis: `${label} output`,
    columns: [
      { label: 'mean', width: 62, cell: (tap, unit) => formatNumber(tap.value.mean / unit.factor) },
      { label: 'std', width: 62, cell: (tap, unit) => formatNumber(tap.value.std / unit.factor) },
      { label: 'share ≤ 0', width: 82, cell: (tap) => formatPercent(tap.zeroFraction) },
      { label: 'dead units', width: 86, cell: (tap) => `${tap.deadUnits.length} of ${tap.units}` },
    ],
    summary: (tap) => tap.value,
    zeros: (tap) => (sparse ? tap.zeroFraction : 0),
    history: {
      label: () => 'share ≤ 0 (%)',
      value: (tap) => 100 * tap.zeroFraction,
      options: { nice: true },
    },
  });
}

/**
 * `relu-gradients`: dLoss / d(output) of each block's activation at the last of `probes`, and its standard
 * deviation over all of them. Null when the last probe has no histograms of gradients.
 */
export function gradientsFigure(
  probes: readonly ProbeEvent[],
  { activation = 'relu', charts }: Drawing,
): Figure | null {
  const last = probes.at(-1);
  if (!last) return null;
  const label = activationLabel[activation];
  return histogramFigure(probes, last, charts, {
    name: `${activation}-gradients`,
    title: `${label} gradients`,
    subtitle: `${atStep(last)}gradient of the loss with respect to each ${label} output`,
    axis: `dLoss / d(${label} output)`,
    columns: [
      {
        label: 'mean',
        width: 98,
        cell: (tap, unit) => formatNumber((tap.gradient?.mean ?? 0) / unit.factor),
      },
      { label: 'std', width: 98, cell: (tap, unit) => formatNumber((tap.gradient?.std ?? 0) / unit.factor) },
    ],
    summary: (tap) => tap.gradient,
    zeros: () => 0,
    history: {
      label: (unit) => `std${unit.label}`,
      value: (tap, unit) => (tap.gradient?.std ?? Number.NaN) / unit.factor,
      options: { nice: true, zero: true },
    },
  });
}

/** Step 0 means a model that is not being trained. */
function atStep({ step }: ProbeEvent): string {
  return step > 0 ? `step ${formatCount(step)}: ` : '';
}

interface Curve {
  tap: TapSummary;
  label: string;
  color: string;
  points: { x: number; density: number }[];
}

function histogramFigure(
  probes: readonly ProbeEvent[],
  last: ProbeEvent,
  charts: Charts,
  content: Content,
): Figure | null {
  const taps = last.taps.filter((tap) => (content.summary(tap)?.histogram.counts.length ?? 0) > 0);
  if (taps.length === 0) return null;
  const unit = axisUnit(taps.map((tap) => content.summary(tap) as Summary));
  const palette = depthPalette(taps.length, charts);
  const curves = taps.map((tap, i): Curve => {
    const points = density(content.summary(tap) as Summary, content.zeros(tap), unit.factor);
    return { tap, label: tapLabel(tap.name), color: palette[i], points };
  });
  const tableWidth = content.columns.reduce((sum, column) => sum + column.width, LABEL_WIDTH);
  const tableHeight = 20 + ROW * (curves.length + 1);
  const height = Math.max(410, tableHeight + HISTORY_HEIGHT + 20);
  const svg = picture({
    title: content.title,
    subtitle: content.subtitle,
    width: TABLE_LEFT + tableWidth + MARGIN,
    height: BODY_TOP + height + 16,
    body: [
      histograms(curves, content.axis + unit.label, height, charts),
      ...table(curves, content.columns, unit),
      ...(probes.length > 1
        ? [history(probes, curves, content, unit, { width: tableWidth, height, charts })]
        : []),
    ],
  });
  const data = {
    step: last.step,
    taps: taps.map((tap) => tapData(tap, content)),
    history: historyData(probes, content),
  };
  return { name: content.name, title: content.title, svg, data };
}

function tapData(tap: TapSummary, content: Content): object {
  const { name, zeroFraction, deadUnits, units, windowTokens } = tap;
  return { name, ...content.summary(tap), zeroFraction, deadUnits, units, windowTokens };
}

function historyData(probes: readonly ProbeEvent[], content: Content): object[] {
  return probes.flatMap(({ step, taps }) =>
    taps.map((tap) => {
      const { mean, std } = content.summary(tap) ?? { mean: null, std: null };
      return {
        step,
        name: tap.name,
        mean,
        std,
        zeroFraction: tap.zeroFraction,
        deadUnits: tap.deadUnits.length,
      };
    }),
  );
}

/**
 * The density of values in each bin: share of all values per unit of x. Bins that also contain values outside
 * the range are left out.
 */
function density(summary: Summary, zeros: number, factor: number): { x: number; density: number }[] {
  const { lo, hi, counts } = summary.histogram;
  const total = counts.reduce((sum, n) => sum + n, 0);
  const width = (hi - lo) / counts.length;
  const points = counts.map((n, i) => {
    const inside = i === 0 ? Math.max(0, n - zeros * total) : n;
    return { x: (lo + (i + 0.5) * width) / factor, density: inside / total / (width / factor) };
  });
  return points
    .slice(summary.min < lo ? 1 : 0, summary.max > hi ? -1 : undefined)
    .filter((point) => point.density > 0);
}

function axisUnit(summaries: readonly Summary[]): Unit {
  const reach = Math.max(...summaries.flatMap(({ histogram: { lo, hi } }) => [Math.abs(lo), Math.abs(hi)]));
  const exponent = reach > 0 ? 3 * Math.floor(Math.log10(reach) / 3) : 0;
  // Between 0.1 and 1 a plain axis is easier to read than powers of ten.
  if (exponent === 0 || (reach > 0.1 && reach < 1000)) return { factor: 1, label: '' };
  return { factor: 10 ** exponent, label: ` (× 10${superscript(exponent)})` };
}

function histograms(curves: readonly Curve[], axis: string, height: number, charts: Charts): string {
  const densities = curves.flatMap((curve) => curve.points.map((point) => point.density));
  const highest = Math.max(...densities);
  const lowest = 10 ** Math.floor(Math.log10(Math.max(Math.min(...densities), highest / 10 ** DECADES)));
  const rows = curves.flatMap(({ label, color, points }) =>
    points.map((point) => ({ label, color, ...point })),
  );
  return chart(
    MARGIN,
    BODY_TOP,
    {
      width: CHART_WIDTH + 16,
      height,
      marginLeft: 60,
      marginRight: 12,
      marginTop: 28,
      marginBottom: 48,
      x: { label: axis, labelAnchor: 'center', labelArrow: 'none', labelOffset: 42, nice: true },
      y: {
        label: 'density (log scale)',
        labelArrow: 'none',
        type: 'log',
        domain: [lowest, highest * 1.5],
        ticks: powersOfTen(lowest, highest * 1.5),
        tickFormat: powerOfTen,
        grid: true,
        clamp: true,
      },
      marks: [
        plotOf(charts).lineY(rows, { x: 'x', y: 'density', z: 'label', stroke: 'color', strokeWidth: 1.75 }),
      ],
    },
    charts,
  );
}

/** The development of `content.history` over the probes, below the table. */
function history(
  probes: readonly ProbeEvent[],
  curves: readonly Curve[],
  content: Content,
  unit: Unit,
  { width, height, charts }: { width: number; height: number; charts: Charts },
): string {
  const rows = probes.flatMap(({ step, taps }) =>
    curves.flatMap(({ tap: { name }, color }) => {
      const tap = taps.find((candidate) => candidate.name === name);
      return tap ? [{ step, name, color, value: content.history.value(tap, unit) }] : [];
    }),
  );
  return chart(
    TABLE_LEFT,
    BODY_TOP + height - HISTORY_HEIGHT,
    {
      width: width + 12,
      height: HISTORY_HEIGHT,
      marginLeft: 40,
      marginRight: 24,
      marginTop: 28,
      marginBottom: 48,
      x: {
        label: 'optimizer step',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
        ticks: 4,
        tickFormat: formatStep,
      },
      y: {
        label: content.history.label(unit),
        labelArrow: 'none',
        grid: true,
        ticks: 4,
        ...content.history.options,
      },
      marks: [
        plotOf(charts).lineY(rows, { x: 'step', y: 'value', z: 'name', stroke: 'color', strokeWidth: 1.75 }),
      ],
    },
    charts,
  );
}

function powersOfTen(lo: number, hi: number): number[] {
  const first = Math.round(Math.log10(lo));
  return Array.from({ length: Math.floor(Math.log10(hi)) - first + 1 }, (_, i) => 10 ** (first + i));
}

function table(curves: readonly Curve[], columns: readonly Column[], unit: Unit): string[] {
  const parts: string[] = [];
  const top = BODY_TOP + 12;
  let right = TABLE_LEFT + LABEL_WIDTH;
  for (const column of columns) {
    right += column.width;
    const label =
      column.label === 'mean' || column.label === 'std' ? column.label + unit.label : column.label;
    parts.push(text(right, top, label, { size: 11.5, fill: theme.muted, anchor: 'end' }));
    for (const [i, { tap }] of curves.entries()) {
      const cell = column.cell(tap, unit).replace(/^-/, '−');
      parts.push(text(right, top + ROW * (i + 1) + 2, cell, { anchor: 'end' }));
    }
  }
  parts.push(line(TABLE_LEFT, top + 8, right, top + 8, theme.rule));
  for (const [i, { label, color }] of curves.entries()) {
    const y = top + ROW * (i + 1) + 2;
    parts.push(rect(TABLE_LEFT, y - 6, 18, 4, color, 2), text(TABLE_LEFT + 26, y, label));
  }
  return parts;
}

/** The activations of a model over one batch: `relu-activations`, `relu-gradients`. */
export const activationsFinding: Finding<readonly TapSummary[]> = {
  title: 'Activations',
  about: 'The outputs of the activations over some text, and the gradients that reach them.',
  tables(taps) {
    const table = activationsTable([asProbe(taps)]);
    return table ? [table] : [];
  },
  figures: (taps, drawing) =>
    [activationsFigure([asProbe(taps)], drawing), gradientsFigure([asProbe(taps)], drawing)].filter(
      (figure) => figure !== null,
    ),
};

function asProbe(taps: readonly TapSummary[]): ProbeEvent {
  return { type: 'probe', step: 0, taps: [...taps] };
}
