// Dropout. Which elements a step keeps is a function of counters, so nothing is stored and every engine drops
// the same elements. Read next: attention.ts.

import { philox } from '../../base/philox.ts';
import type { Dropout, Kernels } from '../contract.ts';
import { f32 } from './buffer.ts';

const WORD = 2 ** 32;

/**
 * out = (kept(i) ? x / (1 - p) : 0) (+ residual). `out` may be `x` or `residual`. Element i is number `offset
 * + i` of the site.
 */
export const dropout: Kernels['dropout'] = (out, x, options, residual = null) => {
  const n = x.length;
  const O = f32(out);
  const X = f32(x);
  const R = residual && f32(residual);
  const mask = new Float64Array(1024);
  for (let start = 0; start < n; start += mask.length) {
    const end = Math.min(start + mask.length, n);
    dropoutMask(mask, options.offset + start, end - start, options);
    for (let i = start; i < end; i++) O[i] = X[i] * mask[i - start] + (R ? R[i] : 0);
  }
};

/**
 * The mask of `Dropout` (contract.ts) for `count` elements from number `from` on: mask[j] = 1 / (1 - p) where
 * element from + j is kept, else 0. Ignores the `offset` of the Dropout.
 */
export function dropoutMask(mask: Float64Array, from: number, count: number, options: Dropout): void {
  const { p, seed, step, site } = options;
  if (p === 0) {
    mask.fill(1, 0, count);
    return;
  }
  const threshold = Math.floor(p * WORD);
  const key = [seed % WORD, Math.floor(seed / WORD)];
  const counter = [0, 0, site, step];
  const words = new Uint32Array(4);
  const end = from + count;
  for (let block = Math.floor(from / 64) * 64; block < end; block += 64) {
    for (let lane = 0; lane < 16; lane++) {
      const g = block / 4 + lane; // floor(i / 64) * 16 + i mod 16
      counter[0] = g % WORD;
      counter[1] = Math.floor(g / WORD);
      philox(counter, key, words);
      for (let w = 0; w < 4; w++) {
        const i = block + 16 * w + lane;
        if (i >= from && i < end) mask[i - from] = words[w] >= threshold ? 1 / (1 - p) : 0;
      }
    }
  }
}
