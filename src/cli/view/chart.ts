// The loss so far as a chart of characters: of batches and of the validation part, by step.

import { plot } from 'asciichart';
import { mean } from '../../base/statistics.ts';

/** A loss at a step. */
export interface LossPoint {
  step: number;
  loss: number;
}

const LABEL_WIDTH = 6;
/** ANSI colours: yellow for the batches, blue for the validation. */
const BATCH = '\u001b[33m';
const VALIDATION = '\u001b[94m';

/**
 * With more points than this the first steps, whose steep fall would flatten the rest, are left out.
 */
const MANY = 50;

/** The first step in a chart of `batches`: a tenth of the way, once there are enough of them. */
export function chartStart(batches: readonly LossPoint[]): number {
  return batches.length > MANY ? Math.floor(batches[batches.length - 1].step / 10) : 0;
}

/**
 * A chart `columns` wide and about `rows` high, as lines. Without colour the two curves look the same, so
 * only the batches are drawn. Empty while there are fewer than two finite points.
 */
export function lossChart(
  batches: readonly LossPoint[],
  validation: readonly LossPoint[],
  columns: number,
  rows: number,
  color: boolean,
): string[] {
  const start = chartStart(batches);
  const since = (points: readonly LossPoint[]): LossPoint[] =>
    points.filter(({ step, loss }) => step >= start && Number.isFinite(loss));
  const both = [
    { points: since(batches), color: BATCH },
    ...(color ? [{ points: since(validation), color: VALIDATION }] : []),
  ];
  const shown = both.filter(({ points }) => points.length > 1);
  const width = columns - LABEL_WIDTH - 2;
  if (shown.length === 0 || width < 8) return [];
  const last = Math.max(...shown.map(({ points }) => points[points.length - 1].step));
  const series = shown.map(({ points }) => resample(points, width, start, last));
  return plot(series, {
    height: rows - 1,
    offset: 2,
    colors: color ? shown.map((line) => line.color) : [],
    format: (loss) => loss.toFixed(2).padStart(LABEL_WIDTH),
  }).split('\n');
}

/**
 * One value per column of an axis from `start` to `last`: the mean of its points, or an interpolation.
 * neighbours.
 */
function resample(points: readonly LossPoint[], width: number, start: number, last: number): number[] {
  const stepAt = (column: number): number => start + (column * (last - start)) / width;
  const values: number[] = [];
  let next = 0;
  for (let column = 0; column < width; column++) {
    const from = next;
    while (next < points.length && points[next].step <= stepAt(column + 1)) next++;
    if (next > from) {
      values.push(mean(points.slice(from, next).map(({ loss }) => loss)));
    } else if (next < points.length) {
      values.push(between(points, next, stepAt(column + 0.5)));
    } else break;
  }
  return values;
}

/** The loss at `step`, interpolated between the point before `next` and `next`. */
function between(points: readonly LossPoint[], next: number, step: number): number {
  const b = points[next];
  const a = points[Math.max(0, next - 1)];
  if (a === b) return b.loss;
  return a.loss + ((b.loss - a.loss) * (step - a.step)) / (b.step - a.step);
}
