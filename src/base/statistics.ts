// Sums, medians and distributions computed on the host. The engines' kernels with the same names are in
// backend/reference/.

/** The arithmetic mean; NaN for an empty list. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The median: for an even number of values the mean of the middle two; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** exp(x) of every x, scaled so that nothing overflows: the numerators of a softmax. */
export interface Exponentials {
  /** exp(x - max) */
  weights: Float64Array;
  /** Their sum: weights / sum is the softmax. */
  sum: number;
  /** log(sum of exp(x)), natural logarithm: x - logSum are log-probabilities. */
  logSum: number;
}

/** The exponentials of `logits` [V], whose largest is `max`. */
export function scaledExp(logits: Float32Array, max: number): Exponentials {
  const weights = new Float64Array(logits.length);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    weights[id] = Math.exp(logits[id] - max);
    sum += weights[id];
  }
  return { weights, sum, logSum: max + Math.log(sum) };
}

// Loops: a callback for each number of a typed array is many times slower, and these are run for every token.

/** Softmax of one row of logits [V]. */
export function softmax(logits: Float32Array): Float32Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]);
  const p = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    p[i] = Math.exp(logits[i] - most);
    sum += p[i];
  }
  for (let i = 0; i < p.length; i++) p[i] /= sum;
  return p;
}

/** Entropy of a distribution, nats: 0 for a certain outcome, ln V for a uniform one. */
export function entropy(probabilities: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}

/** The Kullback-Leibler divergence KL(p || q) of two distributions, nats: 0 when they are equal. */
export function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) if (p[i] > 0) sum += p[i] * Math.log(p[i] / q[i]);
  return Math.max(0, sum); // rounding may leave it a little below 0
}
