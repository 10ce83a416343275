// The statistics that probes compute. Read next: int8.ts.
import { type Kernels, STATISTICS_HEADER } from '../contract.ts';
import { f32, i32 } from './buffer.ts';

/**
 * out = [sum, sum of squares, min, max, number <= 0, number not finite, bins...] of x [rows, cols]. All but
 * "number not finite" consider finite values only. If there is none, min is Infinity and max -Infinity. Bin b
 * counts values from lo + b w up to lo + (b + 1) w, w = (hi - lo) / bins. Values below lo count in the first
 * bin, those from hi on in the last. active[c] += number of rows with x[r, c] > 0.
 */
export const statistics: Kernels['statistics'] = (out, active, x, options) => {
  const { rows, cols, lo, hi, bins } = options;
  const O = f32(out);
  const A = active ? i32(active) : null;
  const X = f32(x);
  const histogram = new Float64Array(bins);
  let sum = 0;
  let squares = 0;
  let min = Infinity;
  let max = -Infinity;
  let notPositive = 0;
  let notFinite = 0;
  for (let i = 0; i < rows * cols; i++) {
    const value = X[i];
    if (A && value > 0) A[i % cols]++;
    if (!Number.isFinite(value)) {
      notFinite++;
      continue;
    }
    sum += value;
    squares += value * value;
    min = Math.min(min, value);
    max = Math.max(max, value);
    if (value <= 0) notPositive++;
    if (bins > 0) {
      const bin = Math.floor(((value - lo) / (hi - lo)) * bins);
      histogram[Math.min(Math.max(bin, 0), bins - 1)]++;
    }
  }
  O.set([sum, squares, min, max, notPositive, notFinite]);
  O.set(histogram, STATISTICS_HEADER);
};
