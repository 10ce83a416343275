// Token shift (Peng et al. 2023): the first columns of each row are those of the row before.
import type { Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite } from './wgsl.ts';

const shiftShader = shader({
  name: 'shift',
  buffers: { out: '>f32', x: 'f32' },
  numbers: { T: 'u32', C: 'u32', cols: 'u32' },
  code: `
    fn run(i: u32) {
      if (i % u.C >= u.cols) { out[i] = x[i]; return; }
      if (i / u.C % u.T == 0u) { out[i] = 0.0; return; }
      out[i] = x[i - u.C];
    }`,
});

const backwardShader = shader({
  name: 'shiftBackward',
  buffers: { dx: '>f32', dOut: 'f32' },
  numbers: { T: 'u32', C: 'u32', cols: 'u32', accumulate: 'u32' },
  code: `
    fn run(i: u32) {
      var d = 0.0;
      if (i % u.C >= u.cols) { d = dOut[i]; }
      else if (i / u.C % u.T + 1u < u.T) { d = dOut[i + u.C]; }
      dx[i] = d + select(0.0, dx[i], u.accumulate != 0u);
    }`,
});

// Thread i computes element i of out. The first token reads the history; what is written there are the
// columns of the new tokens, which no thread reads from it.
const cachedShader = shader({
  name: 'shiftCached',
  buffers: { out: '>f32', history: '>f32', x: 'f32', starts: 'i32?' },
  numbers: { T: 'u32', C: 'u32', cols: 'u32', start: 'u32', capacity: 'u32' },
  helpers: finite,
  code: `
    fn run(i: u32) {
      let c = i % u.C;
      let t = i / u.C % u.T;
      let b = i / u.C / u.T;
      var first = i32(u.start);
      if (has_starts) { first += starts[b]; }
      if (first < 0 || u32(first) + u.T > u.capacity) { out[i] = nan(); return; }
      if (c >= u.cols) { out[i] = x[i]; return; }
      let position = u32(first) + t;
      let at = (b * u.capacity + position) * u.cols + c;
      history[at] = x[i];
      if (position == 0u) { out[i] = 0.0; return; }
      if (t == 0u) { out[i] = history[at - u.cols]; return; }
      out[i] = x[i - u.C];
    }`,
});

export function shiftKernels(queue: Queue): Pick<Kernels, 'shift' | 'shiftBackward' | 'shiftCached'> {
  return {
    shift(out, x, { B, T, C, cols }) {
      queue.run(shiftShader, { out, x }, { T, C, cols }, { count: B * T * C });
    },
    shiftBackward(dx, dOut, { B, T, C, cols, accumulate }) {
      const numbers = { T, C, cols, accumulate: accumulate ? 1 : 0 };
      queue.run(backwardShader, { dx, dOut }, numbers, { count: B * T * C });
    },
    shiftCached(out, history, x, { B, T, C, cols, start, capacity }, starts = null) {
      const numbers = { T, C, cols, start, capacity };
      queue.run(cachedShader, { out, history, x, starts }, numbers, { count: B * T * C });
    },
  };
}
