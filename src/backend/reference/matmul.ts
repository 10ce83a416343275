// The matrix product: first its definition, three loops; then the same sums rearranged, which keeps plain
// JavaScript from being absurdly slow. Read next: layernorm.ts, then attention.ts.
import type { Kernels, Precision } from '../contract.ts';
import { curveOf } from './activation.ts';
import { f32 } from './buffer.ts';
import { inPrecision } from './precision.ts';

/** An f32 matrix inside an array: element (row, col) is at `row * rowStep + col * colStep`. */
interface Matrix {
  array: Float32Array;
  rowStep: number;
  colStep: number;
}

/** The product, with a and b rounded to `precision`. */
export function matmulIn(precision: Precision): Kernels['matmul'] {
  return (out, a, b, options) => multiply(precision, out, a, b, options);
}

/**
 * out[m, n] = op(a)[m, k] op(b)[k, n] (+ bias[n]) (+ out). `transA`: a is stored [k, m]; `transB`: b is
 * stored [n, k] (a weight [out, in], as PyTorch stores it).
 */
function multiply(precision: Precision, ...[out, a, b, options]: Parameters<Kernels['matmul']>): void {
  const { m, n, k, transA = false, transB = false, accumulate = false, bias = null } = options;
  const { activation, slope } = options;
  const O = f32(out);
  const A = inPrecision(precision, f32(a));
  const B = inPrecision(precision, f32(b));
  const first = bias ? f32(bias) : null;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) O[i * n + j] = (accumulate ? O[i * n + j] : 0) + (first ? first[j] : 0);
  }
  const add = m < 4 ? addProduct : addProductInTiles;
  add(
    O,
    { array: A, rowStep: transA ? 1 : k, colStep: transA ? m : 1 }, // op(a) [m, k]
    { array: B, rowStep: transB ? 1 : n, colStep: transB ? k : 1 }, // op(b) [k, n]
    m,
    n,
    k,
  );
  if (activation) {
    if (activation.pre) f32(activation.pre).set(O.subarray(0, m * n));
    const { f } = curveOf(activation.kind);
    for (let i = 0; i < m * n; i++) O[i] = f(O[i]);
  }
  if (slope) {
    const X = f32(slope.x);
    const { derivative } = curveOf(slope.kind);
    for (let i = 0; i < m * n; i++) O[i] *= derivative(X[i]);
  }
}

/** The definition: O[i, j] += sum over p of a[i, p] * b[p, j]. For a few rows it is also the faster way. */
function addProduct(O: Float32Array, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  const A = a.array;
  const B = b.array;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += A[i * a.rowStep + p * a.colStep] * B[p * b.rowStep + j * b.colStep];
      O[i * n + j] += sum;
    }
  }
}

/** Number of terms summed at a time, so that the copies below stay in the processor's cache. */
const BLOCK = 256;

/**
 * The same sums for 4 x 4 results at a time, so that each loaded number is used four times. For each block of
 * p, both inputs are copied into strips of four rows of a, or four columns of b. This handles transposition
 * and odd sizes in one place.
 */
function addProductInTiles(O: Float32Array, a: Matrix, b: Matrix, m: number, n: number, k: number): void {
  const stripA = new Float64Array(4 * BLOCK);
  const stripsB = new Float64Array(Math.ceil(n / 4) * 4 * BLOCK);
  const tile = new Float64Array(16);
  for (let p = 0; p < k; p += BLOCK) {
    const depth = Math.min(BLOCK, k - p);
    for (let j = 0; j < n; j += 4) {
      const corner = p * b.rowStep + j * b.colStep;
      copyStrip(stripsB, j * depth, b.array, corner, b.colStep, b.rowStep, Math.min(4, n - j), depth);
    }
    for (let i = 0; i < m; i += 4) {
      const rows = Math.min(4, m - i);
      copyStrip(stripA, 0, a.array, i * a.rowStep + p * a.colStep, a.rowStep, a.colStep, rows, depth);
      for (let j = 0; j < n; j += 4) {
        const cols = Math.min(4, n - j);
        product4x4(tile, stripA, stripsB, j * depth, depth);
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < cols; c++) O[(i + r) * n + j + c] += tile[4 * r + c];
        }
      }
    }
  }
}

/** strip[4 * p + lane] = x[from + lane * laneStep + p * step], and 0 for lanes beyond `lanes`. */
function copyStrip(
  strip: Float64Array,
  at: number,
  x: Float32Array,
  from: number,
  laneStep: number,
  step: number,
  lanes: number,
  depth: number,
): void {
  for (let lane = 0; lane < 4; lane++) {
    for (let p = 0; p < depth; p++) {
      strip[at + 4 * p + lane] = lane < lanes ? x[from + lane * laneStep + p * step] : 0;
    }
  }
}

/** tile[4r + c] = sum over p of a[4p + r] * b[at + 4p + c]: sixteen sums side by side. */
function product4x4(tile: Float64Array, a: Float64Array, b: Float64Array, at: number, depth: number): void {
  let [c00, c01, c02, c03] = [0, 0, 0, 0];
  let [c10, c11, c12, c13] = [0, 0, 0, 0];
  let [c20, c21, c22, c23] = [0, 0, 0, 0];
  let [c30, c31, c32, c33] = [0, 0, 0, 0];
  for (let p = 0; p < 4 * depth; p += 4) {
    const b0 = b[at + p];
    const b1 = b[at + p + 1];
    const b2 = b[at + p + 2];
    const b3 = b[at + p + 3];
    const a0 = a[p];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[p + 1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = a[p + 2];
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = a[p + 3];
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
  }
  tile.set([c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23, c30, c31, c32, c33]);
}
