import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { roundBf16 } from '../../src/base/bf16.ts';
import { damped, factor, gptq, outputError } from '../../src/quantize/gptq.ts';
import {
  codeOf,
  dequantize,
  pack,
  type Rounded,
  roundToNearest,
  scaleOf,
  unpack,
} from '../../src/quantize/int4.ts';
import { int4Bytes } from '../../src/tensor/quantized.ts';
import { createRandom } from '../../src/tensor/random.ts';

/** A problem with random weights and correlated inputs. */
function problem(
  seed: number,
  rows: number,
  cols: number,
): { w: Float32Array; shape: number[]; hessian: Float64Array } {
  const random = createRandom({ seed, stream: 0 });
  const w = Float32Array.from({ length: rows * cols }, () => random.normal());
  const samples = Math.ceil(0.6 * cols); // fewer than columns: without damping H would be singular
  const common = Float64Array.from({ length: samples }, () => random.normal());
  const x = Float64Array.from({ length: samples * cols }, (_, i) => {
    return (1 + (i % 7)) * random.normal() + 3 * common[Math.floor(i / cols)];
  });
  const hessian = new Float64Array(cols * cols);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < cols; i++) {
      for (let j = 0; j < cols; j++) hessian[i * cols + j] += (x[s * cols + i] * x[s * cols + j]) / samples;
    }
  }
  return { w, shape: [rows, cols], hessian: damped(hessian, cols) };
}

function errorOf(
  w: Float32Array,
  rounded: Rounded,
  shape: number[],
  groupSize: number,
  H: Float64Array,
): number {
  const back = dequantize(rounded, shape, groupSize);
  return outputError(
    Float64Array.from(w, (x, i) => x - back[i]),
    H,
    shape[1],
  );
}

/** Solves A x = b by Gauss-Jordan elimination: the inverse of A [n, n]. */
function inverse(A: Float64Array, n: number): Float64Array {
  const rows = Array.from({ length: n }, (_, i) => [
    ...A.slice(i * n, (i + 1) * n),
    ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let j = 0; j < n; j++) {
    const p = rows.findIndex((row, i) => i >= j && Math.abs(row[j]) > 1e-12);
    [rows[j], rows[p]] = [rows[p], rows[j]];
    rows[j] = rows[j].map((x) => x / rows[j][j]);
    for (let i = 0; i < n; i++) if (i !== j) rows[i] = rows[i].map((x, c) => x - rows[i][j] * rows[j][c]);
  }
  return Float64Array.from(rows.flatMap((row) => row.slice(n)));
}

describe('four bits', () => {
  test('packs and unpacks, odd widths too', () => {
    for (const [rows, cols] of [
      [1, 1],
      [3, 7],
      [5, 32],
      [2, 229],
    ]) {
      const codes = Uint8Array.from({ length: rows * cols }, (_, i) => (i * 11) % 16);
      const packed = pack(codes, [rows, cols]);
      assert.equal(packed.length, rows * Math.ceil(cols / 2));
      assert.deepEqual(unpack(packed, [rows, cols]), codes);
    }
    assert.deepEqual(pack(Uint8Array.of(1, 2, 15), [1, 3]), Int8Array.of(0x21, 15));
  });

  test('uses all 16 values: the extreme weight is the lowest code, whatever its sign', () => {
    assert.equal(scaleOf([1, -4, 2]), 0.5);
    assert.equal(codeOf(-4, 0.5), 0);
    assert.equal(scaleOf([1, 4, -2]), -0.5);
    assert.equal(codeOf(4, -0.5), 0);
    assert.equal(codeOf(-4, -0.5), 15); // half a step is cut off
    assert.deepEqual([scaleOf([0, 0]), codeOf(0, 0)], [-0, 8]);
    assert.equal(scaleOf([0.3]), roundBf16(0.3 / -8));
  });

  test('rounds to within half a step of its group, the last of which may be short', () => {
    const shape = [4, 100];
    const { w } = problem(1, 4, 100);
    for (const groupSize of [32, 64]) {
      const rounded = roundToNearest(w, shape, groupSize);
      assert.equal(rounded.scale.length, 4 * Math.ceil(100 / groupSize));
      const back = dequantize(rounded, shape, groupSize);
      for (let i = 0; i < w.length; i++) {
        const scale = rounded.scale[Math.floor((i % 100) / groupSize) * 4 + Math.floor(i / 100)];
        // Above the largest code the error may be a whole step.
        const cut = rounded.codes[i] === 15 ? 1 : 0.51;
        assert.ok(Math.abs(w[i] - back[i]) <= cut * Math.abs(scale), `element ${i}`);
      }
    }
  });

  test('takes half a byte per weight and two per group', () => {
    assert.deepEqual(int4Bytes([232, 228], 64), { codes: 232 * 114, scale: 2 * 232 * 4 });
    assert.deepEqual(int4Bytes([3, 33], 32), { codes: 3 * 17, scale: 2 * 3 * 2 });
  });
});

describe('gptq', () => {
  test('factors a matrix into (I + M) D (I + M)^T, as the Cholesky factor of the inverse has it', () => {
    const n = 9;
    const { hessian } = problem(2, 1, n);
    const { D, transposedM } = factor(hessian, n);
    const unit = (i: number, j: number): number => (i === j ? 1 : i < j ? transposedM[j * n + i] : 0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let c = 0; c < n; c++) sum += unit(i, c) * D[c] * unit(j, c);
        assert.ok(Math.abs(sum - hessian[i * n + j]) < 1e-9 * Math.abs(hessian[0]), `${i}, ${j}`);
      }
    }
    // H^-1 = U^T U with U upper triangular: its first element is U[0, 0]^2.
    const last = inverse(hessian, n)[0];
    assert.ok(Math.abs(last * D[0] - 1) < 1e-9);
    assert.throws(() => factor(Float64Array.of(1, 2, 2, 1), 2), /not positive definite/);
  });

  test('gives the codes of the paper: columns to come corrected by the inverse of what is left of H', () => {
    const [rows, cols, groupSize] = [5, 40, 32];
    const { w, shape, hessian } = problem(3, rows, cols);
    const rounded = gptq(w, shape, groupSize, hessian);
    for (let r = 0; r < rows; r++) {
      const row = Float64Array.from(w.subarray(r * cols, (r + 1) * cols));
      let scale = 0;
      const codes = Array.from(row, (_, c) => {
        if (c % groupSize === 0) scale = scaleOf(row.subarray(c, c + groupSize));
        const n = cols - c;
        const left = Float64Array.from({ length: n * n }, (_, i) => {
          return hessian[(c + Math.floor(i / n)) * cols + c + (i % n)];
        });
        const inv = inverse(left, n);
        const code = codeOf(row[c], scale);
        const error = (row[c] - (code - 8) * scale) / inv[0];
        for (let j = 0; j < n; j++) row[c + j] -= error * inv[j];
        return code;
      });
      assert.deepEqual([...rounded.codes.subarray(r * cols, (r + 1) * cols)], codes, `row ${r}`);
    }
  });

  test('finds the best of all roundings where columns do not depend on each other', () => {
    const cols = 3;
    const w = Float32Array.of(0.31, -0.72, 1);
    const H = Float64Array.of(4, 0, 0, 0, 1, 0, 0, 0, 9);
    const rounded = gptq(w, [1, cols], 32, H);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 4096; i++) {
      const codes = Uint8Array.of(i & 15, (i >> 4) & 15, i >> 8);
      best = Math.min(best, errorOf(w, { codes, scale: rounded.scale }, [1, cols], 32, H));
    }
    assert.equal(errorOf(w, rounded, [1, cols], 32, H), best);
  });

  test('is never worse than rounding to the nearest, and mostly far better', () => {
    const ratios: number[] = [];
    for (let seed = 10; seed < 40; seed++) {
      const [rows, cols, groupSize] = [1 + (seed % 5), 8 + 9 * (seed % 9), seed % 2 ? 32 : 64];
      const { w, shape, hessian } = problem(seed, rows, cols);
      const nearest = errorOf(w, roundToNearest(w, shape, groupSize), shape, groupSize, hessian);
      const better = errorOf(w, gptq(w, shape, groupSize, hessian), shape, groupSize, hessian);
      assert.ok(better <= nearest * (1 + 1e-9), `seed ${seed}: ${better} > ${nearest}`);
      ratios.push(better / nearest);
    }
    ratios.sort((a, b) => a - b);
    assert.ok(ratios[15] < 0.5, `median ${ratios[15]}`);
  });

  test('rounds to the nearest where inputs say nothing', () => {
    const { w, shape } = problem(4, 3, 40);
    const silent = damped(new Float64Array(1600), 40);
    assert.deepEqual(gptq(w, shape, 32, silent), roundToNearest(w, shape, 32));
  });
});
