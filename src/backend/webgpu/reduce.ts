// Sums over a whole buffer, and over the rows of a matrix. Long ones in two stages: partial sums, then their
// sum; the stages depend on the shape alone. Read next: matmul.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { groupSum } from './wgsl.ts';

/** Most elements that one group sums. */
const GROUP = 16_384;

// Group g sums elements g * size .. of x, squared or as they are, into out[g].
const sumShader = shader({
  name: 'sum',
  buffers: { out: '>f32', x: 'f32' },
  numbers: { n: 'u32', size: 'u32', squared: 'u32', accumulate: 'u32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      let end = min((group + 1u) * u.size, u.n);
      var sum = 0.0;
      for (var i = group * u.size + lane; i < end; i += 64u) {
        sum += x[i] * select(1.0, x[i], u.squared != 0u);
      }
      sum = group_sum(lane, sum);
      if (lane == 0u) { out[group] = sum + select(0.0, out[group], u.accumulate != 0u); }
    }`,
});

/** What `sum` does beside summing. */
interface How {
  squared: boolean;
  accumulate: boolean;
}

/** out[0] (+)= sum of x[i]^2 or of x[i], for i < n. */
function sum(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, n: number, how: How): void {
  const groups = Math.max(1, Math.ceil(n / GROUP));
  if (groups === 1) stage(queue, out, x, n, groups, how);
  else
    queue.withScratch(groups, (parts) => {
      stage(queue, parts, x, n, groups, { ...how, accumulate: false });
      sum(queue, out, parts, groups, { ...how, squared: false });
    });
}

function stage(
  queue: Queue,
  out: DeviceBuffer,
  x: DeviceBuffer,
  n: number,
  groups: number,
  { squared, accumulate }: How,
): void {
  const numbers = {
    n,
    size: Math.ceil(n / groups),
    squared: squared ? 1 : 0,
    accumulate: accumulate ? 1 : 0,
  };
  queue.run(sumShader, { out, x }, numbers, { count: groups, work: 2 * n });
}

/** out[0] += sum of x[i] for i < n. */
export function addSum(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, n: number): void {
  sum(queue, out, x, n, { squared: false, accumulate: true });
}

/** Number of rows of each part, when sums over rows are computed in two stages. */
export function rowsPerPart(rows: number): number {
  return Math.max(64, Math.ceil(Math.sqrt(rows)));
}

// Thread (part, c) sums x[r, c] over the rows of a part into out[part, c]. With `more`, columns from `split`
// on go there.
const sumRowsShader = shader({
  name: 'sumRows',
  buffers: { out: '>f32', more: '>f32?', x: 'f32' },
  numbers: { rows: 'u32', cols: 'u32', size: 'u32', accumulate: 'u32', split: 'u32' },
  code: `
    fn run(i: u32) {
      let first = (i / u.cols) * u.size;
      let c = i % u.cols;
      var sum = 0.0;
      for (var r = first; r < min(first + u.size, u.rows); r++) { sum += x[r * u.cols + c]; }
      if (has_more && i >= u.split) {
        more[i - u.split] += sum;
      } else {
        out[i] = sum + select(0.0, out[i], u.accumulate != 0u);
      }
    }`,
});

/** out[c] += sum over rows of x[r, c]. */
export function addRows(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, rows: number, cols: number): void {
  if (rows === 0) return;
  const size = rowsPerPart(rows);
  const parts = Math.ceil(rows / size);
  if (parts === 1) addParts(queue, out, null, x, rows, cols);
  else
    queue.withScratch(parts * cols, (sums) => {
      const numbers = { rows, cols, size, accumulate: 0, split: 0 };
      const extent = { count: parts * cols, work: 2 * rows * cols };
      queue.run(sumRowsShader, { out: sums, more: null, x }, numbers, extent);
      addParts(queue, out, null, sums, parts, cols);
    });
}

/**
 * out[c] += sum over the parts of x[part, c], for few parts. With `more`: x [parts, 2, cols], whose second
 * half is summed there.
 */
export function addParts(
  queue: Queue,
  out: DeviceBuffer,
  more: DeviceBuffer | null,
  x: DeviceBuffer,
  parts: number,
  cols: number,
): void {
  const all = more ? 2 * cols : cols;
  const numbers = { rows: parts, cols: all, size: parts, accumulate: 1, split: cols };
  queue.run(sumRowsShader, { out, more, x }, numbers, { count: all, work: 2 * parts * all });
}

export function reduceKernels(queue: Queue): Pick<Kernels, 'sumSquares' | 'sumRows'> {
  return {
    sumSquares: (out, x, accumulate) => sum(queue, out, x, x.length, { squared: true, accumulate }),
    sumRows: (out, x, rows, cols) => addRows(queue, out, x, rows, cols),
  };
}
