// LayerNorm and RMSNorm over the last axis, each with its backward; a group computes a row. Read next:
// crossentropy.ts.
import type { DeviceBuffer, Kernels } from '../contract.ts';
import type { Queue } from './queue.ts';
import { addInParts } from './reduce.ts';
import { shader } from './shader.ts';
import { groupSum } from './wgsl.ts';

const layernormShader = shader({
  name: 'layernorm',
  buffers: { out: '>f32', mean: '>f32', rstd: '>f32', x: 'f32', weight: 'f32', bias: 'f32?' },
  numbers: { cols: 'u32', eps: 'f32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      let row = group * u.cols;
      var sum = 0.0;
      for (var c = lane; c < u.cols; c += 64u) { sum += x[row + c]; }
      let m = group_sum(lane, sum) / f32(u.cols);
      var squares = 0.0;
      for (var c = lane; c < u.cols; c += 64u) { let d = x[row + c] - m; squares += d * d; }
      let s = 1.0 / sqrt(group_sum(lane, squares) / f32(u.cols) + u.eps);
      for (var c = lane; c < u.cols; c += 64u) {
        var y = (x[row + c] - m) * s * weight[c];
        if (has_bias) { y += bias[c]; }
        out[row + c] = y;
      }
      if (lane == 0u) { mean[group] = m; rstd[group] = s; }
    }`,
});

// For LayerNorm and RMSNorm: the latter has no mean.
const dxShader = shader({
  name: 'layernormBackward',
  buffers: { dx: '>f32', dOut: 'f32', x: 'f32', weight: 'f32', mean: 'f32?', rstd: 'f32' },
  numbers: { cols: 'u32', accumulate: 'u32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      let row = group * u.cols;
      let s = rstd[group];
      var m = 0.0;
      if (has_mean) { m = mean[group]; }
      var dn_sum = 0.0;
      var dnn_sum = 0.0;
      for (var c = lane; c < u.cols; c += 64u) {
        let dn = dOut[row + c] * weight[c];
        dn_sum += dn;
        dnn_sum += dn * (x[row + c] - m) * s;
      }
      dnn_sum = group_sum(lane, dnn_sum) / f32(u.cols);
      if (has_mean) { dn_sum = group_sum(lane, dn_sum) / f32(u.cols); } else { dn_sum = 0.0; }
      for (var c = lane; c < u.cols; c += 64u) {
        let n = (x[row + c] - m) * s;
        let d = s * (dOut[row + c] * weight[c] - dn_sum - n * dnn_sum);
        dx[row + c] = d + select(0.0, dx[row + c], u.accumulate != 0u);
      }
    }`,
});

// Thread (part, c): the sums over the rows of a part. parts [parts, 1 or 2, cols].
const dWeightShader = shader({
  name: 'layernormBackward, parameters',
  buffers: { parts: '>f32', dOut: 'f32', x: 'f32', mean: 'f32?', rstd: 'f32' },
  numbers: { rows: 'u32', cols: 'u32', size: 'u32' },
  code: `
    fn run(i: u32) {
      let part = i / u.cols;
      let c = i % u.cols;
      var weight_sum = 0.0;
      var bias_sum = 0.0;
      for (var r = part * u.size; r < min((part + 1u) * u.size, u.rows); r++) {
        let d = dOut[r * u.cols + c];
        var n = x[r * u.cols + c];
        if (has_mean) { n -= mean[r]; }
        weight_sum += d * n * rstd[r];
        if (BIAS) { bias_sum += d; }
      }
      if (BIAS) {
        parts[2u * part * u.cols + c] = weight_sum;
        parts[(2u * part + 1u) * u.cols + c] = bias_sum;
      } else {
        parts[i] = weight_sum;
      }
    }`,
});

const rmsnormShader = shader({
  name: 'rmsnorm',
  buffers: { out: '>f32', rrms: '>f32', x: 'f32', weight: 'f32' },
  numbers: { cols: 'u32', eps: 'f32' },
  per: 'group',
  code: `${groupSum}
    fn run(group: u32, lane: u32) {
      let row = group * u.cols;
      var squares = 0.0;
      for (var c = lane; c < u.cols; c += 64u) { squares += x[row + c] * x[row + c]; }
      let s = 1.0 / sqrt(group_sum(lane, squares) / f32(u.cols) + u.eps);
      for (var c = lane; c < u.cols; c += 64u) { out[row + c] = x[row + c] * s * weight[c]; }
      if (lane == 0u) { rrms[group] = s; }
    }`,
});

type Norms = 'layernorm' | 'layernormBackward' | 'rmsnorm' | 'rmsnormBackward';

export function layernormKernels(queue: Queue): Pick<Kernels, Norms> {
  const backward = (
    { dx, dWeight, dBias, ...inputs }: Gradients & Inputs,
    { rows, cols, accumulate }: { rows: number; cols: number; accumulate: boolean },
  ): void => {
    if (rows === 0) return;
    const { dOut, x, weight, mean, rstd } = inputs;
    const numbers = { cols, accumulate: accumulate ? 1 : 0 };
    queue.run(dxShader, { dx, dOut, x, weight, mean, rstd }, numbers, {
      count: rows,
      work: 16 * rows * cols,
    });
    addInParts(queue, { out: dWeight, more: dBias }, rows, cols, ({ parts, size, count }) => {
      const constants = { BIAS: dBias !== null };
      const extent = { count: count * cols, work: 6 * rows * cols, constants };
      queue.run(dWeightShader, { parts, dOut, x, mean, rstd }, { rows, cols, size }, extent);
    });
  };
  return {
    layernorm(out, mean, rstd, x, weight, bias, { rows, cols, eps }) {
      const extent = { count: rows, work: 9 * rows * cols };
      queue.run(layernormShader, { out, mean, rstd, x, weight, bias }, { cols, eps }, extent);
    },
    layernormBackward(dx, dWeight, dBias, dOut, x, weight, mean, rstd, shape) {
      backward({ dx, dWeight, dBias, dOut, x, weight, mean, rstd }, shape);
    },
    rmsnorm(out, rrms, x, weight, { rows, cols, eps }) {
      queue.run(
        rmsnormShader,
        { out, rrms, x, weight },
        { cols, eps },
        { count: rows, work: 5 * rows * cols },
      );
    },
    rmsnormBackward(dx, dWeight, dOut, x, weight, rrms, shape) {
      backward({ dx, dWeight, dBias: null, dOut, x, weight, mean: null, rstd: rrms }, shape);
    },
  };
}

interface Gradients {
  dx: DeviceBuffer;
  dWeight: DeviceBuffer;
  dBias: DeviceBuffer | null;
}
interface Inputs {
  dOut: DeviceBuffer;
  x: DeviceBuffer;
  weight: DeviceBuffer;
  mean: DeviceBuffer | null;
  rstd: DeviceBuffer;
}
