// Sums over a whole buffer, and over the rows of a matrix. Long ones in two stages: partial sums, then their
// sum; the stages depend on the shape alone. Read next: matmul.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { groupSum } from './wgsl.ts';

/** Elements summed by one group, and rows summed by one thread. */
const GROUP = 16_384;
const ROWS = 64;

// Group g sums elements g * size .. of x, squared or as they are, into out[g].
const sumShader = shader({
  name: 'sum',
  buffers: { out: '>f32', x: 'f32' },
  numbers: { n: 'u32', size: 'u32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      let end = min((group + 1u) * u.size, u.n);
      var sum = 0.0;
      for (var i = group * u.size + lane; i < end; i += 64u) {
        if (SQUARED) { sum += x[i] * x[i]; } else { sum += x[i]; }
      }
      sum = group_sum(lane, sum);
      if (lane == 0u) {
        if (ACCUMULATE) { out[group] += sum; } else { out[group] = sum; }
      }
    }`,
});

/** out[0] (+)= sum of x[i]^2 or of x[i], for i < n. */
function sumInto(
  queue: Queue,
  out: DeviceBuffer,
  x: DeviceBuffer,
  { n, squared = false, accumulate }: { n: number; squared?: boolean; accumulate: boolean },
): void {
  const sum = (
    to: DeviceBuffer,
    from: DeviceBuffer,
    count: number,
    groups: number,
    of: { squared: boolean; accumulate: boolean },
  ): void =>
    queue.run(
      sumShader,
      { out: to, x: from },
      { n: count, size: Math.ceil(count / groups) },
      { count: groups, work: 2 * count, constants: { SQUARED: of.squared, ACCUMULATE: of.accumulate } },
    );
  const groups = Math.ceil(n / GROUP);
  if (groups <= 1) sum(out, x, n, 1, { squared, accumulate });
  else
    queue.withScratch(groups, (parts) => {
      sum(parts, x, n, groups, { squared, accumulate: false });
      sum(out, parts, groups, 1, { squared: false, accumulate });
    });
}

// Thread (chunk, c) sums x[r, c] over the rows of a chunk into out[chunk, c].
const sumRowsShader = shader({
  name: 'sumRows',
  buffers: { out: '>f32', x: 'f32' },
  numbers: { rows: 'u32', cols: 'u32', size: 'u32' },
  code: `
    fn run(i: u32) {
      let first = (i / u.cols) * u.size;
      let c = i % u.cols;
      var sum = 0.0;
      for (var r = first; r < min(first + u.size, u.rows); r++) { sum += x[r * u.cols + c]; }
      if (ACCUMULATE) { out[i] += sum; } else { out[i] = sum; }
    }`,
});

/** out[c] += sum over rows of x[r, c]. */
export function addRows(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, rows: number, cols: number): void {
  const sum = (
    to: DeviceBuffer,
    from: DeviceBuffer,
    count: number,
    chunks: number,
    accumulate: boolean,
  ): void =>
    queue.run(
      sumRowsShader,
      { out: to, x: from },
      { rows: count, cols, size: Math.ceil(count / chunks) },
      { count: chunks * cols, work: 2 * count * cols, constants: { ACCUMULATE: accumulate } },
    );
  if (rows === 0) return;
  const chunks = Math.ceil(rows / ROWS);
  if (chunks === 1) sum(out, x, rows, 1, true);
  else
    queue.withScratch(chunks * cols, (parts) => {
      sum(parts, x, rows, chunks, false);
      sum(out, parts, chunks, 1, true);
    });
}

/** out[0] += sum of x[i] for i < n. */
export function addSum(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, n: number): void {
  sumInto(queue, out, x, { n, accumulate: true });
}

export function reduceKernels(queue: Queue): Pick<Kernels, 'sumSquares' | 'sumRows'> {
  return {
    sumSquares: (out, x, accumulate) => sumInto(queue, out, x, { n: x.length, squared: true, accumulate }),
    sumRows: (out, x, rows, cols) => addRows(queue, out, x, rows, cols),
  };
}
