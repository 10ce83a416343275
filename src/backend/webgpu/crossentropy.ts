// The loss; a group computes a row. A target outside the row gives NaN. Read next: optimizers.ts.
import type { Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';
import { finite, groupMax, groupSum, isNan, safeExp, safeLog } from './wgsl.ts';

const crossEntropyShader = shader({
  name: 'crossEntropy',
  buffers: { losses: '>f32', lse: '>f32', logits: 'f32', targets: 'i32' },
  numbers: { cols: 'u32', smoothing: 'f32' },
  per: 'group',
  code: `${isNan}${safeExp}${safeLog}${finite}${groupMax}${groupSum}
    fn run(group: u32, lane: u32) {
      let row = group * u.cols;
      var largest = -u.infinity;
      for (var v = lane; v < u.cols; v += 64u) { largest = max(largest, logits[row + v]); }
      largest = group_max(lane, largest);
      var sum = 0.0;
      var all = 0.0;
      for (var v = lane; v < u.cols; v += 64u) {
        sum += safe_exp(logits[row + v] - largest);
        if (u.smoothing > 0.0) { all += logits[row + v]; }
      }
      let s = largest + safe_log(group_sum(lane, sum));
      if (u.smoothing > 0.0) { all = group_sum(lane, all); }
      if (lane > 0u) { return; }
      let y = targets[group];
      lse[group] = s;
      if (y < 0 || y >= i32(u.cols)) { losses[group] = nan(); return; }
      var loss = s - (1.0 - u.smoothing) * logits[row + u32(y)];
      if (u.smoothing > 0.0) { loss -= u.smoothing / f32(u.cols) * all; }
      losses[group] = loss;
    }`,
});

const backwardShader = shader({
  name: 'crossEntropyBackward',
  buffers: { dLogits: '>f32', logits: 'f32', lse: 'f32', targets: 'i32' },
  numbers: { cols: 'u32', factor: 'f32', hit: 'f32', miss: 'f32' },
  code: `${isNan}${safeExp}
    fn run(i: u32) {
      let row = i / u.cols;
      let q = select(u.miss, u.hit, i32(i % u.cols) == targets[row]);
      dLogits[i] = u.factor * (safe_exp(logits[i] - lse[row]) - q);
    }`,
});

export function crossEntropyKernels(queue: Queue): Pick<Kernels, 'crossEntropy' | 'crossEntropyBackward'> {
  return {
    crossEntropy(losses, lse, logits, targets, { rows, cols, smoothing = 0 }) {
      const extent = { count: rows, work: 12 * rows * cols };
      queue.run(crossEntropyShader, { losses, lse, logits, targets }, { cols, smoothing }, extent);
    },
    crossEntropyBackward(dLogits, logits, lse, targets, { rows, cols, factor, smoothing = 0 }) {
      const miss = smoothing / cols;
      const numbers = { cols, factor, miss, hit: 1 - smoothing + miss };
      const extent = { count: rows * cols, work: 12 * rows * cols };
      queue.run(backwardShader, { dLogits, logits, lse, targets }, numbers, extent);
    },
  };
}
