// Causal self-attention, fused (Dao et al. 2022): the scores of 16 queries at a time, never more. The backward computes
// probabilities and dropout masks again, from lse and the counter. Read next: attention-tile.h, philox.h.
//
// A head is one unit of work. Its rows are first packed into the thread's working memory, padded with zeros to whole
// vectors (`width` columns); keys are handled in blocks of 64, transposed, so that a score is a sum over rows.
#include "../parallel.h"
#include "attention-tile.h"
#include "philox.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index BLOCK = 64;  // keys to a block
constexpr Index BLOCK_VECTORS = BLOCK / LANES;
static_assert(BLOCK % TILE == 0 && BLOCK % KEEP_GROUP == 0);

/** Hands out aligned pieces of a thread's working memory. */
struct Arena {
  float* at;
  float* take(Index floats) {
    float* piece = at;
    at += roundUp(floats, 16);
    return piece;
  }
};

/** Where one head's rows begin, and how far apart they lie. */
struct Rows {
  const float* data;
  Index stride;
};

/** The dropout factors of the probabilities of one head. Null `rule`: no dropout. */
struct HeadDropout {
  const KeepRule* rule;
  uint64_t first;  // element number of query 0, key 0
  Index stride;    // from query to query

  /** Factors of query t, keys from `key` (a multiple of 64) on, `groups` groups of 64; `room` holds one group more. */
  const float* factors(float* room, Index t, Index key, Index groups) const {
    const uint64_t element = first + uint64_t(t * stride + key);
    const Index shift = Index(element % KEEP_GROUP);
    keepFactors(room, *rule, element / KEEP_GROUP, shift ? groups + 1 : groups);
    return room + shift;
  }
};

HeadDropout headDropout(const AttentionShape& shape, const Dropout& dropout, const KeepRule& rule, Index head) {
  const Index stride = roundUp(shape.T, KEEP_GROUP);
  return {dropout.p > 0 ? &rule : nullptr, dropout.offset + uint64_t(head * shape.T * stride), stride};
}

struct Softmax {
  float highest, sum;
};

/**
 * Turns the scores of a query into exp(score - highest), 0 up to the next whole vector. They lie in runs of 64 that
 * begin `stride` apart.
 */
Softmax softmaxRow(float* s, Index keys, Index stride) {
  Vec highest = splat(-__builtin_inff()), sum = zero();
  for (Index j = 0; j < keys; j += BLOCK) {
    const float* run = s + j / BLOCK * stride;
    eachVector(keys - j < BLOCK ? keys - j : BLOCK,
               [&](Index i, auto lanes) { highest = max(highest, select(lanes, load(run + i), highest)); });
  }
  const float top = reduceMax(highest);
  for (Index j = 0; j < keys; j += BLOCK) {
    float* run = s + j / BLOCK * stride;
    eachVector(keys - j < BLOCK ? keys - j : BLOCK, [&](Index i, auto lanes) {
      const Vec e = select(lanes, exp(sub(load(run + i), splat(top))), zero());
      sum = add(sum, e);
      store(run + i, e);
    });
  }
  return {top, reduceAdd(sum)};
}

/** The forward of one head: queries at positions start .. start + T, keys and values at 0 .. start + T. */
struct HeadForward {
  Index T, start, hs;
  float scale;
  Rows q, k, v;
  float* out;  // [T], stride outStride
  Index outStride;
  float* lse;  // [T], may be null
  HeadDropout dropout;

  Index width() const { return roundUp(hs, LANES); }
  Index scratch() const {
    const Index keys = roundUp(start + T, BLOCK), rows = roundUp(T, TILE);
    return keys * hs + keys * width() + rows * width() + TILE * keys + TILE * width() + keys + BLOCK + 96;
  }

  void run(float* memory) const {
    const Index keys = start + T, blocks = (keys + BLOCK - 1) / BLOCK, w = width();
    Arena arena{memory};
    float* keysT = arena.take(blocks * hs * BLOCK);  // [blocks][hs, 64]
    float* values = arena.take(keys * w);
    float* queries = arena.take(roundUp(T, TILE) * w);
    float* scores = arena.take(blocks * TILE * BLOCK);  // [blocks][16, 64]
    float* result = arena.take(TILE * w);
    float* keep = arena.take((blocks + 1) * BLOCK);

    for (Index b = 0; b < blocks; b++) {
      const Index rows = keys - b * BLOCK < BLOCK ? keys - b * BLOCK : BLOCK;
      packTransposed(keysT + b * hs * BLOCK, BLOCK, k.data + b * BLOCK * k.stride, k.stride, rows, hs);
    }
    packRows(values, w, v.data, v.stride, keys, hs, 1);
    packRows(queries, w, q.data, q.stride, T, hs, scale);

    for (Index t = 0; t < T; t += TILE) {
      const Index visible = start + t + TILE < keys ? start + t + TILE : keys;  // by the last query of the tile
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index vectors = visible - j < BLOCK ? (visible - j + LANES - 1) / LANES : BLOCK_VECTORS;
        multiplyTile<false>(scores + j * TILE, BLOCK, queries + t * w, w, keysT + j * hs, BLOCK, vectors, hs, false);
      }
      float inverse[TILE];
      const Index rows = T - t < TILE ? T - t : TILE;
      for (Index i = 0; i < rows; i++) inverse[i] = probabilities(scores + i * BLOCK, t + i, visible, keep);
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index n = visible - j < BLOCK ? visible - j : BLOCK;
        multiplyTile<false>(result, w, scores + j * TILE, BLOCK, values + j * w, w, w / LANES, n, j > 0);
      }
      for (Index i = 0; i < rows; i++) {
        eachVector(hs, [&](Index c, auto lanes) {
          store(out + (t + i) * outStride + c, mul(load(result + i * w + c), splat(inverse[i])), lanes);
        });
      }
    }
  }

  /** Query t's scores become unnormalised probabilities, dropped or kept; returns 1 / their sum before dropout. */
  float probabilities(float* s, Index t, Index visible, float* keep) const {
    const Index keys = start + t + 1;
    const Softmax softmax = softmaxRow(s, keys, TILE * BLOCK);
    if (lse) lse[t] = softmax.highest + __builtin_logf(softmax.sum);
    for (Index j = roundUp(keys, LANES); j < visible; j += LANES) {
      store(s + j / BLOCK * TILE * BLOCK + j % BLOCK, zero());
    }
    if (dropout.rule) {
      const Index groups = (keys + BLOCK - 1) / BLOCK;
      const float* factors = dropout.factors(keep, t, 0, groups);
      for (Index j = 0; j < keys; j += LANES) {
        float* p = s + j / BLOCK * TILE * BLOCK + j % BLOCK;
        store(p, mul(load(p), load(factors + j)));
      }
    }
    return 1 / softmax.sum;
  }
};

/** The backward of one head. */
struct HeadBackward {
  Index T, hs;
  float scale;
  Rows q, k, v, dOut, out;
  const float* lse;
  float *dq, *dk, *dv;  // [T], stride q.stride
  HeadDropout dropout;

  Index width() const { return roundUp(hs, LANES); }
  Index scratch() const {
    const Index rows = roundUp(T, BLOCK), w = width();
    return 4 * rows * w + 2 * BLOCK * hs + 2 * rows * BLOCK + BLOCK * w + 2 * BLOCK + rows + 176;
  }

  void run(float* memory) const {
    const Index rows = roundUp(T, BLOCK), w = width();
    Arena arena{memory};
    float* queries = arena.take(rows * w);  // times scale
    float* keys = arena.take(rows * w);
    float* dOuts = arena.take(rows * w);
    float* dQueries = arena.take(rows * w);
    float* keysT = arena.take(hs * BLOCK);  // [hs, 64]
    float* valuesT = arena.take(hs * BLOCK);
    float* p = arena.take(rows * BLOCK);        // [rows, 64]: probabilities of the block's keys, after dropout
    float* dScores = arena.take(rows * BLOCK);  // [rows, 64]
    float* result = arena.take(BLOCK * w);
    float* keep = arena.take(2 * BLOCK);
    float* dots = arena.take(rows);

    packRows(queries, w, q.data, q.stride, T, hs, scale);
    packRows(keys, w, k.data, k.stride, T, hs, 1);
    packRows(dOuts, w, dOut.data, dOut.stride, T, hs, 1);
    for (Index t = 0; t < T; t++) dots[t] = dot(dOut.data + t * dOut.stride, out.data + t * out.stride);

    for (Index j = 0; j < T; j += BLOCK) {
      const Index n = T - j < BLOCK ? T - j : BLOCK;  // keys in this block
      packTransposed(keysT, BLOCK, k.data + j * k.stride, k.stride, n, hs);
      packTransposed(valuesT, BLOCK, v.data + j * v.stride, v.stride, n, hs);
      for (Index t = j; t < T; t += TILE) {
        const Index visible = t + TILE - j < BLOCK ? t + TILE - j : BLOCK, vectors = (visible + LANES - 1) / LANES;
        float *ps = p + t * BLOCK, *ds = dScores + t * BLOCK;
        multiplyTile<false>(ps, BLOCK, queries + t * w, w, keysT, BLOCK, vectors, hs, false);
        multiplyTile<false>(ds, BLOCK, dOuts + t * w, w, valuesT, BLOCK, vectors, hs, false);
        for (Index i = t; i < t + TILE && i < T; i++) {
          scoreGradients(p + i * BLOCK, dScores + i * BLOCK, i, j, vectors, lse[i], dots[i], keep);
        }
        const Index seen = visible < n ? visible : n;
        multiplyTile<false>(dQueries + t * w, w, ds, BLOCK, keys + j * w, w, w / LANES, seen, j > 0);
      }
      for (Index i = 0; i < n; i += TILE) {  // queries from j + i on see these keys
        const Index from = j + i;
        multiplyTile<true>(result + i * w, w, p + from * BLOCK + i, BLOCK, dOuts + from * w, w, w / LANES, T - from,
                           false);
      }
      copyRows(dv + j * v.stride, v.stride, result, w, n, hs, 1);
      for (Index i = 0; i < n; i += TILE) {
        const Index from = j + i;
        multiplyTile<true>(result + i * w, w, dScores + from * BLOCK + i, BLOCK, queries + from * w, w, w / LANES,
                           T - from, false);
      }
      copyRows(dk + j * k.stride, k.stride, result, w, n, hs, 1);
    }
    copyRows(dq, q.stride, dQueries, w, T, hs, scale);
  }

  float dot(const float* a, const float* b) const {
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(a + i, lanes), load(b + i, lanes), sum); });
    return reduceAdd(sum);
  }

  /**
   * For query t and the keys from j on: p from scores to probabilities after dropout, dp from the gradients of those to
   * the gradients of the scores, probability * (dp - dot), where dot = sum of probability * dp = dOut . out.
   */
  void scoreGradients(float* p, float* dp, Index t, Index j, Index vectors, float lse, float dot, float* keep) const {
    const float* factors = dropout.rule ? dropout.factors(keep, t, j, 1) : nullptr;
    for (Index i = 0; i < vectors * LANES; i += LANES) {
      const Vec probability = select(firstLanes(t + 1 - j - i), exp(sub(load(p + i), splat(lse))), zero());
      const Vec factor = factors ? load(factors + i) : splat(1);
      store(p + i, mul(probability, factor));
      store(dp + i, mul(probability, sub(mul(load(dp + i), factor), splat(dot))));
    }
  }
};

/** s[j] = scale * (q . keys[j]) for j < n; `s` has room for whole vectors. */
void scoreRow(float* s, const float* q, Rows keys, Index n, Index hs, float scale) {
  Index j = 0;
  for (; j + LANES <= n; j += LANES) {  // as many keys as lanes, so that the sums over lanes are one transposition
    const float* key = keys.data + j * keys.stride;
    Vec sum[LANES];
#pragma GCC unroll 16
    for (Index r = 0; r < LANES; r++) sum[r] = zero();
    eachVector(hs, [&](Index i, auto lanes) {
      const Vec x = load(q + i, lanes);
#pragma GCC unroll 16
      for (Index r = 0; r < LANES; r++) sum[r] = fma(x, load(key + r * keys.stride + i, lanes), sum[r]);
    });
    transpose(sum);
#pragma GCC unroll 4
    for (Index half = LANES / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (Index r = 0; r < half; r++) sum[r] = add(sum[r], sum[r + half]);
    }
    store(s + j, mul(sum[0], splat(scale)));
  }
  for (; j < n; j++) {
    const float* key = keys.data + j * keys.stride;
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(q + i, lanes), load(key + i, lanes), sum); });
    s[j] = scale * reduceAdd(sum);
  }
}

/** out = the sum over j < n of p[j] * values[j], times factor. Four sums at once hide the latency of the additions. */
void weightedSum(float* out, const float* p, Rows values, Index n, Index hs, float factor) {
  eachVector(hs, [&](Index i, auto lanes) {
    Vec sum[4] = {zero(), zero(), zero(), zero()};
    const float* value = values.data + i;
    Index j = 0;
    for (; j + 4 <= n; j += 4, value += 4 * values.stride) {
#pragma GCC unroll 4
      for (Index r = 0; r < 4; r++) sum[r] = fma(splat(p[j + r]), load(value + r * values.stride, lanes), sum[r]);
    }
    for (; j < n; j++, value += values.stride) sum[0] = fma(splat(p[j]), load(value, lanes), sum[0]);
    store(out + i, mul(add(add(sum[0], sum[1]), add(sum[2], sum[3])), splat(factor)), lanes);
  });
}

constexpr Index FEW = 4;  // so few new tokens are attended one by one: packing all keys for them would not pay

}  // namespace

void attention(Team& team, float* out, float* lse, const float* qkv, const AttentionShape& shape,
               const Dropout& dropout) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const KeepRule rule = keepRule(dropout);
  forBlocks(team, shape.B * shape.H, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H;
    const float* q = qkv + b * T * row + h * hs;
    const HeadForward forward{.T = T,
                              .start = 0,
                              .hs = hs,
                              .scale = shape.scale,
                              .q = {q, row},
                              .k = {q + C, row},
                              .v = {q + 2 * C, row},
                              .out = out + b * T * C + h * hs,
                              .outStride = C,
                              .lse = lse + head * T,
                              .dropout = headDropout(shape, dropout, rule, head)};
    forward.run(team.scratch(thread, 0, forward.scratch()));
  });
}

void attentionBackward(Team& team, float* dqkv, const float* dOut, const float* out, const float* lse, const float* qkv,
                       const AttentionShape& shape, const Dropout& dropout) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const KeepRule rule = keepRule(dropout);
  forBlocks(team, shape.B * shape.H, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H;
    const float* q = qkv + b * T * row + h * hs;
    float* dq = dqkv + b * T * row + h * hs;
    const HeadBackward backward{.T = T,
                                .hs = hs,
                                .scale = shape.scale,
                                .q = {q, row},
                                .k = {q + C, row},
                                .v = {q + 2 * C, row},
                                .dOut = {dOut + b * T * C + h * hs, C},
                                .out = {out + b * T * C + h * hs, C},
                                .lse = lse + head * T,
                                .dq = dq,
                                .dk = dq + C,
                                .dv = dq + 2 * C,
                                .dropout = headDropout(shape, dropout, rule, head)};
    backward.run(team.scratch(thread, 0, backward.scratch()));
  });
}

void attentionCached(Team& team, float* out, float* keys, float* values, const float* qkv, const AttentionShape& shape,
                     Index start, Index capacity) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const Index work = 2 * shape.B * C * T * (start + T);
  forBlocks(team, shape.B * shape.H, work, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H;
    const float* q = qkv + b * T * row + h * hs;
    float* to = out + b * T * C + h * hs;
    const Rows k{keys + head * capacity * hs, hs}, v{values + head * capacity * hs, hs};
    copyRows(keys + (head * capacity + start) * hs, hs, q + C, row, T, hs, 1);
    copyRows(values + (head * capacity + start) * hs, hs, q + 2 * C, row, T, hs, 1);
    if (T > FEW) {
      const HeadForward forward{.T = T,
                                .start = start,
                                .hs = hs,
                                .scale = shape.scale,
                                .q = {q, row},
                                .k = k,
                                .v = v,
                                .out = to,
                                .outStride = C,
                                .lse = nullptr,
                                .dropout = {}};
      return forward.run(team.scratch(thread, 0, forward.scratch()));
    }
    float* s = team.scratch(thread, 0, roundUp(start + T, BLOCK));
    for (Index t = 0; t < T; t++) {
      const Index n = start + t + 1;
      scoreRow(s, q + t * row, k, n, hs, shape.scale);
      weightedSum(to + t * C, s, v, n, hs, 1 / softmaxRow(s, n, BLOCK).sum);
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
      const Vec inverse = splat(1 / softmaxRow(s, t + 1, BLOCK).sum);
      eachVector(t + 1, [&](Index i, auto lanes) { store(to + i, mul(load(s + i), inverse), lanes); });
      eachVector(T - t - 1, [&](Index i, auto lanes) { store(to + t + 1 + i, zero(), lanes); });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
