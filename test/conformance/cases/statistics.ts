import { STATISTICS_HEADER } from '../../../src/backend/contract.ts';
import { type Case, GUARD } from '../support.ts';

export const statisticsCases: Case[] = [];
for (const [rows, cols, bins] of [
  [1, 1, 1],
  [1, 33, 0],
  [7, 17, 16],
  [130, 232, 64],
  [257, 928, 64],
]) {
  for (const active of [true, false]) {
    statisticsCases.push({
      name: `statistics ${rows} x ${cols} in ${bins} bins${active ? '' : ', no active'}`,
      run({ kernels, garbage, ids, put }) {
        const out = garbage(STATISTICS_HEADER + bins + GUARD);
        const counts = active ? ids(cols, 100) : null;
        // Multiples of 1/32 plus 1/64: no value is near the edge of a bin, where rounding could decide.
        const x = Float32Array.from(
          { length: rows * cols },
          (_, i) => (((i * 7919) % 257) - 128) / 32 + 1 / 64,
        );
        kernels.statistics(out, counts, put(x), { rows, cols, lo: -2, hi: 2, bins });
        return { out, active: counts };
      },
    });
  }
}
statisticsCases.push(
  {
    name: 'statistics with values that are not finite',
    run({ kernels, garbage, put }) {
      const x = Float32Array.from({ length: 5 * 19 }, (_, i) => (i % 11) - 5.25);
      x.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], 2);
      x[94] = Number.NaN;
      const out = garbage(STATISTICS_HEADER + 8);
      const active = put(new Int32Array(19));
      kernels.statistics(out, active, put(x), { rows: 5, cols: 19, lo: -4, hi: 4, bins: 8 });
      return { out, active };
    },
  },
  {
    name: 'statistics of zeros: all <= 0, none active',
    run({ kernels, garbage, put }) {
      const out = garbage(STATISTICS_HEADER + 8);
      const active = put(new Int32Array(19));
      const x = put(new Float32Array(5 * 19));
      kernels.statistics(out, active, x, { rows: 5, cols: 19, lo: 0, hi: 4, bins: 8 });
      return { out, active };
    },
  },
  {
    name: 'statistics of nothing finite',
    run({ kernels, garbage, put }) {
      const out = garbage(STATISTICS_HEADER + 2);
      const x = put(new Float32Array(7).fill(Number.NaN));
      kernels.statistics(out, null, x, { rows: 1, cols: 7, lo: 0, hi: 4, bins: 2 });
      return { out };
    },
  },
);
