// The tables and the picture of ../growth.ts: measured time beside the time predicted from one size by
// floating-point operations.

import { ruleX } from '@observablehq/plot';
import { formatShort } from '../../src/base/format.ts';
import { formatTable } from '../../src/cli/table.ts';
import type { Charts } from '../../src/figures/charts.ts';
import type { Figure } from '../../src/figures/figure.ts';
import { chart, plotOf } from '../../src/figures/plot.ts';
import { BODY_TOP, line, MARGIN, picture, text, theme } from '../../src/figures/svg.ts';
import { summary } from './contest.ts';
import { formatSeconds, type Machine } from './program.ts';

/** What a step depends on. */
export interface Size {
  /** Sequences per step. */
  batch: number;
  layers: number;
  width: number;
}

/** One size, measured. */
export interface Point {
  size: Size;
  /** Of each timed step. */
  seconds: number[];
  /** Per step. */
  tokens: number;
  flop: number;
  peakMB: number;
}

/** Sizes that differ in one way. */
export interface Growth {
  by: keyof Size;
  points: Point[];
}

const PANEL = 290;
const HEIGHT = 300;
const TOP = BODY_TOP + 30;
const MEASURED = '#0072b2';
const PREDICTED = '#d55e00';

/** The size that the others are predicted from: the middle one. */
function reference({ points }: Growth): Point {
  return points[points.length >> 1];
}

/** Predicted seconds of `point`, at the operations per second of `from`. */
function predicted(point: Point, from: Point): number {
  return (point.flop / from.flop) * summary(from.seconds, 1).median;
}

/**
 * Lines of a table: for each size the time of a step, the time per token, the ratio to the prediction, the
 * peak memory.
 */
export function growthTable(growth: Growth): string[] {
  const from = reference(growth);
  const rows = growth.points.map((point) => {
    const { median, min, max } = summary(point.seconds, 1);
    return [
      String(point.size[growth.by]),
      formatSeconds(median),
      `${formatSeconds(min)}..${formatSeconds(max)}`,
      formatSeconds(median / point.tokens),
      formatShort(point.flop / median / 1e9),
      `${(median / predicted(point, from)).toFixed(2)}x`,
      `${point.peakMB} MB`,
    ];
  });
  const heads = [growth.by, 'step', 'spread', 'per token', 'GFLOP/s', 'time / FLOP', 'peak memory'];
  const note = `time / FLOP: how much longer than at ${growth.by} ${from.size[growth.by]} one operation takes`;
  return [...formatTable(heads, rows), note];
}

/**
 * One panel per series: seconds per step, and the predicted line.
 */
export function growthFigure(
  growths: readonly Growth[],
  engine: string,
  { processor, cores }: Machine,
  charts: Charts,
): Figure {
  const title = 'Growth of the training step';
  const legend: [string, string, string][] = [
    ['median of the steps, least to most', MEASURED, ''],
    ['as the operations grow, from the ringed size', PREDICTED, '5 4'],
  ];
  const entries = legend.flatMap(([label, colour, dash], i) => [
    line(MARGIN + 300 * i, BODY_TOP + 10, MARGIN + 300 * i + 24, BODY_TOP + 10, colour, 2.25, dash),
    text(MARGIN + 300 * i + 32, BODY_TOP + 14, label),
  ]);
  const svg = picture({
    title,
    subtitle: `seed preset, ${engine}, ${processor}, ${cores} cores`,
    width: 2 * MARGIN + PANEL * growths.length,
    height: TOP + HEIGHT + 16,
    body: [...entries, ...growths.map((growth, i) => panel(growth, MARGIN + PANEL * i, charts))],
  });
  return { name: 'growth', title, svg, data: { engine, growths } };
}

function panel(growth: Growth, x: number, charts: Charts): string {
  const from = reference(growth);
  const dots = growth.points.map((point) => ({
    size: point.size[growth.by],
    ...summary(point.seconds, 1),
    predicted: predicted(point, from),
  }));
  const label = { batch: 'sequences of 256 tokens', layers: 'layers', width: 'width' }[growth.by];
  return chart(
    x,
    TOP,
    {
      width: PANEL - 20,
      height: HEIGHT,
      marginLeft: 44,
      marginTop: 28,
      marginBottom: 48,
      x: {
        label,
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
        domain: [0, dots.at(-1)?.size ?? 1],
        nice: true,
        ticks: 5,
      },
      y: {
        label: 'seconds per step',
        labelArrow: 'none',
        grid: true,
        domain: [0, Math.max(...dots.flatMap((d) => [d.max, d.predicted]))],
        nice: true,
      },
      marks: [
        plotOf(charts).lineY(dots, {
          x: 'size',
          y: 'predicted',
          stroke: PREDICTED,
          strokeWidth: 2.25,
          strokeDasharray: '5 4',
        }),
        ruleX(dots, { x: 'size', y1: 'min', y2: 'max', stroke: MEASURED, strokeWidth: 1.5 }),
        plotOf(charts).dot(dots, { x: 'size', y: 'median', fill: MEASURED, r: 4, stroke: theme.paper }),
        plotOf(charts).dot([dots[dots.length >> 1]], {
          x: 'size',
          y: 'median',
          stroke: MEASURED,
          r: 8,
          strokeWidth: 1.75,
        }),
      ],
    },
    charts,
  );
}
