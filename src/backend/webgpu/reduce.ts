// Sums over a whole buffer, and over the rows of a matrix. Long ones in two stages: partial sums, then their
// sum; the stages depend on the shape alone. Read next: matmul.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { GpuBuffer } from './homes.ts';
import { runCalls } from './join.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { groupSum } from './wgsl.ts';

/** Parts of a sum over a buffer; one for each lane of the group that adds them. */
const PARTS = 64;

// Group g sums the squares of elements 64 g .. 64 g + 63, and of those 64 * PARTS, 2 * 64 * PARTS, ...
// further.
const squaresShader = shader({
  name: 'sumSquares',
  buffers: { parts: '>f32', x: 'f32' },
  numbers: { n: 'u32', place: 'u32' },
  per: 'group',
  helpers: groupSum,
  code: `
    fn run(group: u32, lane: u32) {
      var sum = 0.0;
      for (var i = group * 64u + lane; i < u.n; i += ${PARTS * 64}u) { sum += x[i] * x[i]; }
      sum = group_sum(lane, sum);
      if (lane == 0u) { parts[u.place + group] = sum; }
    }`,
});

// One group adds the sums of several buffers, in order, as if each had been added by a call of its own.
const totalShader = shader({
  name: 'sumSquares, total',
  buffers: { out: '>f32', parts: 'f32' },
  numbers: { sums: 'u32', accumulate: 'u32' },
  per: 'group',
  helpers: groupSum,
  code: `
    fn run(group: u32, lane: u32) {
      var total = 0.0;
      if (u.accumulate != 0u) { total = out[0]; }
      for (var k = 0u; k < u.sums; k++) { total += group_sum(lane, parts[k * ${PARTS}u + lane]); }
      if (lane == 0u) { out[0] = total; }
    }`,
});

/** out[0] (+)= sum of the squares of all of them. */
function addSquares(
  queue: Queue,
  out: DeviceBuffer,
  all: readonly DeviceBuffer[],
  accumulate: boolean,
): void {
  queue.withScratch(PARTS * all.length, (parts) => {
    const calls = all.map((x, k) => ({
      buffers: { parts, x },
      numbers: { n: x.length, place: PARTS * k },
      count: PARTS,
      work: 2 * x.length,
    }));
    runCalls(queue, squaresShader, calls);
    const numbers = { sums: all.length, accumulate: accumulate ? 1 : 0 };
    queue.run(totalShader, { out, parts }, numbers, { count: 1 });
  });
}

const sumShader = shader({
  name: 'sum',
  buffers: { out: '>f32', x: 'f32' },
  numbers: { n: 'u32' },
  per: 'group',
  helpers: groupSum,
  code: `
    fn run(group: u32, lane: u32) {
      var sum = 0.0;
      for (var i = lane; i < u.n; i += 64u) { sum += x[i]; }
      sum = group_sum(lane, sum);
      if (lane == 0u) { out[0] += sum; }
    }`,
});

/** out[0] += sum of x[i] for i < n, for partial sums: by one group. */
export function addSum(queue: Queue, out: DeviceBuffer, x: DeviceBuffer, n: number): void {
  queue.run(sumShader, { out, x }, { n }, { count: 1, work: 2 * n });
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
  if (rows <= rowsPerPart(rows)) addParts(queue, out, null, x, rows, cols);
  else
    addInParts(queue, { out, more: null }, rows, cols, ({ parts, size, count }) => {
      const numbers = { rows, cols, size, accumulate: 0, split: 0 };
      const extent = { count: count * cols, work: 2 * rows * cols };
      queue.run(sumRowsShader, { out: parts, more: null, x }, numbers, extent);
    });
}

/** Sums over the rows of each of `count` parts of `size` rows. */
interface InParts {
  readonly parts: DeviceBuffer;
  readonly size: number;
  readonly count: number;
}

/**
 * out[c] += a sum over rows, in two stages: `partial` writes the sums over each part of the rows into parts
 * [count, cols]. With `more`: [count, 2, cols], whose second half is summed there.
 */
export function addInParts(
  queue: Queue,
  { out, more }: { out: DeviceBuffer; more: DeviceBuffer | null },
  rows: number,
  cols: number,
  partial: (sums: InParts) => void,
): void {
  const size = rowsPerPart(rows);
  const count = Math.ceil(rows / size);
  queue.withScratch(count * cols * (more ? 2 : 1), (parts) => {
    partial({ parts, size, count });
    addParts(queue, out, more, parts, count, cols);
  });
}

/**
 * out[c] += sum over the parts of x[part, c], for few parts. With `more`: x [parts, 2, cols], whose second
 * half is summed there.
 */
function addParts(
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
    // A norm over all gradients is one call for each: they are joined, where they follow each other.
    sumSquares(out, x, accumulate) {
      const key = `sumSquares of ${(out as GpuBuffer).id}`;
      const [apart, emit] = accumulate
        ? [[], (all: readonly DeviceBuffer[]) => addSquares(queue, out, all, true)]
        : [[out], (all: readonly DeviceBuffer[]) => addSquares(queue, out, all, false)];
      queue.collect(`${key} ${accumulate}`, x, apart, emit);
    },
    sumRows: (out, x, rows, cols) => addRows(queue, out, x, rows, cols),
  };
}
