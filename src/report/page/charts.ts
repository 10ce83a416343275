// The charts of a page: lines drawn by Plot in the page's colours, once for wide windows and once for phones,
// with values for the pointer (script.ts) and a legend in HTML.

import { formatStep } from '../../base/format.ts';
import type { Charts } from '../../figures/charts.ts';
import { plotOf, plotSvg } from '../../figures/plot.ts';
import { type Html, html, jsonScript, raw } from './html.ts';

export interface Point {
  x: number;
  y: number;
}

/** One line of a chart. */
export interface Series {
  name: string;
  /** A CSS colour, as `var(--val)`. */
  color: string;
  points: readonly Point[];
  /** Thin and pale, behind the others: for single batches. */
  faint?: boolean;
  /** SVG's stroke-dasharray. */
  dash?: string;
  /** A mark at every point: for few, measured values. */
  dots?: boolean;
}

export interface Axis {
  label: string;
  format: (value: number) => string;
  /** How the page writes the value under the pointer. Default: `format`. */
  precise?: (value: number) => string;
  type?: 'linear' | 'log';
  /** Whether the axis includes 0. */
  zero?: boolean;
  domain?: [number, number];
}

export interface LineChart {
  /** A description for those who cannot see it. */
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  /** A point marked by a ring. */
  highlight?: Point & { color: string };
  /** `small` charts are two in a row. */
  size?: 'wide' | 'small';
  /** Whether there is a legend. Default: if there are two lines or more. */
  legend?: boolean;
}

/** The x axis of everything during a run. */
export const stepAxis: Axis = { label: 'optimizer step', format: formatStep };

/** Widths and heights, in CSS pixels. */
const SIZES = {
  wide: [
    { kind: 'wide', width: 760, height: 380 },
    { kind: 'narrow', width: 350, height: 280 },
  ],
  small: [{ kind: 'small', width: 350, height: 210 }],
} as const;

/** The chart as a figure; null if no line has a finite point, or charts cannot be drawn. */
export function lineChart(chart: LineChart, charts: Charts | null): Html | null {
  const series = chart.series
    .map((line) => ({ ...line, points: line.points.filter(({ x, y }) => drawable(chart, x, y)) }))
    .filter(({ points }) => points.length > 0);
  if (series.length === 0 || charts === null) return null;
  const clean = { ...chart, series };
  const { x, y, size = 'wide', legend = series.length > 1 } = chart;
  const values = series.map(({ name, color, faint, points }) => ({
    name,
    color,
    faint,
    points: points.map((p) => [p.x, p.y, (y.precise ?? y.format)(p.y)]),
  }));
  return html`<figure class="chart ${size}">
<figcaption><b>${chart.title}</b>${legend && legendOf(series)}</figcaption>
<div class="plot">${SIZES[size].map(({ kind, width, height }) => drawing(clean, { kind, width, height }, charts))}</div>
${jsonScript({ x: x.label, series: values })}</figure>`;
}

/** Names of the lines, with samples of them. */
export function legendOf(series: readonly Pick<Series, 'name' | 'color' | 'faint' | 'dash'>[]): Html {
  return html`<span class="legend">${series.map(
    ({ name, color, faint, dash }) =>
      html`<span class="key${faint && ' faint'}${dash !== undefined && ' dash'}" style="--c:${color}">${name}</span>`,
  )}</span>`;
}

function drawable({ x, y }: LineChart, px: number, py: number): boolean {
  const inside = (axis: Axis, value: number): boolean =>
    Number.isFinite(value) && !(axis.type === 'log' && value <= 0);
  return inside(x, px) && inside(y, py);
}

function drawing(
  chart: LineChart,
  { kind, width, height }: { kind: string; width: number; height: number },
  charts: Charts,
): Html {
  const { x, y, series, highlight } = chart;
  const narrow = width < 500;
  const lines = series.map((line) =>
    plotOf(charts).lineY(line.points, {
      x: 'x',
      y: 'y',
      stroke: line.color,
      strokeDasharray: line.dash,
      ...(line.faint ? { strokeWidth: 1, strokeOpacity: 0.45 } : { strokeWidth: narrow ? 1.75 : 2.25 }),
    }),
  );
  const dots = series
    .filter((line) => line.dots || line.points.length === 1)
    .map((line) =>
      plotOf(charts).dot(line.points, { x: 'x', y: 'y', fill: line.color, r: narrow ? 2 : 2.75 }),
    );
  const ring = highlight ? [highlight] : [];
  const { svg, plot } = plotSvg(
    {
      width,
      height,
      marginLeft: narrow ? 42 : 48,
      marginRight: 14,
      marginTop: 22,
      marginBottom: 40,
      style: { fontFamily: 'inherit', fontSize: '12px', color: 'var(--muted)', background: 'none' },
      ariaLabel: chart.title,
      x: {
        label: x.label,
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 36,
        type: x.type ?? 'linear',
        ticks: narrow ? 4 : 8,
        tickFormat: x.format,
        tickSize: 0,
        domain: x.domain,
      },
      y: {
        label: y.label,
        labelArrow: 'none',
        type: y.type ?? 'linear',
        zero: y.zero,
        domain: y.domain,
        grid: true,
        ticks: y.type === 'log' ? decades(series) : narrow ? 4 : 7,
        tickFormat: y.format,
        tickSize: 0,
      },
      marks: [
        ...lines,
        ...dots,
        plotOf(charts).dot(ring, {
          x: 'x',
          y: 'y',
          stroke: highlight?.color,
          strokeWidth: 1.75,
          r: narrow ? 6 : 7.5,
        }),
      ],
    },
    charts,
  );
  const scale = (name: 'x' | 'y'): string => {
    const { domain = [], range = [], type } = plot.scale(name) ?? {};
    return JSON.stringify([...domain, ...range, type === 'log' ? 1 : 0]);
  };
  return html`<div class="${kind}" data-x="${scale('x')}" data-y="${scale('y')}">${raw(svg)}</div>`;
}

/**
 * The powers of ten that the values of `series` span; if they span too few, as many ticks as fit.
 */
function decades(series: readonly Series[]): number[] | number {
  const logs = series.flatMap(({ points }) => points.map(({ y }) => Math.log10(y)));
  const [from, to] = [Math.ceil(Math.min(...logs)), Math.floor(Math.max(...logs))];
  return to - from < 1 ? 3 : Array.from({ length: to - from + 1 }, (_, i) => Number(`1e${from + i}`));
}
