// A learned mixture of a late and an early value of the network.
import type { Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { addSum } from './reduce.ts';
import { shader } from './shader.ts';
import { groupSum } from './wgsl.ts';

const mixShader = shader({
  name: 'mix',
  buffers: { out: '>f32', a: 'f32', b: 'f32', weight: 'f32' },
  numbers: { cols: 'u32', first: 'u32', end: 'u32' },
  code: `
    fn run(i: u32) {
      let c = i % u.cols;
      let mixed = c >= u.first && c < u.end;
      out[i] = a[i] + select(0.0, weight[0] * (b[i] - a[i]), mixed);
    }`,
});

/** Elements of a group, whose share of dWeight is one number. */
const GROUP = 4096;

const mixBackwardShader = shader({
  name: 'mixBackward',
  buffers: { da: '>f32', db: '>f32', shares: '>f32', dOut: 'f32', a: 'f32', b: 'f32', weight: 'f32' },
  numbers: { n: 'u32', cols: 'u32', first: 'u32', end: 'u32', accumulate: 'u32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      var share = 0.0;
      for (var i = group * ${GROUP}u + lane; i < min((group + 1u) * ${GROUP}u, u.n); i += 64u) {
        let c = i % u.cols;
        let w = select(0.0, weight[0], c >= u.first && c < u.end);
        let d = dOut[i];
        if (c >= u.first && c < u.end) { share += d * (b[i] - a[i]); }
        da[i] = (1.0 - w) * d;
        db[i] = w * d + select(0.0, db[i], u.accumulate != 0u);
      }
      share = group_sum(lane, share);
      if (lane == 0u) { shares[group] = share; }
    }`,
});

export function mixKernels(queue: Queue): Pick<Kernels, 'mix' | 'mixBackward'> {
  return {
    mix(out, a, b, weight, { rows, cols, from: first, to: end }) {
      queue.run(mixShader, { out, a, b, weight }, { cols, first, end }, { count: rows * cols });
    },
    mixBackward(da, db, dWeight, dOut, a, b, weight, { rows, cols, from: first, to: end, accumulate }) {
      const n = rows * cols;
      const count = Math.ceil(n / GROUP);
      if (count === 0) return;
      queue.withScratch(count, (shares) => {
        const numbers = { n, cols, first, end, accumulate: accumulate ? 1 : 0 };
        queue.run(mixBackwardShader, { da, db, shares, dOut, a, b, weight }, numbers, { count, work: 8 * n });
        addSum(queue, dWeight, shares, count);
      });
    },
  };
}
