// Rotary position embedding. The angles' cosines and sines come from a table made here: WGSL's own are off by
// up to 2e-4. Read next: int8.ts.
import { type DeviceBuffer, type Kernels, ROPE_STARTS } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

// Thread (row, j, i) rotates point i of vector j: columns i and i + half, or copies the last column of an odd
// hs. Values are copied; in place only the 2 H queries and keys are done (`each`).
const ropeShader = shader({
  name: 'rope',
  buffers: { out: '>f32', qkv: 'f32', angles: 'f32', starts: 'i32?' },
  numbers: { T: 'u32', H: 'u32', hs: 'u32', each: 'u32', first: 'u32', sign: 'f32' },
  code: `
    fn run(index: u32) {
      let half = u.hs / 2u;
      let points = u.hs - half;
      let i = index % points;
      let j = index / points % u.each;
      let row = index / points / u.each;
      let at = (row * 3u * u.H + j) * u.hs + i;
      if (i == half) { out[at + half] = qkv[at + half]; return; }
      let x = qkv[at];
      let y = qkv[at + half];
      if (j >= 2u * u.H) { out[at] = x; out[at + half] = y; return; }
      var position = u.first + row % u.T;
      if (has_starts) { position += u32(starts[row / u.T]); }
      let angle = 2u * (position * half + i);
      let cosine = angles[angle];
      let sine = u.sign * angles[angle + 1u];
      out[at] = x * cosine - y * sine;
      out[at + half] = x * sine + y * cosine;
    }`,
});

/** Positions of a table are a multiple of this many: text grows by one token at a time. */
const POSITIONS = 1024;

/** The cosine and sine of position * base^(-i / half), for positions from `first` on and i < half. */
interface Table {
  readonly buffer: DeviceBuffer;
  readonly positions: number;
  first: number;
}

export function ropeKernels(queue: Queue): Pick<Kernels, 'rope'> {
  const tables = new Map<string, Table>();
  /** A table that has the positions from `start` to `start + T - 1`. */
  const tableOf = (half: number, base: number, start: number, T: number): Table => {
    const key = `${half} ${base}`;
    const known = tables.get(key);
    const fits = known && start >= known.first && start + T <= known.first + known.positions;
    if (fits) return known;
    const first = start - (start % POSITIONS);
    const needed = Math.ceil((start + T - first) / POSITIONS) * POSITIONS;
    const positions = Math.max(needed, known?.positions ?? 0);
    const buffer =
      positions === known?.positions ? known.buffer : queue.keep(Math.max(1, positions * half * 2));
    queue.write(buffer, cosinesAndSines(half, base, first, positions));
    const table = { buffer, positions, first };
    tables.set(key, table);
    return table;
  };
  return {
    rope(out, qkv, { B, T, H, hs, start, base, inverse }, starts = null) {
      const each = out === qkv ? 2 * H : 3 * H;
      const half = Math.floor(hs / 2);
      // Without starts of their own all sequences are at `start`; else anywhere up to the largest position.
      const { buffer: angles, first } = starts
        ? tableOf(half, base, 0, ROPE_STARTS)
        : tableOf(half, base, start, T);
      const count = B * T * each * (hs - half);
      const numbers = { T, H, hs, each, first: start - first, sign: inverse ? -1 : 1 };
      queue.run(ropeShader, { out, qkv, angles, starts }, numbers, { count });
    },
  };
}

function cosinesAndSines(
  half: number,
  base: number,
  first: number,
  positions: number,
): Float32Array<ArrayBuffer> {
  const table = new Float32Array(positions * half * 2);
  for (let i = 0; i < half; i++) {
    const frequency = base ** (-i / half);
    for (let t = 0; t < positions; t++) {
      const angle = (first + t) * frequency;
      table[2 * (t * half + i)] = Math.cos(angle);
      table[2 * (t * half + i) + 1] = Math.sin(angle);
    }
  }
  return table;
}
