// Charts by Observable Plot, as SVG strings. They are drawn in a given document: a page has one, Node uses
// that of a library (../png/charts.ts).

import type * as Plot from '@observablehq/plot';
import { formatTick } from '../base/format.ts';
import type { Charts, PlotFunctions } from './charts.ts';
import { round, theme } from './svg.ts';

/** The functions that figures call, with their own types. Other code of Plot is not in what npm installs. */
export function plotOf({ plot }: Charts): Pick<typeof Plot, keyof PlotFunctions> {
  return plot as typeof Plot;
}

/**
 * A chart by Plot as SVG, with its scales; without its style sheet, which the rasteriser cannot read, and
 * with coordinates of two decimals, which halves the file.
 */
export function plotSvg(options: Plot.PlotOptions, charts: Charts): { svg: string; plot: Plot.Plot } {
  const document = charts.document as Plot.PlotOptions['document'];
  const plot = plotOf(charts).plot({ ...options, document });
  const markup: string = plot.outerHTML.replace(/<style>.*?<\/style>/s, '');
  const svg = markup.replace(/<[^>]+>/g, (tag) =>
    tag.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (n) => String(round(Number(n)))),
  );
  return { svg, plot };
}

/** A chart in the style of the pictures, at (x, y) of a larger picture, with its y label aligned with x. */
export function chart(x: number, y: number, options: Plot.PlotOptions, charts: Charts): string {
  const style = { fontFamily: theme.sans, fontSize: '12px', color: theme.ink };
  const { svg } = plotSvg({ style, ...options }, charts);
  return svg.replace('<svg', `<svg x="${round(x - PLOT_LABEL_OFFSET)}" y="${round(y)}"`);
}

/** Where Plot puts the label of the y axis. */
const PLOT_LABEL_OFFSET = 3;

/**
 * The label of a tick on a logarithmic axis: 10⁻⁴ for a power of ten with many digits, other values as they
 * are, 0.002.
 */
export function powerOfTen(value: number): string {
  const exponent = Math.round(Math.log10(value));
  const exact = Math.abs(value / 10 ** exponent - 1) < 1e-9;
  return exact && Math.abs(exponent) >= 3
    ? `10${superscript(exponent)}`
    : formatTick(value).replace('-', '−');
}

/**
 * Dark to light with depth, without the palest part of viridis: ordered, and distinguishable for colour-blind
 * readers.
 */
export function depthPalette(n: number, charts: Charts): string[] {
  const scale = plotOf(charts).scale({ color: { type: 'linear', scheme: 'viridis', domain: [0, 1] } });
  return Array.from({ length: n }, (_, i) => String(scale.apply(n > 1 ? (0.75 * i) / (n - 1) : 0.3)));
}

/** `-6` -> `⁻⁶` */
export function superscript(n: number): string {
  return String(n)
    .replace('-', '⁻')
    .replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]);
}
