// The statistics that probes compute: moments, histogram, and active units, each in parts that are then
// joined. Counts are integers, so their order does not matter.
import { type DeviceBuffer, type Kernels, STATISTICS_HEADER } from '../contract.ts';
import type { Queue } from './queue.ts';
import { rowsPerPart } from './reduce.ts';
import { shader } from './shader.ts';
import { finite, isNan } from './wgsl.ts';

/** Bins that a group counts at a time, in its own memory. */
const TILE = 1024;

/** Groups among which the elements are divided. */
const PARTS = 64;

// Thread t of PARTS * 64: the header of elements t, t + PARTS * 64, ...
const headerShader = shader({
  name: 'statistics, header',
  buffers: { parts: '>f32', x: 'f32' },
  numbers: { n: 'u32' },
  code: `${finite}
    fn run(i: u32) {
      var header = array<f32, ${STATISTICS_HEADER}>(0.0, 0.0, u.infinity, -u.infinity, 0.0, 0.0);
      for (var k = i; k < u.n; k += u.count) {
        let value = x[k];
        if (!is_finite(value)) { header[5] += 1.0; continue; }
        header[0] += value;
        header[1] += value * value;
        header[2] = min(header[2], value);
        header[3] = max(header[3], value);
        header[4] += select(0.0, 1.0, value <= 0.0);
      }
      for (var h = 0u; h < ${STATISTICS_HEADER}u; h++) { parts[h * u.count + i] = header[h]; }
    }`,
});

const joinShader = shader({
  name: 'statistics, header joined',
  buffers: { out: '>f32', parts: 'f32' },
  numbers: { parts_of_x: 'u32' },
  code: `
    fn run(h: u32) {
      var value = parts[h * u.parts_of_x];
      for (var k = 1u; k < u.parts_of_x; k++) {
        let next = parts[h * u.parts_of_x + k];
        if (h == 2u) { value = min(value, next); }
        else if (h == 3u) { value = max(value, next); }
        else { value += next; }
      }
      out[h] = value;
    }`,
});

// Group (tile, part) counts the elements of a part in a tile of bins: counts [part, bin].
const histogramShader = shader({
  name: 'statistics, histogram',
  buffers: { counts: '>u32', x: 'f32' },
  numbers: { n: 'u32', bins: 'u32', lo: 'f32', hi: 'f32' },
  per: 'group',
  code: `${finite}
    var<workgroup> tile_counts: array<atomic<u32>, ${TILE}>;
    fn run(group: u32, lane: u32) {
      let part = group % ${PARTS}u;
      let first = (group / ${PARTS}u) * ${TILE}u;
      for (var b = lane; b < ${TILE}u; b += 64u) { atomicStore(&tile_counts[b], 0u); }
      workgroupBarrier();
      for (var k = part * 64u + lane; k < u.n; k += ${PARTS * 64}u) {
        let value = x[k];
        if (!is_finite(value)) { continue; }
        let place = floor((value - u.lo) / (u.hi - u.lo) * f32(u.bins));
        let bin = u32(clamp(place, 0.0, f32(u.bins - 1u)));
        if (bin >= first && bin < first + ${TILE}u) { atomicAdd(&tile_counts[bin - first], 1u); }
      }
      workgroupBarrier();
      for (var b = lane; b < ${TILE}u && first + b < u.bins; b += 64u) {
        counts[part * u.bins + first + b] = atomicLoad(&tile_counts[b]);
      }
    }`,
});

const binsShader = shader({
  name: 'statistics, histogram joined',
  buffers: { out: '>f32', counts: 'u32' },
  numbers: {},
  code: `
    fn run(bin: u32) {
      var count = 0u;
      for (var part = 0u; part < ${PARTS}u; part++) { count += counts[part * u.count + bin]; }
      out[${STATISTICS_HEADER}u + bin] = f32(count);
    }`,
});

// Thread (part, c) counts the rows of a part: counts [part, c].
const activeShader = shader({
  name: 'statistics, active',
  buffers: { counts: '>i32', x: 'f32' },
  numbers: { rows: 'u32', cols: 'u32', size: 'u32' },
  code: `${isNan}
    fn run(i: u32) {
      let first = (i / u.cols) * u.size;
      var count = 0;
      for (var r = first; r < min(first + u.size, u.rows); r++) {
        let value = x[r * u.cols + i % u.cols];
        if (value > 0.0 && !is_nan(value)) { count++; }
      }
      counts[i] = count;
    }`,
});

const activeJoinShader = shader({
  name: 'statistics, active joined',
  buffers: { units: '>i32', counts: 'i32' },
  numbers: { parts: 'u32' },
  code: `
    fn run(c: u32) {
      for (var part = 0u; part < u.parts; part++) { units[c] += counts[part * u.count + c]; }
    }`,
});

export function statisticsKernels(queue: Queue): Pick<Kernels, 'statistics'> {
  const header = (out: DeviceBuffer, x: DeviceBuffer, n: number): void => {
    const threads = Math.min(PARTS * 64, Math.max(1, Math.ceil(n / 64)));
    queue.withScratch(STATISTICS_HEADER * threads, (parts) => {
      queue.run(headerShader, { parts, x }, { n }, { count: threads, work: 8 * n });
      queue.run(joinShader, { out, parts }, { parts_of_x: threads }, { count: STATISTICS_HEADER });
    });
  };
  const histogram = (
    out: DeviceBuffer,
    x: DeviceBuffer,
    numbers: { n: number; bins: number; lo: number; hi: number },
  ): void => {
    const { n, bins } = numbers;
    const tiles = Math.ceil(bins / TILE);
    queue.withScratch(PARTS * bins, (counts) => {
      queue.run(histogramShader, { counts, x }, numbers, { count: PARTS * tiles, work: 10 * n * tiles });
      queue.run(binsShader, { out, counts }, {}, { count: bins, work: 2 * PARTS * bins });
    });
  };
  const activity = (active: DeviceBuffer, x: DeviceBuffer, rows: number, cols: number): void => {
    const size = rowsPerPart(rows);
    const parts = Math.ceil(rows / size);
    queue.withScratch(parts * cols, (counts) => {
      queue.run(
        activeShader,
        { counts, x },
        { rows, cols, size },
        { count: parts * cols, work: 4 * rows * cols },
      );
      queue.run(
        activeJoinShader,
        { units: active, counts },
        { parts },
        { count: cols, work: 2 * parts * cols },
      );
    });
  };
  return {
    statistics(out, active, x, { rows, cols, lo, hi, bins }) {
      header(out, x, rows * cols);
      if (bins > 0) histogram(out, x, { n: rows * cols, bins, lo, hi });
      if (active) activity(active, x, rows, cols);
    },
  };
}
