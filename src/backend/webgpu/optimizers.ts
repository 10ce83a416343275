// The update of a parameter by its gradient. Read next: statistics.ts.
import type { Kernels } from '../contract.ts';
import { quads } from './elementwise.ts';
import { runGathered } from './gather.ts';
import type { Queue } from './queue.ts';
import { shader } from './shader.ts';

const adamwShader = shader({
  name: 'adamw',
  buffers: { param: '>vec4f', grad: 'vec4f', m: '>vec4f', v: '>vec4f' },
  numbers: {
    lr: 'f32',
    beta1: 'f32',
    rest1: 'f32',
    beta2: 'f32',
    rest2: 'f32',
    eps: 'f32',
    kept: 'f32',
    m_correction: 'f32',
    v_correction: 'f32',
    grad_scale: 'f32',
  },
  code: `
    fn run(i: u32) {
      let g = u.grad_scale * grad[i];
      let m1 = u.beta1 * m[i] + u.rest1 * g;
      let v1 = u.beta2 * v[i] + u.rest2 * g * g;
      m[i] = m1;
      v[i] = v1;
      param[i] = param[i] * u.kept - u.lr * (m1 / u.m_correction / (sqrt(v1 / u.v_correction) + u.eps));
    }`,
});

const sgdShader = shader({
  name: 'sgd',
  buffers: { param: '>vec4f', grad: 'vec4f', velocity: '>vec4f?' },
  numbers: { lr: 'f32', momentum: 'f32', weight_decay: 'f32', grad_scale: 'f32' },
  code: `
    fn run(i: u32) {
      var step = u.grad_scale * grad[i] + u.weight_decay * param[i];
      if (has_velocity) {
        step += u.momentum * velocity[i];
        velocity[i] = step;
      }
      param[i] -= u.lr * step;
    }`,
});

const nesterovShader = shader({
  name: 'nesterov',
  buffers: { out: '>vec4f', velocity: '>vec4f', grad: 'vec4f' },
  numbers: { momentum: 'f32', grad_scale: 'f32' },
  code: `
    fn run(i: u32) {
      let g = u.grad_scale * grad[i];
      let now = u.momentum * velocity[i] + g;
      velocity[i] = now;
      out[i] = u.momentum * now + g;
    }`,
});

export function optimizerKernels(queue: Queue): Pick<Kernels, 'adamw' | 'sgd' | 'nesterov'> {
  return {
    adamw(param, grad, m, v, { lr, beta1, beta2, eps, weightDecay, t, gradScale }) {
      const numbers = {
        lr,
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        eps,
        kept: 1 - lr * weightDecay,
        m_correction: 1 - beta1 ** t,
        v_correction: 1 - beta2 ** t,
        grad_scale: gradScale,
      };
      const extent = { count: quads(param.length), work: 16 * param.length };
      runGathered(queue, adamwShader, { param, grad, m, v }, numbers, extent);
    },
    sgd(param, grad, velocity, { lr, momentum, weightDecay, gradScale }) {
      const numbers = { lr, momentum, weight_decay: weightDecay, grad_scale: gradScale };
      const extent = { count: quads(param.length), work: 8 * param.length };
      runGathered(queue, sgdShader, { param, grad, velocity }, numbers, extent);
    },
    nesterov(out, velocity, grad, { momentum, gradScale }) {
      const numbers = { momentum, grad_scale: gradScale };
      queue.run(nesterovShader, { out, velocity, grad }, numbers, { count: quads(out.length) });
    },
  };
}
