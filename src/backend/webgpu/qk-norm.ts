// RMSNorm of queries and keys: a thread computes one of them. Read next: rope.ts.
import type { Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { addInParts } from './reduce.ts';
import { shader } from './shader.ts';

// Thread (r, j) has query or key j of row r, for j < 2 H, or a value to copy; `each` of them are done in a
// row, 2 H in place.
const qkNormShader = shader({
  name: 'qkNorm',
  buffers: { out: '>f32', rrms: '>f32', qkv: 'f32', weight: 'f32' },
  numbers: { each: 'u32', H: 'u32', hs: 'u32', eps: 'f32' },
  code: `
    fn run(i: u32) {
      let j = i % u.each;
      let at = (i / u.each * 3u * u.H + j) * u.hs;
      if (j >= 2u * u.H) {
        for (var c = 0u; c < u.hs; c++) { out[at + c] = qkv[at + c]; }
        return;
      }
      var squares = 0.0;
      for (var c = 0u; c < u.hs; c++) { squares += qkv[at + c] * qkv[at + c]; }
      let s = 1.0 / sqrt(squares / f32(u.hs) + u.eps);
      let w = j / u.H * u.hs;
      for (var c = 0u; c < u.hs; c++) { out[at + c] = qkv[at + c] * s * weight[w + c]; }
      rrms[i / u.each * 2u * u.H + j] = s;
    }`,
});

const dxShader = shader({
  name: 'qkNormBackward',
  buffers: { dqkv: '>f32', dOut: 'f32', qkv: 'f32', weight: 'f32', rrms: 'f32' },
  numbers: { each: 'u32', H: 'u32', hs: 'u32' },
  code: `
    fn run(i: u32) {
      let j = i % u.each;
      let at = (i / u.each * 3u * u.H + j) * u.hs;
      if (j >= 2u * u.H) {
        for (var c = 0u; c < u.hs; c++) { dqkv[at + c] = dOut[at + c]; }
        return;
      }
      let s = rrms[i / u.each * 2u * u.H + j];
      let w = j / u.H * u.hs;
      var sum = 0.0;
      for (var c = 0u; c < u.hs; c++) { sum += dOut[at + c] * weight[w + c] * qkv[at + c] * s; }
      sum /= f32(u.hs);
      for (var c = 0u; c < u.hs; c++) {
        dqkv[at + c] = s * (dOut[at + c] * weight[w + c] - qkv[at + c] * s * sum);
      }
    }`,
});

// Thread (part, w) has column w of weight: the sum over the rows of a part and over the heads.
const dWeightShader = shader({
  name: 'qkNormBackward, weight',
  buffers: { parts: '>f32', dOut: 'f32', qkv: 'f32', rrms: 'f32' },
  numbers: { rows: 'u32', H: 'u32', hs: 'u32', size: 'u32' },
  code: `
    fn run(i: u32) {
      let part = i / (2u * u.hs);
      let c = i % u.hs;
      let first = i % (2u * u.hs) / u.hs * u.H;
      var sum = 0.0;
      for (var r = part * u.size; r < min((part + 1u) * u.size, u.rows); r++) {
        for (var j = first; j < first + u.H; j++) {
          let at = (r * 3u * u.H + j) * u.hs + c;
          sum += dOut[at] * qkv[at] * rrms[r * 2u * u.H + j];
        }
      }
      parts[i] = sum;
    }`,
});

export function qkNormKernels(queue: Queue): Pick<Kernels, 'qkNorm' | 'qkNormBackward'> {
  return {
    qkNorm(out, rrms, qkv, weight, { rows, H, hs, eps }) {
      const each = out === qkv ? 2 * H : 3 * H;
      const extent = { count: rows * each, work: 6 * rows * each * hs };
      queue.run(qkNormShader, { out, rrms, qkv, weight }, { each, H, hs, eps }, extent);
    },
    qkNormBackward(dqkv, dWeight, dOut, qkv, weight, rrms, { rows, H, hs }) {
      if (rows === 0) return;
      // First the weight, since dqkv may be dOut.
      addInParts(queue, { out: dWeight, more: null }, rows, 2 * hs, ({ parts, size, count }) => {
        const extent = { count: count * 2 * hs, work: 6 * rows * H * hs };
        queue.run(dWeightShader, { parts, dOut, qkv, rrms }, { rows, H, hs, size }, extent);
      });
      const each = dqkv === dOut ? 2 * H : 3 * H;
      const extent = { count: rows * each, work: 12 * rows * each * hs };
      queue.run(dxShader, { dqkv, dOut, qkv, weight, rrms }, { each, H, hs }, extent);
    },
  };
}
