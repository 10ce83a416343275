// Attention of a few queries, one at a time, for generation; and the probabilities, which the fused kernels
// never store.
#include "attention.h"

namespace inkhorn::INKHORN_ISA {

namespace {

/** s[j] = scale * (q . keys[j]) for j < n. `s` has room for whole vectors. */
void scoreRow(float* s, const float* q, Rows keys, Index n, Index hs, float scale) {
  Index j = 0;
  for (; j + LANES <= n; j += LANES) {  // LANES keys: one transposition sums over the lanes
    const float* key = keys.data + j * keys.stride;
    Vec sum[LANES];
#pragma GCC unroll 16
    for (Index r = 0; r < LANES; r++) sum[r] = zero();
    eachVector(hs, [&](Index i, auto lanes) {
      const Vec x = load(q + i, lanes);
#pragma GCC unroll 16
      for (Index r = 0; r < LANES; r++) sum[r] = fma(x, load(key + r * keys.stride + i, lanes), sum[r]);
    });
    store(s + j, mul(sumEach(sum), splat(scale)));
  }
  for (; j < n; j++) {
    const float* key = keys.data + j * keys.stride;
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(q + i, lanes), load(key + i, lanes), sum); });
    s[j] = scale * reduceAdd(sum);
  }
}

/** Columns of `weightedSum` in VECTORS vectors, of which the last is masked. */
template <Index VECTORS>
INKHORN_INLINE void weightedColumns(float* out, const float* p, Rows values, Index n, Mask last, float factor) {
  constexpr Index CHAINS = 4;  // sums per column, enough to hide the latency of the additions
  Vec sum[VECTORS][CHAINS];
#pragma GCC unroll 3
  for (Index v = 0; v < VECTORS; v++) sum[v][0] = sum[v][1] = sum[v][2] = sum[v][3] = zero();
  const float* value = values.data;
  const auto row = [&](Index j, Index chain) {
    const Vec x = splat(p[j]);
#pragma GCC unroll 3
    for (Index v = 0; v < VECTORS; v++) {
      const Vec columns = v + 1 < VECTORS ? load(value + v * LANES) : load(value + v * LANES, last);
      sum[v][chain] = fma(x, columns, sum[v][chain]);
    }
    value += values.stride;
  };
  Index j = 0;
  for (; j + CHAINS <= n; j += CHAINS) {
#pragma GCC unroll 4
    for (Index chain = 0; chain < CHAINS; chain++) row(j + chain, chain);
  }
  for (; j < n; j++) row(j, 0);
#pragma GCC unroll 3
  for (Index v = 0; v < VECTORS; v++) {
    const Vec total = mul(add(add(sum[v][0], sum[v][1]), add(sum[v][2], sum[v][3])), splat(factor));
    v + 1 < VECTORS ? store(out + v * LANES, total) : store(out + v * LANES, total, last);
  }
}

/**
 * out = the sum over j < n of p[j] * values[j], times factor. Up to three vectors of columns at once, so that
 * rows are read in order.
 */
void weightedSum(float* out, const float* p, Rows values, Index n, Index hs, float factor) {
  for (Index i = 0; i < hs; i += WIDEST * LANES) {
    const Index vectors = (hs - i + LANES - 1) / LANES;
    const Rows from{values.data + i, values.stride};
    switch (vectors) {
      case 1: weightedColumns<1>(out + i, p, from, n, firstLanes(hs - i), factor); break;
      case 2: weightedColumns<2>(out + i, p, from, n, firstLanes(hs - i - LANES), factor); break;
      default: weightedColumns<3>(out + i, p, from, n, firstLanes(hs - i - 2 * LANES), factor); break;
    }
  }
}

}  // namespace

void attentionCached(Team& team, float* out, float* keys, float* values, const float* qkv, const int32_t* starts,
                     const AttentionShape& shape, Position first, Index capacity) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const auto startOf = [&](Index b) { return first + (starts != nullptr ? Index(starts[b]) : 0); };
  Work work = 0;
  for (Index b = 0; b < shape.B; b++) work += Work{2} * C * T * (startOf(b) + T);
  forBlocks(team, shape.B * shape.H, work, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H, start = startOf(b);
    const float* q = qkv + b * T * row + h * hs;
    float* to = out + b * T * C + h * hs;
    if (start < 0 || start + T > capacity) {  // from `starts`, which nobody has checked
      for (Index t = 0; t < T; t++) {
        eachVector(hs, [&](Index i, auto lanes) { store(to + t * C + i, splat(__builtin_nanf("")), lanes); });
      }
      return;
    }
    const Rows k{keys + head * capacity * hs, hs}, v{values + head * capacity * hs, hs};
    copyRows(keys + (head * capacity + start) * hs, hs, q + C, row, T, hs, 1);
    copyRows(values + (head * capacity + start) * hs, hs, q + 2 * C, row, T, hs, 1);
    if (T >= rowsToPackKeys) return attendTiles(team, thread, to, C, {q, row}, k, v, T, start, hs, shape.scale);
    float* s = team.scratch(thread, 0, roundUp(start + T, BLOCK));
    for (Index t = 0; t < T; t++) {
      const Index n = start + t + 1;
      scoreRow(s, q + t * row, k, n, hs, shape.scale);
      weightedSum(to + t * C, s, v, n, hs, 1 / softmaxRow(s, n, BLOCK, 1).sum);
    }
  });
}

void attentionProbabilities(Team& team, float* probs, const float* qkv, const AttentionShape& shape) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  forBlocks(team, shape.B * shape.H, [&](Index head, int thread) {
    const float* q = qkv + head / shape.H * T * row + head % shape.H * hs;
    float* s = team.scratch(thread, 0, roundUp(T, BLOCK));
    for (Index t = 0; t < T; t++) {
      float* to = probs + (head * T + t) * T;
      scoreRow(s, q + t * row, {q + C, row}, t + 1, hs, shape.scale);
      const Vec inverse = splat(1 / softmaxRow(s, t + 1, BLOCK, 1).sum);
      eachVector(t + 1, [&](Index i, auto lanes) { store(to + i, mul(load(s + i), inverse), lanes); });
      eachVector(T - t - 1, [&](Index i, auto lanes) { store(to + t + 1 + i, zero(), lanes); });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
