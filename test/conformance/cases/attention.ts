import type { DeviceBuffer, Dropout } from '../../../src/backend/contract.ts';
import { type Case, GUARD } from '../support.ts';

const shapes = [
  { B: 1, T: 1, H: 1, hs: 1 },
  { B: 2, T: 1, H: 3, hs: 38 },
  { B: 1, T: 7, H: 2, hs: 17 },
  { B: 2, T: 17, H: 6, hs: 38 },
  { B: 3, T: 33, H: 1, hs: 7 },
  { B: 1, T: 64, H: 2, hs: 64 },
  { B: 2, T: 65, H: 2, hs: 33 },
  { B: 1, T: 130, H: 2, hs: 128 },
  { B: 2, T: 256, H: 2, hs: 38 },
  { B: 1, T: 257, H: 1, hs: 16 },
];
const dropouts: (Dropout | null)[] = [
  null,
  { p: 0.2, seed: 1337, step: 5, site: 11, offset: 0 },
  { p: 0.5, seed: 2 ** 40 + 1, step: 1, site: 2, offset: 64 * 1003 },
];

export const attentionCases: Case[] = [];
for (const { B, T, H, hs } of shapes) {
  const scale = hs ** -0.5;
  const shape = { B, T, H, hs, scale };
  const name = `B ${B} T ${T} H ${H} hs ${hs}`;
  for (const dropout of dropouts) {
    const how = dropout ? ` dropout ${dropout.p}${dropout.offset ? ' offset' : ''}` : '';
    attentionCases.push({
      name: `attention ${name}${how}`,
      run({ kernels, garbage, normal }) {
        const out = garbage(B * T * H * hs + GUARD);
        const lse = garbage(B * H * T + GUARD);
        kernels.attention(out, lse, normal(B * T * 3 * H * hs), shape, dropout);
        return { out, lse };
      },
    });
    attentionCases.push({
      name: `attentionBackward ${name}${how}`,
      run({ kernels, garbage, normal }) {
        const qkv = normal(B * T * 3 * H * hs);
        const out = garbage(B * T * H * hs);
        const lse = garbage(B * H * T);
        kernels.attention(out, lse, qkv, shape, dropout);
        const dqkv = garbage(B * T * 3 * H * hs + GUARD);
        kernels.attentionBackward(dqkv, normal(B * T * H * hs), out, lse, qkv, shape, dropout);
        return { dqkv };
      },
    });
  }
  attentionCases.push({
    name: `attentionProbabilities ${name}`,
    run({ kernels, garbage, normal }) {
      const probs = garbage(B * H * T * T + GUARD);
      kernels.attentionProbabilities(probs, normal(B * T * 3 * H * hs), shape);
      return { probs };
    },
  });
}

// Scores in the hundreds: exp() would overflow if the maximum were not subtracted. Errors are relative to the
// scores.
for (const T of [33, 257]) {
  const shape = { B: 1, T, H: 2, hs: 38, scale: 1 };
  attentionCases.push(
    {
      name: `attention with large scores T ${T}`,
      tolerance: 3e-4,
      run({ kernels, garbage, normal }) {
        const out = garbage(T * 2 * 38);
        const lse = garbage(2 * T);
        kernels.attention(out, lse, normal(T * 3 * 2 * 38, 6), shape, null);
        return { out, lse };
      },
    },
    {
      name: `attentionBackward with large scores T ${T}`,
      tolerance: 1e-3,
      run({ kernels, garbage, normal }) {
        const qkv = normal(T * 3 * 2 * 38, 6);
        const out = garbage(T * 2 * 38);
        const lse = garbage(2 * T);
        kernels.attention(out, lse, qkv, shape, null);
        const dqkv = garbage(T * 3 * 2 * 38);
        kernels.attentionBackward(dqkv, normal(T * 2 * 38), out, lse, qkv, shape, null);
        return { dqkv };
      },
    },
  );
}

// A run that has diverged must show: NaN in a query reaches its row, in a key those from it on.
for (const [column, name] of [
  [0, 'query'],
  [5, 'key'],
] as const) {
  attentionCases.push({
    name: `attention with NaN in a ${name}`,
    run({ kernels, garbage, put }) {
      const [T, hs] = [9, 5];
      const qkv = Float32Array.from({ length: T * 3 * hs }, (_, i) => Math.sin(i));
      qkv[4 * 3 * hs + column] = Number.NaN;
      const out = garbage(T * hs);
      const lse = garbage(T);
      kernels.attention(out, lse, put(qkv), { B: 1, T, H: 1, hs, scale: 1 }, null);
      return { out, lse };
    },
  });
}

for (const { B, H, hs, capacity, pieces } of [
  { B: 1, H: 1, hs: 1, capacity: 1, pieces: [1] },
  { B: 1, H: 6, hs: 38, capacity: 256, pieces: [250, 1, 1, 4] },
  { B: 2, H: 3, hs: 17, capacity: 40, pieces: [7, 1, 17, 1] },
  { B: 3, H: 2, hs: 64, capacity: 33, pieces: [1, 1, 1] },
]) {
  attentionCases.push({
    name: `attentionCached B ${B} H ${H} hs ${hs} in pieces of ${pieces.join(', ')}`,
    run({ kernels, garbage, normal }) {
      const keys = garbage(B * H * capacity * hs + GUARD);
      const values = garbage(B * H * capacity * hs + GUARD);
      const written: Record<string, DeviceBuffer> = { keys, values };
      let start = 0;
      for (const T of pieces) {
        const out = garbage(B * T * H * hs + GUARD);
        const shape = { B, T, H, hs, scale: hs ** -0.5, start, capacity };
        kernels.attentionCached(out, keys, values, normal(B * T * 3 * H * hs), shape);
        written[`out from ${start}`] = out;
        start += T;
      }
      return written;
    },
  });
}

for (const { B, T, H, hs, start } of [
  { B: 1, T: 1, H: 1, hs: 1, start: 5 },
  { B: 2, T: 7, H: 3, hs: 38, start: 0 },
  { B: 2, T: 33, H: 2, hs: 17, start: 250 },
  { B: 1, T: 257, H: 2, hs: 64, start: 0 },
]) {
  for (const inverse of [false, true]) {
    for (const inPlace of [false, true]) {
      attentionCases.push({
        name: `rope B ${B} T ${T} H ${H} hs ${hs} start ${start}${inverse ? ' inverse' : ''}${inPlace ? ' in place' : ''}`,
        run({ kernels, garbage, normal }) {
          const qkv = normal(B * T * 3 * H * hs + (inPlace ? GUARD : 0));
          const out = inPlace ? qkv : garbage(B * T * 3 * H * hs + GUARD);
          kernels.rope(out, qkv, { B, T, H, hs, start, base: 10000, inverse });
          return { out };
        },
      });
    }
  }
}

// Sequences at positions of their own, as in a batch of texts of different lengths.
for (const { B, T, H, hs, starts } of [
  { B: 1, T: 1, H: 1, hs: 1, starts: [4] },
  { B: 5, T: 1, H: 6, hs: 38, starts: [0, 255, 17, 64, 63] },
  { B: 3, T: 2, H: 2, hs: 17, starts: [30, 0, 7] },
  { B: 2, T: 6, H: 3, hs: 64, starts: [3, 70] },
]) {
  const capacity = Math.max(...starts) + T;
  const size = B * T * 3 * H * hs;
  attentionCases.push(
    {
      name: `attentionCached B ${B} T ${T} H ${H} hs ${hs} at ${starts.join(', ')}`,
      run({ kernels, garbage, normal, put }) {
        const [keys, values] = [0, 1].map(() => normal(B * H * capacity * hs + GUARD));
        const out = garbage(B * T * H * hs + GUARD);
        const shape = { B, T, H, hs, scale: hs ** -0.5, start: 0, capacity };
        kernels.attentionCached(out, keys, values, normal(size), shape, put(Int32Array.from(starts)));
        return { out, keys, values };
      },
    },
    {
      name: `rope B ${B} T ${T} H ${H} hs ${hs} at ${starts.join(', ')}`,
      run({ kernels, garbage, normal, put }) {
        const out = garbage(size + GUARD);
        const shape = { B, T, H, hs, start: 0, base: 10000, inverse: false };
        kernels.rope(out, normal(size), shape, put(Int32Array.from(starts)));
        return { out };
      },
    },
  );
}

for (const { rows, H, hs } of [
  { rows: 1, H: 1, hs: 1 },
  { rows: 7, H: 3, hs: 38 },
  { rows: 33, H: 2, hs: 17 },
  { rows: 1100, H: 6, hs: 40 },
]) {
  const size = rows * 3 * H * hs;
  const eps = hs === 1 ? 10 : 1e-5; // with one column, the gradient depends on eps alone
  for (const inPlace of [false, true]) {
    const name = `${rows} rows H ${H} hs ${hs}${inPlace ? ' in place' : ''}`;
    attentionCases.push(
      {
        name: `qkNorm ${name}`,
        run({ kernels, garbage, normal }) {
          const qkv = normal(size + (inPlace ? GUARD : 0), 3);
          const out = inPlace ? qkv : garbage(size + GUARD);
          const rrms = garbage(rows * 2 * H + GUARD);
          kernels.qkNorm(out, rrms, qkv, normal(2 * hs), { rows, H, hs, eps });
          return { out, rrms };
        },
      },
      {
        name: `qkNormBackward ${name}`,
        run({ kernels, garbage, normal }) {
          const qkv = normal(size, 3);
          const weight = normal(2 * hs);
          const rrms = garbage(rows * 2 * H);
          kernels.qkNorm(garbage(size), rrms, qkv, weight, { rows, H, hs, eps });
          const dOut = normal(size + (inPlace ? GUARD : 0));
          const dqkv = inPlace ? dOut : garbage(size + GUARD);
          const dWeight = normal(2 * hs);
          kernels.qkNormBackward(dqkv, dWeight, dOut, qkv, weight, rrms, { rows, H, hs });
          return { dqkv, dWeight, rrms };
        },
      },
    );
  }
}
