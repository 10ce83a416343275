import type { DeviceBuffer } from '../../../src/backend/contract.ts';
import { type Case, GUARD, type Lab } from '../support.ts';

const eps = 1e-5;
const shapes = [
  [1, 1],
  [1, 232],
  [7, 17],
  [33, 38],
  [130, 228],
  [257, 232],
  [3, 500],
  [2, 1037],
];

export const normalisationCases: Case[] = [];
for (const [rows, cols] of shapes) {
  for (const bias of [true, false]) {
    normalisationCases.push({
      name: `layernorm ${rows} x ${cols}${bias ? '' : ' no bias'}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(rows * cols + GUARD);
        const mean = garbage(rows + GUARD);
        const rstd = garbage(rows + GUARD);
        const shift = bias ? normal(cols) : null;
        kernels.layernorm(out, mean, rstd, normal(rows * cols, 3), normal(cols), shift, { rows, cols, eps });
        return { out, mean, rstd };
      },
    });
    for (const accumulate of [false, true]) {
      normalisationCases.push({
        name: `layernormBackward ${rows} x ${cols}${bias ? '' : ' no bias'}${accumulate ? ' accumulate' : ''}`,
        run(lab) {
          const { kernels, normal } = lab;
          const x = normal(rows * cols, 3);
          const weight = normal(cols);
          const { mean, rstd } = rowMoments(lab, x, weight, rows, cols);
          const dx = accumulate ? normal(rows * cols + GUARD) : lab.garbage(rows * cols + GUARD);
          const dWeight = normal(cols);
          const dBias = bias ? normal(cols) : null;
          const shape = { rows, cols, accumulate };
          kernels.layernormBackward(dx, dWeight, dBias, normal(rows * cols), x, weight, mean, rstd, shape);
          return { dx, dWeight, dBias, mean, rstd };
        },
      });
    }
  }
  normalisationCases.push({
    name: `rmsnorm ${rows} x ${cols}`,
    run({ kernels, garbage, normal }) {
      const out = garbage(rows * cols + GUARD);
      const rrms = garbage(rows + GUARD);
      kernels.rmsnorm(out, rrms, normal(rows * cols, 3), normal(cols), { rows, cols, eps });
      return { out, rrms };
    },
  });
  for (const accumulate of [false, true]) {
    normalisationCases.push({
      name: `rmsnormBackward ${rows} x ${cols}${accumulate ? ' accumulate' : ''}`,
      run({ kernels, garbage, normal }) {
        const x = normal(rows * cols, 3);
        const weight = normal(cols);
        const out = garbage(rows * cols);
        const rrms = garbage(rows);
        // With one column, dx depends on eps alone.
        kernels.rmsnorm(out, rrms, x, weight, { rows, cols, eps: cols === 1 ? 10 : eps });
        const dx = accumulate ? normal(rows * cols + GUARD) : garbage(rows * cols + GUARD);
        const dWeight = normal(cols);
        kernels.rmsnormBackward(dx, dWeight, normal(rows * cols), x, weight, rrms, {
          rows,
          cols,
          accumulate,
        });
        return { dx, dWeight, out, rrms };
      },
    });
  }
}

normalisationCases.push(
  {
    name: 'layernorm of a constant row: nothing but the bias',
    tolerance: 1e-3, // (x - mean) is 0 or the last bit of x, times 1 / sqrt(eps)
    run({ kernels, garbage, put, normal }) {
      const [rows, cols] = [3, 38];
      const out = garbage(rows * cols);
      const mean = garbage(rows);
      const rstd = garbage(rows);
      const x = put(new Float32Array(rows * cols).fill(0.25));
      kernels.layernorm(out, mean, rstd, x, normal(cols), normal(cols), { rows, cols, eps });
      return { out, mean, rstd };
    },
  },
  {
    name: 'layernorm of rows far from zero',
    tolerance: 3e-4, // std is 1/1000 of the mean, which a one-pass variance would lose
    run({ kernels, garbage, put, normal }) {
      const [rows, cols] = [5, 232];
      const out = garbage(rows * cols);
      const mean = garbage(rows);
      const rstd = garbage(rows);
      const x = put(Float32Array.from({ length: rows * cols }, (_, i) => 1000 + Math.sin(i * i)));
      kernels.layernorm(out, mean, rstd, x, normal(cols), null, { rows, cols, eps });
      return { out, mean, rstd };
    },
  },
  {
    name: 'rmsnorm of a zero row',
    run({ kernels, garbage, put, normal }) {
      const out = garbage(2 * 17);
      const rrms = garbage(2);
      kernels.rmsnorm(out, rrms, put(new Float32Array(2 * 17)), normal(17), { rows: 2, cols: 17, eps });
      return { out, rrms };
    },
  },
);

/** The mean and rstd of the same engine's forward, as inputs of the backward. */
function rowMoments(
  { kernels, garbage }: Lab,
  x: DeviceBuffer,
  weight: DeviceBuffer,
  rows: number,
  cols: number,
): { mean: DeviceBuffer; rstd: DeviceBuffer } {
  const mean = garbage(rows);
  const rstd = garbage(rows);
  kernels.layernorm(garbage(rows * cols), mean, rstd, x, weight, null, { rows, cols, eps });
  return { mean, rstd };
}
