// Causal self-attention, row by row: each token looks at itself and at what came before, and mixes their values.
// With this file and matmul.ts you have seen everything that a GPT computes. Read next: rope.ts, crossentropy.ts.
import type { AttentionShape, Dropout, Kernels, Precision } from '../contract.ts';
import { inPrecision, rounding } from './bf16.ts';
import { f32 } from './buffer.ts';
import { dropoutMask } from './dropout.ts';

/**
 * Per sequence b, head h and token t, with q, k, v rows of hs columns out of qkv [B, T, 3, H, hs]:
 *   score[s] = scale * (q[t] . k[s])                  for s <= t: the future is not looked at
 *   p        = softmax(score)                         lse[b, h, t] = log sum exp(score) is kept for the backward
 *   out[t]   = sum over s of mask[s] * p[s] * v[s]    mask: dropout, 1 where there is none
 * With `bf16` q, k, v are rounded, and mask[s] * e[s], where e = exp(score - the largest score), p = e / sum of e.
 */
function forward(
  precision: Precision,
  ...[out, lse, qkv, shape, dropout]: Parameters<Kernels['attention']>
): void {
  const { B, T, H, hs, scale } = shape;
  const O = f32(out, 'attention: out', B * T * H * hs);
  const L = f32(lse, 'attention: lse', B * H * T);
  const X = inPrecision(precision, f32(qkv, 'attention: qkv', B * T * 3 * H * hs));
  const round = rounding(precision);
  const step = 3 * H * hs; // from one token to the next in qkv
  const p = new Float64Array(T);
  const mask = new Float64Array(T).fill(1);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(b, h, shape);
      for (let t = 0; t < T; t++) {
        scores(p, X, q + t * step, X, k, step, t + 1, hs, scale);
        const { largest, sum } = numerators(p, t + 1);
        L[(b * H + h) * T + t] = largest + Math.log(sum);
        if (dropout) maskOfRow(mask, b, h, t, shape, dropout);
        for (let s = 0; s <= t; s++) p[s] = round(mask[s] * p[s]) / sum;
        mix(O, ((b * T + t) * H + h) * hs, p, X, v, step, t + 1, hs);
      }
    }
  }
}

/**
 * The same backwards. With p and mask computed again, and D[t] = dOut[t] . out[t]:
 *   dv[s]    = sum over t of mask[s] * p[s] * dOut[t]
 *   dp[s]    = mask[s] * (dOut[t] . v[s])
 *   dscore[s] = p[s] * (dp[s] - D[t])                 the softmax: D[t] is the sum over s of p[s] * dp[s]
 *   dq[t]    = scale * sum over s of dscore[s] * k[s]
 *   dk[s]    = scale * sum over t of dscore[s] * q[t]
 * With `bf16` q, k, v, mask[s] * p[s], dscore[s] are rounded, and dOut but for D.
 */
function backward(
  precision: Precision,
  ...[dqkv, dOut, out, lse, qkv, shape, dropout]: Parameters<Kernels['attentionBackward']>
): void {
  const { B, T, H, hs, scale } = shape;
  const dX = f32(dqkv, 'attentionBackward: dqkv', B * T * 3 * H * hs);
  const dO = f32(dOut, 'attentionBackward: dOut', B * T * H * hs);
  const O = f32(out, 'attentionBackward: out', B * T * H * hs);
  const L = f32(lse, 'attentionBackward: lse', B * H * T);
  const X = inPrecision(precision, f32(qkv, 'attentionBackward: qkv', B * T * 3 * H * hs));
  const dR = inPrecision(precision, dO);
  const round = rounding(precision);
  const step = 3 * H * hs;
  const p = new Float64Array(T);
  const mask = new Float64Array(T).fill(1);
  dX.fill(0, 0, B * T * step);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(b, h, shape);
      for (let t = 0; t < T; t++) {
        const row = ((b * T + t) * H + h) * hs; // of out and dOut
        const qt = q + t * step;
        const D = dot(dO, row, O, row, hs);
        scores(p, X, qt, X, k, step, t + 1, hs, scale);
        if (dropout) maskOfRow(mask, b, h, t, shape, dropout);
        for (let s = 0; s <= t; s++) {
          const ks = k + s * step;
          const vs = v + s * step;
          const ps = Math.exp(p[s] - L[(b * H + h) * T + t]);
          const dp = mask[s] * dot(dR, row, X, vs, hs);
          const dscore = scale * round(ps * (dp - D));
          const kept = round(mask[s] * ps);
          for (let c = 0; c < hs; c++) {
            dX[vs + c] += kept * dR[row + c];
            dX[qt + c] += dscore * X[ks + c];
            dX[ks + c] += dscore * X[qt + c];
          }
        }
      }
    }
  }
}

/** Attention with its products in `precision`. */
export function attentionIn(precision: Precision): Pick<Kernels, 'attention' | 'attentionBackward'> {
  return {
    attention: (...args) => forward(precision, ...args),
    attentionBackward: (...args) => backward(precision, ...args),
  };
}

/**
 * Attention of T new tokens at positions start, start + 1, ... to themselves and all before. Their keys and values are first
 * written into keys, values [B, H, capacity, hs], which hold those of positions 0 .. start - 1 already.
 */
export const attentionCached: Kernels['attentionCached'] = (out, keys, values, qkv, shape) => {
  const { B, T, H, hs, scale, start, capacity } = shape;
  const O = f32(out, 'attentionCached: out', B * T * H * hs);
  const K = f32(keys, 'attentionCached: keys', B * H * capacity * hs);
  const V = f32(values, 'attentionCached: values', B * H * capacity * hs);
  const X = f32(qkv, 'attentionCached: qkv', B * T * 3 * H * hs);
  if (start + T > capacity) {
    throw new Error(
      `attentionCached: ${T} tokens from position ${start} on do not fit a cache of ${capacity}`,
    );
  }
  const step = 3 * H * hs;
  const p = new Float64Array(capacity);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k, v } = heads(b, h, shape);
      const cache = (b * H + h) * capacity * hs;
      for (let t = 0; t < T; t++) {
        K.set(X.subarray(k + t * step, k + t * step + hs), cache + (start + t) * hs);
        V.set(X.subarray(v + t * step, v + t * step + hs), cache + (start + t) * hs);
        const seen = start + t + 1;
        scores(p, X, q + t * step, K, cache, hs, seen, hs, scale);
        softmax(p, seen);
        mix(O, ((b * T + t) * H + h) * hs, p, V, cache, hs, seen, hs);
      }
    }
  }
};

/** probs [B, H, T, T]: p of every row, 0 for the future; no dropout. */
export const attentionProbabilities: Kernels['attentionProbabilities'] = (probs, qkv, shape) => {
  const { B, T, H, hs, scale } = shape;
  const P = f32(probs, 'attentionProbabilities: probs', B * H * T * T);
  const X = f32(qkv, 'attentionProbabilities: qkv', B * T * 3 * H * hs);
  const step = 3 * H * hs;
  const p = new Float64Array(T);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const { q, k } = heads(b, h, shape);
      for (let t = 0; t < T; t++) {
        p.fill(0);
        scores(p, X, q + t * step, X, k, step, t + 1, hs, scale);
        softmax(p, t + 1);
        P.set(p, ((b * H + h) * T + t) * T);
      }
    }
  }
};

/** Where in qkv [B, T, 3, H, hs] the q, k and v of the first token of sequence b, head h begin. */
function heads(b: number, h: number, { T, H, hs }: AttentionShape): { q: number; k: number; v: number } {
  const q = (b * T * 3 * H + h) * hs;
  return { q, k: q + H * hs, v: q + 2 * H * hs };
}

/** p[s] = scale * (query . key[s]) for s < count; key s is at k + s * step of K. */
function scores(
  p: Float64Array,
  X: Float32Array,
  query: number,
  K: Float32Array,
  k: number,
  step: number,
  count: number,
  hs: number,
  scale: number,
): void {
  for (let s = 0; s < count; s++) p[s] = scale * dot(X, query, K, k + s * step, hs);
}

/** p = softmax(p) over the first `count`. */
function softmax(p: Float64Array, count: number): void {
  const { sum } = numerators(p, count);
  for (let s = 0; s < count; s++) p[s] /= sum;
}

/** p = exp(p - largest) over the first `count`, and their sum. The largest is taken out, so nothing overflows. */
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

/** O[at + c] = sum over s < count of p[s] * V[v + s * step + c]. */
function mix(
  O: Float32Array,
  at: number,
  p: Float64Array,
  V: Float32Array,
  v: number,
  step: number,
  count: number,
  hs: number,
): void {
  for (let c = 0; c < hs; c++) {
    let sum = 0;
    for (let s = 0; s < count; s++) sum += p[s] * V[v + s * step + c];
    O[at + c] = sum;
  }
}

/** mask[s] for s <= t: probability (b, h, t, s) is element offset + ((b H + h) T + t) ceil64(T) + s of the dropout. */
function maskOfRow(
  mask: Float64Array,
  b: number,
  h: number,
  t: number,
  { T, H }: AttentionShape,
  dropout: Dropout,
): void {
  const row = (b * H + h) * T + t;
  dropoutMask(mask, dropout.offset + row * Math.ceil(T / 64) * 64, t + 1, dropout);
}

function dot(a: Float32Array, at: number, b: Float32Array, bt: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[at + i] * b[bt + i];
  return sum;
}
