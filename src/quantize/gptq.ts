// Error-compensating rounding, GPTQ (Frantar et al. 2023): rounding one column of a weight changes the
// layer's output; the columns that are not rounded yet compensate this change. Read next: hessian.ts, where H
// comes from.
import { blank, codeOf, type Rounded, roundToNearest, scaleOf, ZERO } from './int4.ts';

/**
 * The mean change of a layer's output when its weights change by e [rows, cols]: tr(e H e^T), the sum over
 * rows of e H e^T, with H = mean of x^T x over the layer's inputs x [1, cols].
 */
export function outputError(e: ArrayLike<number>, hessian: Float64Array, cols: number): number {
  let total = 0;
  for (let at = 0; at < e.length; at += cols) {
    for (let i = 0; i < cols; i++) {
      let sum = 0;
      for (let j = 0; j < cols; j++) sum += hessian[i * cols + j] * e[at + j];
      total += e[at + i] * sum;
    }
  }
  return total;
}

/**
 * H + damping * mean(diag H) * I: positive definite for any inputs. `damping` as in the paper: 0.01.
 */
export function damped(hessian: Float64Array, cols: number, damping = 0.01): Float64Array {
  let trace = 0;
  for (let i = 0; i < cols; i++) trace += hessian[i * cols + i];
  const share = (damping * trace) / cols || 1; // all inputs are zero: rounds to nearest
  const out = hessian.slice();
  for (let i = 0; i < cols; i++) out[i * cols + i] += share;
  return out;
}

/** H = (I + M) D (I + M)^T, D diagonal and positive, M strictly upper triangular. */
export interface Factors {
  /** [n] */
  D: Float64Array;
  /** M^T [n, n]. Only the part below the diagonal is used: row j is column j of M. */
  transposedM: Float64Array;
}

/**
 * Factors a symmetric positive definite matrix [n, n], last column first. Throws when it is not positive
 * definite. D and M contain what GPTQ takes from the Cholesky factor U of H^-1 = U^T U: I + M is the inverse
 * of U with its rows divided by their diagonal, and D[j] = 1 / U[j, j]^2.
 */
export function factor(matrix: Float64Array, n: number): Factors {
  const A = matrix.slice(); // only the part of each row up to the diagonal is used
  const D = new Float64Array(n);
  for (let j = n - 1; j >= 0; j--) {
    const row = A.subarray(j * n, j * n + j + 1);
    D[j] = row[j];
    if (!(D[j] > 0)) throw new Error(`the matrix is not positive definite: pivot ${j} is ${D[j]}`);
    for (let i = 0; i < j; i++) {
      const f = row[i] / D[j];
      if (f !== 0) for (let l = 0; l <= i; l++) A[i * n + l] -= f * row[l];
    }
    for (let i = 0; i < j; i++) row[i] /= D[j];
  }
  return { D, transposedM: A };
}

/**
 * Quantises w [rows, cols] to four bits in groups so that tr(e H e^T) is small, where e = w - rounded. With H
 * = (I + M) D (I + M)^T it equals
 *
 *     sum over rows r and columns c of D[c] (e[r, c] + sum over i < c of e[r, i] M[i, c])^2.
 *
 * So for each column in turn, the best code of w[r, c] is that of w[r, c] + (the inner sum), which minimises
 * this column's term. This is GPTQ's update of later columns in the form of Chee et al. 2023 (QuIP), who show
 * that both are equal. A group's scale is chosen when its first column is reached, from its columns as
 * corrected so far. A row for which rounding to nearest gives a smaller error is rounded to nearest.
 *
 * `hessian` [cols, cols] must be positive definite: see `damped`.
 */
export function gptq(
  w: Float32Array,
  shape: readonly number[],
  groupSize: number,
  hessian: Float64Array,
): Rounded {
  const [rows, cols] = shape;
  const factors = factor(hessian, cols);
  const nearest = roundToNearest(w, shape, groupSize);
  const rounded = blank(rows, cols, groupSize);
  for (let r = 0; r < rows; r++) {
    const row = w.subarray(r * cols, (r + 1) * cols);
    const error = roundRow(row, r, rows, groupSize, factors, rounded);
    if (error > errorOfRow(row, r, rows, groupSize, factors, nearest))
      copyRow(nearest, rounded, r, rows, cols);
  }
  return rounded;
}

/** Rounds row `r` into `into`. Returns its part of tr(e H e^T). */
function roundRow(
  row: Float32Array,
  r: number,
  rows: number,
  groupSize: number,
  { D, transposedM }: Factors,
  into: Rounded,
): number {
  const cols = row.length;
  const e = new Float64Array(cols);
  let scale = 0;
  let total = 0;
  for (let c = 0; c < cols; c++) {
    if (c % groupSize === 0) {
      const end = Math.min(c + groupSize, cols);
      // As if no later column had an error.
      for (let i = c; i < end; i++) e[i] = -dot(e, transposedM, i * cols, i);
      scale = scaleOf(row.subarray(c, end).map((x, i) => x - e[c + i]));
      into.scale[(c / groupSize) * rows + r] = scale;
    }
    const wanted = row[c] + dot(e, transposedM, c * cols, c);
    const code = codeOf(wanted, scale);
    const value = (code - ZERO) * scale;
    into.codes[r * cols + c] = code;
    e[c] = row[c] - value;
    total += D[c] * (wanted - value) ** 2;
  }
  return total;
}

/** The part of row `r` of `rounded` in tr(e H e^T). */
function errorOfRow(
  row: Float32Array,
  r: number,
  rows: number,
  groupSize: number,
  { D, transposedM }: Factors,
  { codes, scale }: Rounded,
): number {
  const cols = row.length;
  const e = new Float64Array(cols);
  let total = 0;
  for (let c = 0; c < cols; c++) {
    e[c] = row[c] - (codes[r * cols + c] - ZERO) * scale[Math.floor(c / groupSize) * rows + r];
    total += D[c] * (e[c] + dot(e, transposedM, c * cols, c)) ** 2;
  }
  return total;
}

function copyRow(from: Rounded, to: Rounded, r: number, rows: number, cols: number): void {
  to.codes.set(from.codes.subarray(r * cols, (r + 1) * cols), r * cols);
  for (let i = r; i < to.scale.length; i += rows) to.scale[i] = from.scale[i];
}

/** Sum over i < n of e[i] * m[at + i]. */
function dot(e: Float64Array, m: Float64Array, at: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += e[i] * m[at + i];
  return sum;
}
