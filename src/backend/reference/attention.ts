// Causal self-attention, row by row: each token attends to itself and to earlier tokens, and mixes their
// values. With this file and matmul.ts you have seen everything that a GPT computes. Read next: rope.ts,
// crossentropy.ts.
import { type AttentionShape, type Dropout, type Kernels, maskRow, type Precision } from '../contract.ts';
import { f32 } from './buffer.ts';
import { dropoutMask } from './dropout.ts';
import { inPrecision, rounding } from './precision.ts';
import { startsOf } from './starts.ts';

/**
 * Per sequence b, head h and token t, with q, k, v rows of hs columns out of qkv [B, T, 3, H, hs]:
 *   score[s] = scale * (q[t] . k[s])                  for s <= t: the future is masked
 *   p        = softmax(score)                         lse[b, h, t] = log sum exp(score), for the backward
 *   out[t]   = sum over s of mask[s] * p[s] * v[s]    mask: dropout, 1 where there is none
 * `bf16` rounds q, k, v and mask[s] * e[s], where e = exp(score - the largest score) and p = e / sum of e.
 */
function forward(
  precision: Precision,
  ...[out, lse, qkv, shape, dropout]: Parameters<Kernels['attention']>
): void {
  const { B, T, H, hs, scale } = shape;
  const X = inPrecision(precision, f32(qkv));
  const L = f32(lse);
  const round = rounding(precision);
  const p = new Float64Array(T);
  const mask = new Float64Array(T).fill(1);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(X, shape, b, h);
      const o = rows(f32(out), b * T * H + h, H, T, hs);
      for (let t = 0; t < T; t++) {
        // 1. How well each key fits the query; the future is masked.
        for (let s = 0; s <= t; s++) p[s] = scale * dot(q[t], k[s]);
        // 2. The softmax, without its division.
        const { largest, sum } = numerators(p, t + 1);
        L[(b * H + h) * T + t] = largest + Math.log(sum);
        // 3. Dropout, and the division.
        if (dropout) maskOfRow(mask, b, h, t, shape, dropout);
        for (let s = 0; s <= t; s++) p[s] = round(mask[s] * p[s]) / sum;
        // 4. The weighted sum of the values.
        mix(o[t], p, v, t + 1);
      }
    }
  }
}

/**
 * The backward. With p and mask computed again, and D[t] = dOut[t] . out[t]:
 *   dv[s]    = sum over t of mask[s] * p[s] * dOut[t]
 *   dp[s]    = mask[s] * (dOut[t] . v[s])
 *   dscore[s] = p[s] * (dp[s] - D[t])                 the softmax: D[t] is the sum over s of p[s] * dp[s]
 *   dq[t]    = scale * sum over s of dscore[s] * k[s]
 *   dk[s]    = scale * sum over t of dscore[s] * q[t]
 * `bf16` rounds q, k, v, mask[s] * p[s] and dscore[s], and dOut except in D.
 */
function backward(
  precision: Precision,
  ...[dqkv, dOut, out, lse, qkv, shape, dropout]: Parameters<Kernels['attentionBackward']>
): void {
  const { B, T, H, hs, scale } = shape;
  const X = inPrecision(precision, f32(qkv));
  const rounded = inPrecision(precision, f32(dOut));
  const L = f32(lse);
  const round = rounding(precision);
  const mask = new Float64Array(T).fill(1);
  f32(dqkv).fill(0, 0, B * T * 3 * H * hs);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(X, shape, b, h);
      const { q: dq, k: dk, v: dv } = heads(f32(dqkv), shape, b, h);
      const [o, dO, dR] = [f32(out), f32(dOut), rounded].map((x) => rows(x, b * T * H + h, H, T, hs));
      for (let t = 0; t < T; t++) {
        const D = dot(dO[t], o[t]);
        if (dropout) maskOfRow(mask, b, h, t, shape, dropout);
        for (let s = 0; s <= t; s++) {
          const p = Math.exp(scale * dot(q[t], k[s]) - L[(b * H + h) * T + t]);
          const dp = mask[s] * dot(dR[t], v[s]);
          const dscore = scale * round(p * (dp - D));
          addScaled(dv[s], round(mask[s] * p), dR[t]);
          addScaled(dq[t], dscore, k[s]);
          addScaled(dk[s], dscore, q[t]);
        }
      }
    }
  }
}

/** Attention with products in `precision`. */
export function attentionIn(precision: Precision): Pick<Kernels, 'attention' | 'attentionBackward'> {
  return {
    attention: (...args) => forward(precision, ...args),
    attentionBackward: (...args) => backward(precision, ...args),
  };
}

/**
 * Attention of T new tokens at positions start, start + 1, ... (of sequence b: start + starts[b], ...) to
 * themselves and all earlier tokens. Their
 * keys and values are first written into keys and values [B, H, capacity, hs], which already hold those of
 * positions 0 .. start - 1.
 */
export const attentionCached: Kernels['attentionCached'] = (out, keys, values, qkv, shape, starts) => {
  const { B, T, H, hs, scale, capacity } = shape;
  const p = new Float64Array(capacity);
  const first = startsOf('attentionCached', shape, starts, capacity);
  for (let b = 0; b < B; b++) {
    const start = first[b];
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(f32(qkv), shape, b, h);
      const [K, V] = [keys, values].map((cache) => rows(f32(cache), (b * H + h) * capacity, 1, capacity, hs));
      const o = rows(f32(out), b * T * H + h, H, T, hs);
      for (let t = 0; t < T; t++) {
        K[start + t].set(k[t]);
        V[start + t].set(v[t]);
        const seen = start + t + 1;
        for (let s = 0; s < seen; s++) p[s] = scale * dot(q[t], K[s]);
        softmax(p, seen);
        mix(o[t], p, V, seen);
      }
    }
  }
};

/** probs [B, H, T, T]: p of every row, 0 for the future. No dropout. */
export const attentionProbabilities: Kernels['attentionProbabilities'] = (probs, qkv, shape) => {
  const { B, T, H, scale } = shape;
  const p = new Float64Array(T);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k } = heads(f32(qkv), shape, b, h);
      const P = rows(f32(probs), (b * H + h) * T, 1, T, T);
      for (let t = 0; t < T; t++) {
        p.fill(0);
        for (let s = 0; s <= t; s++) p[s] = scale * dot(q[t], k[s]);
        softmax(p, t + 1);
        P[t].set(p);
      }
    }
  }
};

type Rows = Float32Array[];

/** The queries, keys and values [T, hs] of sequence b and head h, as views into qkv [B, T, 3, H, hs]. */
function heads(
  qkv: Float32Array,
  { T, H, hs }: AttentionShape,
  b: number,
  h: number,
): Record<'q' | 'k' | 'v', Rows> {
  const first = b * T * 3 * H + h;
  const [q, k, v] = [0, 1, 2].map((which) => rows(qkv, first + which * H, 3 * H, T, hs));
  return { q, k, v };
}

/** Views of `count` rows of x [..., cols]: row number `first` and every `step`-th after it. */
function rows(x: Float32Array, first: number, step: number, count: number, cols: number): Rows {
  return Array.from({ length: count }, (_, i) => {
    const at = (first + i * step) * cols;
    return x.subarray(at, at + cols);
  });
}

/** p = softmax(p) over the first `count` elements. */
function softmax(p: Float64Array, count: number): void {
  const { sum } = numerators(p, count);
  for (let s = 0; s < count; s++) p[s] /= sum;
}

/**
 * p = exp(p - largest) over the first `count` elements. Returns their sum. Subtracting the largest avoids
 * overflow.
 */
function numerators(p: Float64Array, count: number): { largest: number; sum: number } {
  let largest = -Infinity;
  for (let s = 0; s < count; s++) largest = Math.max(largest, p[s]);
  let sum = 0;
  for (let s = 0; s < count; s++) {
    p[s] = Math.exp(p[s] - largest);
    sum += p[s];
  }
  return { largest, sum };
}

/** out = sum over s < count of p[s] * v[s]. */
function mix(out: Float32Array, p: Float64Array, v: Rows, count: number): void {
  for (let c = 0; c < out.length; c++) {
    let sum = 0;
    for (let s = 0; s < count; s++) sum += p[s] * v[s][c];
    out[c] = sum;
  }
}

/**
 * mask[s] for s <= t: probability (b, h, t, s) is element offset + ((b H + h) T + t) maskRow(T) + s of the
 * dropout.
 */
function maskOfRow(
  mask: Float64Array,
  b: number,
  h: number,
  t: number,
  { T, H }: AttentionShape,
  dropout: Dropout,
): void {
  const row = (b * H + h) * T + t;
  dropoutMask(mask, dropout.offset + row * maskRow(T), t + 1, dropout);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** out += factor * x. */
function addScaled(out: Float32Array, factor: number, x: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] += factor * x[i];
}
