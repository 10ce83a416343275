// Rotary position embedding: a position as an angle by which queries and keys are rotated.
import { type Kernels, ROPE_STARTS } from '../contract.ts';
import { f32 } from './buffer.ts';
import { startsOf } from './starts.ts';

/**
 * RoPE (Su et al. 2021) on qkv [B, T, 3, H, hs]. In q and k, columns i and i + half (half = floor(hs / 2))
 * are the coordinates of a point, rotated by the angle (start + t) * base^(-i / half), for sequence b (start
 * + starts[b] + t) * base^(-i / half). v, and the last column of an odd hs, are copied. `inverse` rotates
 * back, which is also the backward: the gradient of a rotation is its inverse. `out` may be `qkv`.
 */
export const rope: Kernels['rope'] = (out, qkv, shape, starts) => {
  const { B, T, H, hs, base, inverse } = shape;
  const O = f32(out);
  const X = f32(qkv);
  if (O !== X) O.set(X.subarray(0, B * T * 3 * H * hs));
  const half = Math.floor(hs / 2);
  const first = startsOf('rope', shape, starts, ROPE_STARTS);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < half; i++) {
        const angle = (first[b] + t) * base ** (-i / half) * (inverse ? -1 : 1);
        const cos = Math.cos(angle);
        const sin = Math.sin(angle);
        // q and k of all heads are contiguous: 2 * H vectors of hs columns
        const row = (b * T + t) * 3 * H * hs;
        for (let at = row + i; at < row + 2 * H * hs; at += hs) {
          const x = X[at];
          const y = X[at + half];
          O[at] = x * cos - y * sin;
          O[at + half] = x * sin + y * cos;
        }
      }
    }
  }
};
