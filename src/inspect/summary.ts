// Turns the output of the `statistics` kernel into totals, which add up over micro-batches, and totals into a
// summary. Read next: probe.ts.
import { STATISTICS_HEADER } from '../backend/contract.ts';

/** Mean, standard deviation and histogram of a set of values. */
export interface Summary {
  count: number;
  mean: number;
  std: number;
  min: number;
  max: number;
  histogram: { lo: number; hi: number; counts: number[] };
}

/** The range of a histogram. `bins` 0: no histogram. */
export interface HistogramRange {
  lo: number;
  hi: number;
  bins: number;
}

/** Sums over the finite values of one or more batches, which can be added to others. */
export interface Totals {
  /** Number of finite values. */
  count: number;
  sum: number;
  sumSquares: number;
  min: number;
  max: number;
  /** Values <= 0. */
  nonPositive: number;
  /** Number of NaN and infinities, which are not in any other number. */
  nonFinite: number;
  /** Null until a batch had bins. */
  histogram: { lo: number; hi: number; counts: number[] } | null;
}

/**
 * Reads the output of one `statistics` call, `stats` [STATISTICS_HEADER + bins], for `size` values and the
 * histogram `range`. Throws if the length does not fit the range.
 */
export function readStatistics(stats: Float32Array, size: number, range: HistogramRange): Totals {
  if (stats.length !== STATISTICS_HEADER + range.bins) {
    throw new Error(
      `statistics of length ${stats.length} do not fit ${range.bins} bins: ${STATISTICS_HEADER + range.bins} expected`,
    );
  }
  const [sum, sumSquares, min, max, nonPositive, nonFinite] = stats;
  const counts = Array.from(stats.subarray(STATISTICS_HEADER));
  const histogram = range.bins > 0 ? { lo: range.lo, hi: range.hi, counts } : null;
  return { count: size - nonFinite, sum, sumSquares, min, max, nonPositive, nonFinite, histogram };
}

/**
 * The sum of two totals. Histograms must have the same range; if only one side has a histogram, it is the
 * sum's.
 */
export function mergeTotals(a: Totals, b: Totals): Totals {
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    sumSquares: a.sumSquares + b.sumSquares,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    nonPositive: a.nonPositive + b.nonPositive,
    nonFinite: a.nonFinite + b.nonFinite,
    histogram: mergeHistograms(a.histogram, b.histogram),
  };
}

function mergeHistograms(a: Totals['histogram'], b: Totals['histogram']): Totals['histogram'] {
  if (!a || !b) return a ?? b;
  if (a.lo !== b.lo || a.hi !== b.hi || a.counts.length !== b.counts.length) {
    throw new Error(
      `histograms over [${a.lo}, ${a.hi}] and [${b.lo}, ${b.hi}] cannot be added: use one range per step`,
    );
  }
  return { lo: a.lo, hi: a.hi, counts: a.counts.map((n, i) => n + b.counts[i]) };
}

/**
 * mean = sum / count, std = sqrt(sumSquares / count - mean^2), that of the population. All are 0, with
 * `count` 0, when no value was finite. `histogram.counts` is empty when there were no bins.
 */
export function summarize(totals: Totals): Summary {
  const { count, sum, sumSquares } = totals;
  const histogram = totals.histogram ?? { lo: 0, hi: 0, counts: [] };
  if (count === 0) return { count: 0, mean: 0, std: 0, min: 0, max: 0, histogram };
  const mean = sum / count;
  const std = Math.sqrt(Math.max(0, sumSquares / count - mean * mean));
  return { count, mean, std, min: totals.min, max: totals.max, histogram };
}

/** Half the width of a histogram, in standard deviations. */
const REACH = 5;

/**
 * A range that shows the bulk of the values rather than one outlier: mean +- 5 std, cut at the smallest and
 * largest value. Where nothing is negative (a ReLU) it begins at exactly 0, and mean and std are those of the
 * values above 0; the zeros of a sparse layer would otherwise make the range too narrow. The kernel counts
 * outliers in the first and last bin.
 */
export function chooseRange(totals: Totals, bins: number): HistogramRange {
  const all = summarize(totals);
  const { min, max } = all;
  const { mean, std } = min < 0 ? all : summarize({ ...totals, count: totals.count - totals.nonPositive });
  const lo = min >= 0 ? 0 : Math.max(min, mean - REACH * std);
  const hi = Math.min(max, mean + REACH * std);
  if (hi > lo) return { lo, hi, bins };
  return { lo, hi: lo + Math.max(Math.abs(lo) * 1e-3, 1e-12), bins }; // all values are equal
}
