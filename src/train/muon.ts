// Muon (Jordan et al. 2024): momentum that is made orthogonal before it is applied, for the matrices inside
// the blocks. Read next: optimizers.ts, where AdamW updates all other parameters.
import { scope } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';

/**
 * p(s) = a s + b s^3 + c s^5: steep at 0. Five rounds bring every s from 0.002 to 1 into 0.68 .. 1.21.
 */
const [a, b, c] = [3.4445, -4.775, 2.0315];
const ROUNDS = 5;
const EPS = 1e-7;

/**
 * Replaces the matrix x [m, n] by approximately its nearest orthogonal matrix: x = U S V^T becomes U
 * p(p(p(p(p(S / |S|))))) V^T, whose singular values are all near 1 (Newton-Schulz; coefficients of Jordan et
 * al. 2024). In place and on the engine, by products alone: p(X) = a X + (b A + c A A) X with A = X X^T, or
 * from the right with A = X^T X if that is smaller. Singular values below about 0.002 of the Frobenius norm
 * come out smaller; a matrix of zeros stays zero. Throws unless x has two axes.
 */
export function orthogonalize(x: Tensor): void {
  if (x.shape.length !== 2)
    throw new Error(`${x} is not a matrix: Newton-Schulz takes two axes, give this one to AdamW`);
  const [m, n] = x.shape;
  const wide = m <= n;
  const s = Math.min(m, n);
  const k = Math.max(m, n);
  const { backend } = x;
  const { kernels } = backend;
  scope(() => {
    const make = (...shape: number[]): Tensor => empty(shape, 'f32', backend);
    const norm = make(1);
    kernels.sumSquares(norm.buffer, x.buffer, false);
    kernels.normalize(x.buffer, x.buffer, norm.buffer, EPS);
    const [A, P] = [make(s, s), make(s, s)];
    let [from, to] = [x, make(m, n)];
    for (let round = 0; round < ROUNDS; round++) {
      const [X, Y] = [from.buffer, to.buffer];
      const gram = { m: s, n: s, k, transA: !wide, transB: wide, symmetric: true };
      kernels.matmul(A.buffer, X, X, gram); // X X^T or X^T X [s, s]
      kernels.matmul(P.buffer, A.buffer, A.buffer, { m: s, n: s, k: s, symmetric: true });
      kernels.scale(P.buffer, P.buffer, c);
      kernels.axpy(P.buffer, A.buffer, b); // b A + c A A
      kernels.scale(Y, X, a);
      if (wide)
        kernels.matmul(Y, P.buffer, X, { m, n, k: s, accumulate: true }); // a X + P X [m, n]
      else kernels.matmul(Y, X, P.buffer, { m, n, k: s, accumulate: true }); // a X + X P [m, n]
      [from, to] = [to, from];
    }
    if (from !== x) kernels.copy(x.buffer, from.buffer);
  });
}

/** The settings of Muon for one matrix. */
export interface MuonRule {
  /**
   * Number of matrices stacked in its rows, each of which is made orthogonal separately: 3 for queries, keys
   * and values. As one matrix they would share its unit singular values in proportion to their gradients:
   * queries and keys would get 0.4 of their separate updates, values 0.7 (a `shakespeare` model after 100
   * steps).
   */
  parts: number;
  lr: number;
  momentum: number;
  weightDecay: number;
  /** The gradient is multiplied by it first. */
  gradScale: number;
}

/**
 * One update of W [rows, cols]: Nesterov's momentum M of `grad`, then W = W (1 - lr weightDecay) - lr scale
 * O(M), with O as in `orthogonalize`, for each stacked matrix. scale = sqrt(max(1, rows / cols)) of a stacked
 * matrix: Jordan's convention, by which the update of a tall matrix changes outputs as much as that of a
 * square one. `velocity` has W's shape and is kept between updates.
 */
export function muonStep(parameter: Tensor, grad: Tensor, velocity: Tensor, rule: MuonRule): void {
  const { parts, lr, momentum, weightDecay, gradScale } = rule;
  const { backend, shape, buffer } = parameter;
  const { kernels } = backend;
  const [rows, cols] = [shape[0] / parts, shape[1]];
  const factor = Math.sqrt(Math.max(1, rows / cols));
  scope(() => {
    const update = empty(shape, 'f32', backend);
    kernels.nesterov(update.buffer, velocity.buffer, grad.buffer, { momentum, gradScale });
    if (parts === 1) orthogonalize(update);
    for (let part = 0; part < parts && parts > 1; part++) {
      const piece = empty([rows, cols], 'f32', backend);
      const at = part * rows * cols;
      kernels.copy(piece.buffer, update.buffer, 0, at, rows * cols);
      orthogonalize(piece);
      kernels.copy(update.buffer, piece.buffer, at);
    }
    if (weightDecay > 0) kernels.scale(buffer, buffer, 1 - lr * weightDecay);
    kernels.axpy(buffer, update.buffer, -lr * factor);
  });
}
