import { ACTIVATION_KINDS } from '../../../src/backend/contract.ts';
import { type Case, GUARD } from '../support.ts';

/**
 * [m, n, k]: the seed's layers made smaller, remainders of every width, single rows and columns, more terms
 * than a round, more columns than a block (matmul.cpp).
 */
const shapes = [
  [1, 1, 1],
  [1, 7, 33],
  [7, 1, 17],
  [2, 500, 232],
  [1, 684, 232],
  [3, 17, 1],
  [17, 33, 7],
  [33, 38, 38],
  [64, 64, 64],
  [38, 232, 228],
  [228, 17, 500],
  [65, 500, 232],
  [232, 684, 70],
  [31, 29, 1037],
  [5, 929, 19],
  [130, 15, 16],
  [14, 700, 400],
  [9, 6600, 41],
];

export const matmulCases: Case[] = [];
for (const [m, n, k] of shapes) {
  for (const [transA, transB] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ]) {
    for (const [bias, accumulate] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const options = [transA && 'transA', transB && 'transB', bias && 'bias', accumulate && 'accumulate'];
      matmulCases.push({
        name: ['matmul', `${m} x ${n} x ${k}`, ...options.filter(Boolean)].join(' '),
        run({ kernels, normal, garbage }) {
          const out = accumulate ? normal(m * n + GUARD) : garbage(m * n + GUARD);
          kernels.matmul(out, normal(m * k), normal(k * n), {
            m,
            n,
            k,
            transA,
            transB,
            accumulate,
            bias: bias ? normal(n) : null,
          });
          return { out };
        },
      });
    }
  }
}

for (const [n, k] of [
  [1, 3],
  [5, 40],
  [15, 300],
  [33, 17],
  [64, 64],
  [228, 232],
  [232, 929],
  [524, 504],
]) {
  for (const [transA, transB] of [
    [false, true],
    [true, false],
  ]) {
    for (const accumulate of [false, true]) {
      matmulCases.push({
        name: `matmul of ${n} x ${k} with itself, ${transA ? 'transA' : 'transB'}, symmetric${accumulate ? ', accumulate' : ''}`,
        run({ kernels, normal, garbage, put }) {
          const x = normal(n * k);
          const symmetric = Float32Array.from(
            { length: n * n + GUARD },
            (_, i) => (i % n) * Math.floor(i / n),
          );
          const out = accumulate ? put(symmetric) : garbage(n * n + GUARD);
          kernels.matmul(out, x, x, { m: n, n, k, transA, transB, accumulate, symmetric: true });
          return { out };
        },
      });
    }
  }
}

matmulCases.push({
  name: 'matmul of many rows, as a training step has them',
  run({ kernels, normal, garbage }) {
    const [m, n, k] = [1543, 132, 116];
    const out = garbage(m * n);
    kernels.matmul(out, normal(m * k), normal(n * k), { m, n, k, transB: true, bias: normal(n) });
    return { out };
  },
});
matmulCases.push({
  name: 'matmul of a weight gradient over many rows',
  run({ kernels, normal }) {
    const [m, n, k] = [132, 116, 2051];
    const out = normal(m * n);
    kernels.matmul(out, normal(k * m), normal(k * n), { m, n, k, transA: true, accumulate: true });
    return { out };
  },
});

for (const kind of ACTIVATION_KINDS) {
  for (const [m, n, k] of [
    [1, 33, 40],
    [3, 17, 0],
    [7, 17, 33],
    [38, 232, 70],
    [65, 500, 232],
    [29, 33, 2051],
  ]) {
    for (const stored of [{}, { transA: true }, { transB: true }]) {
      const shape = [kind, `${m} x ${n} x ${k}`, ...Object.keys(stored)].join(' ');
      matmulCases.push(
        {
          name: `matmul and ${shape}`,
          run({ kernels, normal, garbage }) {
            const out = garbage(m * n + GUARD);
            const options = { m, n, k, ...stored, bias: normal(n), activation: { kind } };
            kernels.matmul(out, normal(m * k), normal(n * k), options);
            return { out };
          },
        },
        {
          name: `matmul and ${shape}, with what goes into it`,
          run({ kernels, normal, garbage }) {
            const [out, pre] = [garbage(m * n + GUARD), garbage(m * n + GUARD)];
            const options = { m, n, k, ...stored, activation: { kind, pre } };
            kernels.matmul(out, normal(m * k), normal(n * k), options);
            return { out, pre };
          },
        },
        {
          name: `matmul and back through ${shape}`,
          run({ kernels, normal, garbage }) {
            const out = garbage(m * n + GUARD);
            const slope = { kind, x: normal(m * n, 3) };
            kernels.matmul(out, normal(m * k), normal(n * k), { m, n, k, ...stored, slope });
            return { out };
          },
        },
      );
    }
  }
}
