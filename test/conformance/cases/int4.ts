import { type Case, GUARD } from '../support.ts';

export const int4Cases: Case[] = [];
const codes = (n: number): Int8Array => Int8Array.from({ length: n }, (_, i) => ((i * 7919) % 256) - 128);
/** Numbers of either sign. */
const scales = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (i % 5) / 300 - 0.005);
const half = (cols: number): number => Math.ceil(cols / 2);
const groups = (cols: number, groupSize: number): number => Math.ceil(cols / groupSize);

for (const [rows, cols, groupSize] of [
  [1, 1, 32],
  [1, 232, 64],
  [7, 17, 32],
  [33, 65, 64],
  [130, 228, 32],
  [5, 929, 128],
]) {
  int4Cases.push({
    name: `dequantizeInt4 ${rows} x ${cols} in groups of ${groupSize}`,
    run({ kernels, garbage, put }) {
      const x = garbage(rows * cols + GUARD);
      const scale = put(scales(rows * groups(cols, groupSize)));
      kernels.dequantizeInt4(x, put(codes(rows * half(cols))), scale, { rows, cols, groupSize });
      return { x };
    },
  });
}

for (const [m, n, k, groupSize] of [
  [1, 1, 1, 32],
  [1, 684, 232, 64],
  [1, 232, 928, 128],
  [1, 500, 232, 32],
  [1, 70, 37, 32],
  [2, 17, 33, 32],
  [3, 130, 228, 64],
  [7, 33, 38, 32],
  [33, 232, 228, 64],
  [17, 500, 65, 32],
  [5, 7, 1037, 128],
]) {
  for (const activations of ['f32', 'int8'] as const) {
    for (const bias of [true, false]) {
      int4Cases.push({
        name: `linearInt4 ${m} x ${n} x ${k} in groups of ${groupSize} activations ${activations}${bias ? ' bias' : ''}`,
        run({ kernels, garbage, normal, put }) {
          const out = garbage(m * n + GUARD);
          const scale = put(scales(n * groups(k, groupSize)));
          const shift = bias ? normal(n) : null;
          const shape = { m, n, k, groupSize, activations };
          kernels.linearInt4(out, normal(m * k), put(codes(n * half(k))), scale, shift, shape);
          return { out };
        },
      });
    }
  }
}

for (const { B, T, C, V, start, groupSize } of [
  { B: 1, T: 1, C: 232, V: 500, start: 255, groupSize: 64 },
  { B: 3, T: 7, C: 37, V: 5, start: 2, groupSize: 32 },
]) {
  for (const positions of [true, false]) {
    int4Cases.push({
      name: `embeddingInt4 B ${B} T ${T} C ${C} V ${V} start ${start}${positions ? '' : ' no positions'}`,
      run({ kernels, garbage, ids, normal, put }) {
        const out = garbage(B * T * C + GUARD);
        const table = positions ? normal((start + T) * C) : null;
        const scale = put(scales(V * groups(C, groupSize)));
        const shape = { B, T, C, start, groupSize };
        kernels.embeddingInt4(out, ids(B * T, V), put(codes(V * half(C))), scale, table, shape);
        return { out };
      },
    });
  }
}
