// Token shift (Peng et al. 2023): the first columns of each row are those of the row before. Read next:
// starts.ts.
import type { Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';
import { startsOf } from './starts.ts';

/** out[b, t] = the first `cols` columns of x[b, t - 1], 0 at t = 0, then the other columns of x[b, t]. */
export const shift: Kernels['shift'] = (out, x, { B, T, C, cols }) => {
  const [O, X] = [f32(out), f32(x)];
  for (let r = 0; r < B * T; r++) {
    for (let c = 0; c < C; c++) {
      const i = r * C + c;
      O[i] = c >= cols ? X[i] : r % T > 0 ? X[i - C] : 0;
    }
  }
};

/** dx[b, t] = the first `cols` columns of dOut[b, t + 1], 0 at the end, then the others of dOut[b, t]. */
export const shiftBackward: Kernels['shiftBackward'] = (dx, dOut, { B, T, C, cols, accumulate }) => {
  const [dX, dO] = [f32(dx), f32(dOut)];
  for (let r = 0; r < B * T; r++) {
    for (let c = 0; c < C; c++) {
      const i = r * C + c;
      const d = c >= cols ? dO[i] : r % T < T - 1 ? dO[i + C] : 0;
      dX[i] = (accumulate ? dX[i] : 0) + d;
    }
  }
};

/** `shift` of tokens at start, start + 1, ...; history [B, capacity, cols] has the columns of all so far. */
export const shiftCached: Kernels['shiftCached'] = (out, history, x, shape, starts) => {
  const { B, T, C, cols, capacity } = shape;
  const [O, H, X] = [f32(out), f32(history), f32(x)];
  const first = startsOf('shiftCached', shape, starts, capacity);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const position = first[b] + t;
      for (let c = 0; c < C; c++) {
        const i = (b * T + t) * C + c;
        const at = (b * capacity + position) * cols + c;
        if (c < cols) H[at] = X[i];
        O[i] = c >= cols ? X[i] : position > 0 ? H[at - cols] : 0;
      }
    }
  }
};
