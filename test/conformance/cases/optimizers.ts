import type { Case } from '../support.ts';

export const optimizerCases: Case[] = [];
for (const n of [1, 7, 33, 228, 4099, 70001]) {
  for (const t of [1, 2, 1000]) {
    for (const [weightDecay, gradScale] of [
      [0.01, 1],
      [0, 0.125],
    ]) {
      optimizerCases.push({
        name: `adamw ${n} t ${t} weightDecay ${weightDecay} gradScale ${gradScale}`,
        run({ kernels, normal, put }) {
          const param = normal(n);
          const m = t === 1 ? put(new Float32Array(n)) : normal(n, 0.1);
          const v = put(Float32Array.from({ length: n }, (_, i) => (t === 1 ? 0 : 0.01 * (1 + Math.sin(i)))));
          kernels.adamw(param, normal(n), m, v, {
            lr: 3e-4,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weightDecay,
            t,
            gradScale,
          });
          return { param, m, v };
        },
      });
    }
  }
  for (const inPlace of [false, true]) {
    optimizerCases.push({
      name: `nesterov ${n}${inPlace ? ' into the gradient' : ''}`,
      run({ kernels, garbage, normal }) {
        const [velocity, grad] = [normal(n), normal(n)];
        const out = inPlace ? grad : garbage(n);
        kernels.nesterov(out, velocity, grad, { momentum: 0.95, gradScale: 0.3 });
        return { out, velocity };
      },
    });
  }
  for (const momentum of [0, 0.9]) {
    optimizerCases.push({
      name: `sgd ${n} momentum ${momentum}`,
      run({ kernels, normal }) {
        const param = normal(n);
        const velocity = momentum ? normal(n) : null;
        const options = { lr: 0.1, momentum, weightDecay: 0.01, gradScale: 0.5 };
        kernels.sgd(param, normal(n), velocity, options);
        return { param, velocity };
      },
    });
  }
}
optimizerCases.push({
  name: 'adamw of a zero gradient: only the decay',
  run({ kernels, normal, put }) {
    const param = normal(37);
    const [m, v] = [put(new Float32Array(37)), put(new Float32Array(37))];
    const options = {
      lr: 0.1,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0.1,
      t: 1,
      gradScale: 1,
    };
    kernels.adamw(param, put(new Float32Array(37)), m, v, options);
    return { param, m, v };
  },
});
