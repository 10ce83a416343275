import { type Case, GUARD } from '../support.ts';

export const int8Cases: Case[] = [];
const bytes = (n: number): Int8Array => Int8Array.from({ length: n }, (_, i) => ((i * 7919) % 255) - 127);
const positive = (n: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => 0.01 + (i % 5) / 300);

for (const [rows, cols] of [
  [1, 1],
  [1, 232],
  [7, 17],
  [33, 38],
  [130, 228],
  [5, 929],
]) {
  int8Cases.push(
    {
      name: `quantizeRows ${rows} x ${cols}`,
      run({ kernels, garbage, normal }) {
        const q = garbage(rows * cols + GUARD, 'i8');
        const scale = garbage(rows + GUARD);
        kernels.quantizeRows(q, scale, normal(rows * cols), rows, cols);
        return { q, scale };
      },
    },
    {
      name: `dequantizeRows ${rows} x ${cols}`,
      run({ kernels, garbage, normal, put }) {
        const x = garbage(rows * cols + GUARD);
        kernels.dequantizeRows(x, put(bytes(rows * cols)), normal(rows), rows, cols);
        return { x };
      },
    },
  );
}
int8Cases.push(
  {
    name: 'quantizeRows rounds halves to even, and a zero row to zeros',
    run({ kernels, garbage, put }) {
      const cols = 37;
      const x = new Float32Array(3 * cols);
      // Row 0: scale exactly 1/4, the other values halves of it. Row 1: zeros. Row 2: only negative.
      for (let c = 0; c < cols; c++) x[c] = (c - 18 + 0.5) / 4;
      x[36] = 127 / 4;
      for (let c = 0; c < cols; c++) x[2 * cols + c] = -c - 1;
      const q = garbage(3 * cols, 'i8');
      const scale = garbage(3);
      kernels.quantizeRows(q, scale, put(x), 3, cols);
      return { q, scale };
    },
  },
  {
    name: 'quantizeRows of numbers near the ends of float32',
    run({ kernels, garbage, put }) {
      const x = Float32Array.of(3e38, -3e38, 1e38, 0, 1e-37, -5e-38, 3e-39, 0, 0, 0, 0, 1e-45);
      const q = garbage(12, 'i8');
      const scale = garbage(3);
      kernels.quantizeRows(q, scale, put(x), 3, 4);
      return { q, scale };
    },
  },
);

int8Cases.push({
  name: 'quantizeRows of rows of every magnitude, at and beside halves of their scale',
  run({ kernels, garbage, put }) {
    const [rows, cols] = [254, 61];
    const x = new Float32Array(rows * cols);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const halves = ((r * 131 + c * 89) % 255) - 127 + 0.5 * (c % 2);
        const beside = 1 + (((r + c) % 5) - 2) * 2 ** -23;
        x[r * cols + c] = halves * beside * 2 ** (r - 134);
      }
    }
    const q = garbage(rows * cols + GUARD, 'i8');
    const scale = garbage(rows + GUARD);
    kernels.quantizeRows(q, scale, put(x), rows, cols);
    return { q, scale };
  },
});

for (const [m, n, k] of [
  [1, 1, 1],
  [1, 684, 232],
  [1, 232, 928],
  [1, 500, 232],
  [2, 17, 33],
  [4, 9, 31],
  [7, 33, 38],
  [14, 75, 130],
  [1030, 19, 18],
  [33, 232, 228],
  [17, 500, 65],
  [5, 7, 1037],
]) {
  for (const activations of ['f32', 'int8'] as const) {
    for (const bias of [true, false]) {
      int8Cases.push({
        name: `linearInt8 ${m} x ${n} x ${k} activations ${activations}${bias ? ' bias' : ''}`,
        run({ kernels, garbage, normal, put }) {
          const out = garbage(m * n + GUARD);
          const shift = bias ? normal(n) : null;
          const shape = { m, n, k, activations };
          kernels.linearInt8(out, normal(m * k), put(bytes(n * k)), put(positive(n)), shift, shape);
          return { out };
        },
      });
    }
  }
}
int8Cases.push({
  name: 'linearInt8 with extreme weights and activations: no int32 or int16 sum saturates',
  run({ kernels, garbage, put }) {
    const [m, n, k] = [3, 18, 1024];
    const x = new Float32Array(m * k).fill(1).fill(-1, k, 2 * k);
    const weight = new Int8Array(n * k).fill(127).fill(-127, k, 3 * k);
    const out = garbage(m * n);
    const scale = put(new Float32Array(n).fill(1));
    kernels.linearInt8(out, put(x), put(weight), scale, null, { m, n, k, activations: 'int8' });
    return { out };
  },
});
int8Cases.push({
  name: 'linearInt8 of a zero row of activations and a zero scale',
  run({ kernels, garbage, put, normal }) {
    const [m, n, k] = [2, 7, 38];
    const x = new Float32Array(m * k);
    for (let p = 0; p < k; p++) x[k + p] = p - 20;
    const scale = positive(n);
    scale[3] = 0;
    const out = garbage(m * n);
    const shape = { m, n, k, activations: 'int8' as const };
    kernels.linearInt8(out, put(x), put(bytes(n * k)), put(scale), normal(n), shape);
    return { out };
  },
});

for (const { B, T, C, V, start } of [
  { B: 1, T: 1, C: 232, V: 500, start: 255 },
  { B: 3, T: 7, C: 17, V: 5, start: 2 },
]) {
  for (const positions of [true, false]) {
    int8Cases.push({
      name: `embeddingInt8 B ${B} T ${T} C ${C} V ${V} start ${start}${positions ? '' : ' no positions'}`,
      run({ kernels, garbage, ids, normal, put }) {
        const out = garbage(B * T * C + GUARD);
        const table = positions ? normal((start + T) * C) : null;
        const shape = { B, T, C, start };
        kernels.embeddingInt8(out, ids(B * T, V), put(bytes(V * C)), put(positive(V)), table, shape);
        return { out };
      },
    });
  }
}
