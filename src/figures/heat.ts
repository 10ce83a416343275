// Heat maps: fine ones as one path per colour, coarse ones as cells with numbers.

import type * as Plot from '@observablehq/plot';
import type { Charts } from './charts.ts';
import { plotOf } from './plot.ts';
import { rect, text, theme } from './svg.ts';

/** Number of colours: enough to look continuous, few enough that equal neighbours share a path. */
export const LEVELS = 32;

/** Orange and blue, distinguishable with any colour vision (after Okabe & Ito 2008). */
const DIVERGING = ['#c44e00', '#f3a76b', '#f6f6f4', '#7db8dd', '#005f9e'];

/**
 * Colours from least to most: `blues` for shares, `diverging` (orange, white, blue) for signed values around
 * the middle.
 */
export function heatColors(scheme: 'blues' | 'diverging', charts: Charts): string[] {
  const options: Plot.ScaleOptions =
    scheme === 'blues'
      ? { type: 'linear', scheme: 'blues', domain: [-0.06, 1] } // 0 is slightly darker than the paper
      : { type: 'linear', range: DIVERGING, domain: DIVERGING.map((_, i) => i / (DIVERGING.length - 1)) };
  const scale = plotOf(charts).scale({ color: options });
  return Array.from({ length: LEVELS }, (_, i) => String(scale.apply(i / (LEVELS - 1))));
}

/** The index of the colour for a share of the scale, 0 to 1. */
export function levelOf(share: number): number {
  return Math.min(LEVELS - 1, Math.floor(Math.min(1, Math.max(0, share)) * LEVELS));
}

/** The place of a map. */
export interface MapPlace {
  x: number;
  y: number;
  /** Width and height of a cell. */
  cell: number;
}

/**
 * A map of `rows` rows. Row r has `widthOf(r)` cells; `level(row, column)` is the index of the colour in
 * `colors`.
 */
export function pixelMap(
  place: MapPlace,
  rows: number,
  widthOf: (row: number) => number,
  level: (row: number, column: number) => number,
  colors: readonly string[],
): string {
  const paths = new Array<string>(colors.length).fill('');
  for (let row = 0; row < rows; row++) {
    const width = widthOf(row);
    for (let column = 0; column < width; ) {
      const here = level(row, column);
      let end = column + 1;
      while (end < width && level(row, end) === here) end++;
      paths[here] += `M${column} ${row}h${end - column}v1h${column - end}z`;
      column = end;
    }
  }
  const drawn = colors.map((color, i) => (paths[i] ? `<path fill="${color}" d="${paths[i]}"/>` : ''));
  return `<g transform="translate(${place.x} ${place.y}) scale(${place.cell})" shape-rendering="crispEdges">${drawn.join('')}</g>`;
}

/** A cell of a coarse map. */
export interface Cell {
  label: string;
  /** Share of the scale, 0 to 1; null: an empty cell. */
  share: number | null;
  bold?: boolean;
}

/** Cells of `width` x `height`, row by row, each with its label. */
export function cellGrid(
  place: { x: number; y: number; width: number; height: number },
  rows: readonly (readonly Cell[])[],
  colors: readonly string[],
  style: { mono?: boolean; size?: number } = {},
): string {
  const { x, y, width, height } = place;
  const parts: string[] = [];
  for (const [r, row] of rows.entries()) {
    for (const [c, { label, share, bold }] of row.entries()) {
      const [left, top] = [x + c * width, y + r * height];
      const fill = share === null ? theme.paper : colors[levelOf(share)];
      parts.push(rect(left, top, width - 2, height - 2, fill, 2));
      const place = [left + (width - 2) / 2, top + height / 2 + 3] as const;
      parts.push(text(...place, label, { size: 10.5, anchor: 'middle', fill: inkOn(fill), bold, ...style }));
    }
  }
  return parts.join('');
}

/** Dark or light letters, whichever is readable on a colour (relative luminance, WCAG 2). */
function inkOn(color: string): string {
  const [r, g, b] = channels(color).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.25 ? theme.ink : theme.paper;
}

/** `#rrggbb` or `rgb(r, g, b)` as three numbers from 0 to 1. */
function channels(color: string): number[] {
  const hex = color.match(/^#(..)(..)(..)$/);
  if (hex) return hex.slice(1).map((c) => Number.parseInt(c, 16) / 255);
  return (color.match(/[\d.]+/g) ?? []).slice(0, 3).map((c) => Number(c) / 255);
}

/** A scale with numbers below it. `ticks` are pairs of a share and its label. */
export function scaleBar(
  x: number,
  y: number,
  label: string,
  colors: readonly string[],
  ticks: readonly (readonly [share: number, label: string])[],
): string {
  const [width, height] = [240, 10];
  const parts = [text(x, y + 9, label, { fill: theme.muted })];
  const start = x + 6.4 * label.length + 14;
  for (const [i, color] of colors.entries())
    parts.push(rect(start + (i * width) / LEVELS, y, width / LEVELS + 0.5, height, color));
  for (const [share, name] of ticks) {
    const at = start + width * share;
    parts.push(rect(at - 0.5, y + height, 1, 3, theme.muted));
    parts.push(text(at, y + height + 14, name, { size: 10, anchor: 'middle', fill: theme.muted }));
  }
  return parts.join('');
}
