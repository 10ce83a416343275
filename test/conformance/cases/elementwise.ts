import { type Case, GUARD } from '../support.ts';

const sizes = [1, 7, 17, 33, 38, 228, 500, 4097, 70001];

export const elementwiseCases: Case[] = [
  {
    name: 'fill i32',
    run({ kernels, garbage }) {
      const out = garbage(37, 'i32');
      kernels.fill(out, 5);
      return { out };
    },
  },
  {
    name: 'fill i8',
    run({ kernels, garbage }) {
      const out = garbage(37, 'i8');
      kernels.fill(out, -3);
      return { out };
    },
  },
  {
    name: 'copy with offsets',
    run({ kernels, garbage, normal }) {
      const out = garbage(100);
      kernels.copy(out, normal(50), 13, 7, 29);
      return { out };
    },
  },
  {
    name: 'copy from an offset to the end',
    run({ kernels, garbage, normal }) {
      const out = garbage(100);
      kernels.copy(out, normal(50), 13, 7);
      return { out };
    },
  },
  {
    name: 'copy i32',
    run({ kernels, garbage, ids }) {
      const out = garbage(40, 'i32');
      kernels.copy(out, ids(19, 1000), 3);
      return { out };
    },
  },
  {
    name: 'copy i8',
    run({ kernels, garbage, put }) {
      const out = garbage(40, 'i8');
      kernels.copy(out, put(Int8Array.from({ length: 19 }, (_, i) => i - 9)), 3, 1);
      return { out };
    },
  },
];

for (const n of sizes) {
  elementwiseCases.push(
    {
      name: `fill ${n}`,
      run({ kernels, garbage }) {
        const out = garbage(n);
        kernels.fill(out, 0.1);
        return { out };
      },
    },
    {
      name: `copy ${n}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(n);
        kernels.copy(out, normal(n));
        return { out };
      },
    },
    {
      name: `add ${n}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(n);
        kernels.add(out, normal(n), normal(n));
        return { out };
      },
    },
    {
      name: `add ${n} into a`,
      run({ kernels, normal }) {
        const out = normal(n);
        kernels.add(out, out, normal(n));
        return { out };
      },
    },
    {
      name: `add ${n} into b`,
      run({ kernels, normal }) {
        const out = normal(n);
        kernels.add(out, normal(n), out);
        return { out };
      },
    },
    {
      name: `axpy ${n}`,
      run({ kernels, normal }) {
        const out = normal(n);
        kernels.axpy(out, normal(n), -0.37);
        return { out };
      },
    },
    {
      name: `scale ${n}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(n);
        kernels.scale(out, normal(n), 1.7);
        return { out };
      },
    },
    {
      name: `scale ${n} in place`,
      run({ kernels, normal }) {
        const out = normal(n);
        kernels.scale(out, out, 1.7);
        return { out };
      },
    },
    {
      name: `sumSquares ${n}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(3);
        kernels.sumSquares(out, normal(n), false);
        return { out };
      },
    },
    {
      name: `normalize ${n}`,
      run({ kernels, garbage, normal, put }) {
        const out = garbage(n);
        kernels.normalize(out, normal(n), put(Float32Array.of(n / 3, 5)), 1e-7);
        return { out };
      },
    },
    {
      name: `normalize ${n} in place, by eps alone`,
      run({ kernels, normal, put }) {
        const out = normal(n);
        kernels.normalize(out, out, put(Float32Array.of(0)), 0.5);
        return { out };
      },
    },
    {
      name: `sumSquares ${n} accumulate`,
      run({ kernels, normal, put }) {
        const out = put(Float32Array.of(n, 5));
        kernels.sumSquares(out, normal(n), true);
        return { out };
      },
    },
  );
}

for (const [rows, cols] of [
  [1, 1],
  [1, 33],
  [7, 17],
  [38, 228],
  [501, 7],
  [1025, 232],
  [3, 5000],
]) {
  elementwiseCases.push({
    name: `sumRows ${rows} x ${cols}`,
    run({ kernels, normal }) {
      const out = normal(cols + GUARD);
      kernels.sumRows(out, normal(rows * cols), rows, cols);
      return { out };
    },
  });
}
