// Causal self-attention, fused (Dao et al. 2022): the scores of 16 queries at a time, never more. The backward computes
// probabilities and dropout masks again, from lse and the counter. Read next: attention-tile.h, philox.h.
//
// A head is one unit of work. Its rows are first packed into the thread's working memory, padded with zeros to whole
// vectors (`width` columns); keys are handled in blocks of 64, transposed, so that a score is a sum over rows. Products
// are of `Number`s (number.h); what is summed, and the softmax, are floats.
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

/**
 * Brings what is read and written for the head that this thread probably takes next closer while it computes: a few at a time, for a core
 * waits for only a few dozen lines at once, and stops when there are more.
 */
struct Ahead {
  Rows rows[8];
  Index count;  // of `rows`; 0: there is no next head
  Index T, columns;
  Index done = 0;

  /** The share of one of `calls` calls. */
  void fetch(Index calls) {
    const Index share = (count * T + calls - 1) / calls, end = done + share < count * T ? done + share : count * T;
    for (; done < end; done++) {
      const Rows& from = rows[done % count];
      const float* row = from.data + done / count * from.stride;
      for (Index i = 0; i < columns + 15; i += 16) prefetchFar(row + i);
    }
  }
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
 * Turns the products of a query with the keys into exp(scale * product - highest), 0 up to the next whole vector. They lie
 * in runs of 64 that begin `stride` apart.
 */
Softmax softmaxRow(float* s, Index keys, Index stride, float scale) {
  const Vec factor = splat(scale);
  Vec highest = splat(-__builtin_inff()), sum = zero();
  for (Index j = 0; j < keys; j += BLOCK) {
    const float* run = s + j / BLOCK * stride;
    eachVector(keys - j < BLOCK ? keys - j : BLOCK, [&](Index i, auto lanes) {
      highest = max(highest, select(lanes, mul(load(run + i), factor), highest));
    });
  }
  const float top = reduceMax(highest);
  for (Index j = 0; j < keys; j += BLOCK) {
    float* run = s + j / BLOCK * stride;
    eachVector(keys - j < BLOCK ? keys - j : BLOCK, [&](Index i, auto lanes) {
      const Vec e = select(lanes, exp(sub(mul(load(run + i), factor), splat(top))), zero());
      sum = add(sum, e);
      store(run + i, e);
    });
  }
  return {top, reduceAdd(sum)};
}

/** The forward of one head: queries at positions start .. start + T, keys and values at 0 .. start + T. */
template <class Number>
struct HeadForward {
  Index T, start, hs;
  float scale;
  Rows q, k, v;
  float* out;  // [T], stride outStride
  Index outStride;
  float* lse;  // [T], may be null
  HeadDropout dropout;
  Ahead ahead;

  Index width() const { return roundUp(hs, LANES); }
  Index scratch() const {
    const Index keys = roundUp(start + T, BLOCK), rows = roundUp(T, TILE);
    return keys * hs + keys * width() + rows * width() + TILE * keys + TILE * width() + keys + BLOCK + 96;
  }

  void run(float* memory) const {
    const Index keys = start + T, blocks = (keys + BLOCK - 1) / BLOCK, w = width();
    Arena arena{memory};
    const Index size = elementsOf<Number>(hs);
    float* keysT = arena.take(blocks * size * BLOCK);  // [blocks][size, 64]
    float* values = arena.take(keys * w);
    float* queries = arena.take(roundUp(T, TILE) * w);
    float* scores = arena.take(blocks * TILE * BLOCK);  // [blocks][16, 64]
    float* result = arena.take(TILE * w);
    float* keep = arena.take((blocks + 1) * BLOCK);

    for (Index b = 0; b < blocks; b++) {
      const Index rows = keys - b * BLOCK < BLOCK ? keys - b * BLOCK : BLOCK;
      packTransposed<Number>(keysT + b * size * BLOCK, BLOCK, k.data + b * BLOCK * k.stride, k.stride, rows, hs);
    }
    packAcross<Number>(values, w, v.data, v.stride, keys, hs);
    packAlong<Number>(queries, w, q.data, q.stride, T, hs);

    Ahead next = ahead;
    for (Index t = 0; t < T; t += TILE) {
      const Index visible = start + t + TILE < keys ? start + t + TILE : keys;  // by the last query of the tile
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index vectors = visible - j < BLOCK ? (visible - j + LANES - 1) / LANES : BLOCK_VECTORS;
        multiplyTile<Number, false>(scores + j * TILE, BLOCK, queries + t * w, w, keysT + j * size, BLOCK, vectors,
                                    size, false);
      }
      float inverse[TILE];
      const Index rows = T - t < TILE ? T - t : TILE;
      for (Index i = 0; i < rows; i++) {
        inverse[i] = probabilities(scores + i * BLOCK, t + i, visible, keep);
        next.fetch(T);
      }
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index n = visible - j < BLOCK ? visible - j : BLOCK;
        multiplyTile<Number, false>(result, w, scores + j * TILE, BLOCK, values + elementsOf<Number>(j) * w, w,
                                    w / LANES, elementsOf<Number>(n), j > 0);
      }
      for (Index i = 0; i < rows; i++) {
        eachVector(hs, [&](Index c, auto lanes) {
          store(out + (t + i) * outStride + c, mul(load(result + i * w + c), splat(inverse[i])), lanes);
        });
      }
    }
  }

  /** Query t's products become unnormalised probabilities, dropped or kept; returns 1 / their sum before dropout. */
  float probabilities(float* s, Index t, Index visible, float* keep) const {
    const Index keys = start + t + 1;
    const Softmax softmax = softmaxRow(s, keys, TILE * BLOCK, scale);
    if (lse) lse[t] = softmax.highest + __builtin_logf(softmax.sum);
    if (dropout.rule) {
      const Index groups = (keys + BLOCK - 1) / BLOCK;
      const float* factors = dropout.factors(keep, t, 0, groups);
      for (Index j = 0; j < keys; j += LANES) {
        float* p = s + j / BLOCK * TILE * BLOCK + j % BLOCK;
        store(p, mul(load(p), load(factors + j)));
      }
    }
    for (Index j = Number::ROUNDS ? 0 : roundUp(keys, LANES); j < visible; j += LANES * Number::TERMS) {
      float* run = s + j / BLOCK * TILE * BLOCK;
      store(run + j % BLOCK / Number::TERMS, Number::along(run + j % BLOCK, keys - j));  // 0 from `keys` on
    }
    return 1 / softmax.sum;
  }
};

/** The backward of one head. */
template <class Number>
struct HeadBackward {
  Index T, hs;
  float scale;
  Rows q, k, v, dOut, out;
  const float* lse;
  float *dq, *dk, *dv;  // [T], stride q.stride
  HeadDropout dropout;
  Ahead ahead;

  Index width() const { return roundUp(hs, LANES); }
  Index scratch() const {
    const Index rows = roundUp(T, BLOCK), w = width();
    return 6 * rows * w + 2 * BLOCK * hs + 2 * rows * BLOCK + BLOCK * w + 3 * TILE * BLOCK + 2 * BLOCK + rows + 256;
  }

  void run(float* memory) const {
    const Index rows = roundUp(T, BLOCK), w = width(), size = elementsOf<Number>(hs);
    Arena arena{memory};
    // As left operands, then as right operands, where the sum is over rows. Single floats are the same for both.
    constexpr bool shared = Number::TERMS == 1;
    float* queries = arena.take(rows * w);
    float* dOuts = arena.take(rows * w);
    float* keysR = arena.take(rows * w);
    float* queriesR = shared ? queries : arena.take(rows * w);
    float* dOutsR = shared ? dOuts : arena.take(rows * w);
    float* dQueries = arena.take(rows * w);
    float* keysT = arena.take(hs * BLOCK);  // [size, 64]
    float* valuesT = arena.take(hs * BLOCK);
    float* p = arena.take(rows * BLOCK);  // [elementsOf(rows), 64]: probabilities of the block's keys, after dropout
    float* dScores = arena.take(rows * BLOCK);  // [elementsOf(rows), 64]
    float* tile = arena.take(3 * TILE * BLOCK);
    float* result = arena.take(BLOCK * w);
    float* keep = arena.take(2 * BLOCK);
    float* dots = arena.take(rows);

    packAlong<Number>(queries, w, q.data, q.stride, T, hs);
    packAlong<Number>(dOuts, w, dOut.data, dOut.stride, T, hs);
    packAcross<Number>(keysR, w, k.data, k.stride, T, hs);
    if (!shared) packAcross<Number>(queriesR, w, q.data, q.stride, T, hs);
    if (!shared) packAcross<Number>(dOutsR, w, dOut.data, dOut.stride, T, hs);
    for (Index t = 0; t < T; t++) dots[t] = dot(dOut.data + t * dOut.stride, out.data + t * out.stride);

    Ahead next = ahead;
    const Index blocks = rows / BLOCK, calls = T * blocks - BLOCK * (blocks * (blocks - 1) / 2);
    for (Index j = 0; j < T; j += BLOCK) {
      const Index n = T - j < BLOCK ? T - j : BLOCK;  // keys in this block
      packTransposed<Number>(keysT, BLOCK, k.data + j * k.stride, k.stride, n, hs);
      packTransposed<Number>(valuesT, BLOCK, v.data + j * v.stride, v.stride, n, hs);
      for (Index t = j; t < T; t += TILE) {
        const Index visible = t + TILE - j < BLOCK ? t + TILE - j : BLOCK, vectors = (visible + LANES - 1) / LANES;
        float *pT = p + t / Number::TERMS * BLOCK, *dsT = dScores + t / Number::TERMS * BLOCK;
        // Rounded from a tile of floats to where they stay; `ds` are the rows, for dq.
        float *ps = Number::ROUNDS ? tile : pT, *ds = Number::ROUNDS ? tile + TILE * BLOCK : dsT;
        multiplyTile<Number, false>(ps, BLOCK, queries + t * w, w, keysT, BLOCK, vectors, size, false);
        multiplyTile<Number, false>(ds, BLOCK, dOuts + t * w, w, valuesT, BLOCK, vectors, size, false);
        const Index here = T - t < TILE ? T - t : TILE;
        for (Index i = 0; i < here; i++) {
          scoreGradients(ps + i * BLOCK, ds + i * BLOCK, t + i, j, vectors, lse[t + i], dots[t + i], keep);
          next.fetch(calls);
        }
        if (Number::ROUNDS) {
          float* rounded = tile + 2 * TILE * BLOCK;
          packAcross<Number>(pT, BLOCK, ps, BLOCK, here, vectors * LANES);
          packAcross<Number>(dsT, BLOCK, ds, BLOCK, here, vectors * LANES);
          packAlong<Number>(rounded, BLOCK, ds, BLOCK, here, vectors * LANES);
          ds = rounded;
        }
        const Index seen = visible < n ? visible : n;
        multiplyTile<Number, false>(dQueries + t * w, w, ds, BLOCK, keysR + elementsOf<Number>(j) * w, w, w / LANES,
                                    elementsOf<Number>(seen), j > 0);
      }
      sumOverQueries(result, p, dOutsR, j, n);
      copyRows(dv + j * v.stride, v.stride, result, w, n, hs, 1);
      sumOverQueries(result, dScores, queriesR, j, n);
      copyRows(dk + j * k.stride, k.stride, result, w, n, hs, scale);
    }
    copyRows(dq, q.stride, dQueries, w, T, hs, scale);
  }

  /** result[n, w] = the sum over queries of weights[query, key] * rows[query, w], for the n keys from j on. */
  void sumOverQueries(float* result, const float* weights, const float* rows, Index j, Index n) const {
    const Index w = width();
    for (Index i = 0; i < n; i += TILE) {  // queries from j + i on see these keys
      const Index from = (j + i) / Number::TERMS;
      multiplyTile<Number, true>(result + i * w, w, weights + from * BLOCK + i, BLOCK, rows + from * w, w, w / LANES,
                                 elementsOf<Number>(T - j - i), false);
    }
  }

  float dot(const float* a, const float* b) const {
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(a + i, lanes), load(b + i, lanes), sum); });
    return reduceAdd(sum);
  }

  /**
   * For query t and the keys from j on: p from products to probabilities after dropout, dp from the gradients of those to
   * the gradients of the scores, probability * (dp - dot), where dot = sum of probability * dp = dOut . out.
   */
  void scoreGradients(float* p, float* dp, Index t, Index j, Index vectors, float lse, float dot, float* keep) const {
    const float* factors = dropout.rule ? dropout.factors(keep, t, j, 1) : nullptr;
    for (Index i = 0; i < vectors * LANES; i += LANES) {
      const Vec probability =
          select(firstLanes(t + 1 - j - i), exp(sub(mul(load(p + i), splat(scale)), splat(lse))), zero());
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
    store(s + j, mul(sumEach(sum), splat(scale)));
  }
  for (; j < n; j++) {
    const float* key = keys.data + j * keys.stride;
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(q + i, lanes), load(key + i, lanes), sum); });
    s[j] = scale * reduceAdd(sum);
  }
}

/** VECTORS vectors of columns of `weightedSum`, the last one masked. */
template <Index VECTORS>
INKHORN_INLINE void weightedColumns(float* out, const float* p, Rows values, Index n, Mask last, float factor) {
  constexpr Index CHAINS = 4;  // sums to a column: they hide the latency of the additions
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

/** out = the sum over j < n of p[j] * values[j], times factor. Up to three vectors of columns at once: rows are read in order. */
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

constexpr Index FEW = 4;  // so few new tokens are attended one by one: packing all keys for them would not pay

template <class Number>
void forwardOfHeads(Team& team, float* out, float* lse, const float* qkv, const AttentionShape& shape,
                    const Dropout& dropout) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const KeepRule rule = keepRule(dropout);
  forBlocks(team, shape.B * shape.H, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H, next = head + team.threads();
    const float* q = qkv + b * T * row + h * hs;
    const float* nextQ = qkv + next / shape.H * T * row + next % shape.H * hs;
    const HeadForward<Number> forward{.T = T,
                                      .start = 0,
                                      .hs = hs,
                                      .scale = shape.scale,
                                      .q = {q, row},
                                      .k = {q + C, row},
                                      .v = {q + 2 * C, row},
                                      .out = out + b * T * C + h * hs,
                                      .outStride = C,
                                      .lse = lse + head * T,
                                      .dropout = headDropout(shape, dropout, rule, head),
                                      .ahead = {.rows = {{nextQ, row},
                                                         {nextQ + C, row},
                                                         {nextQ + 2 * C, row},
                                                         {out + next / shape.H * T * C + next % shape.H * hs, C}},
                                                .count = next < shape.B * shape.H ? 4 : 0,
                                                .T = T,
                                                .columns = hs}};
    forward.run(team.scratch(thread, 0, forward.scratch()));
  });
}

template <class Number>
void backwardOfHeads(Team& team, float* dqkv, const float* dOut, const float* out, const float* lse, const float* qkv,
                     const AttentionShape& shape, const Dropout& dropout) {
  const Index T = shape.T, hs = shape.hs, C = shape.H * hs, row = 3 * C;
  const KeepRule rule = keepRule(dropout);
  forBlocks(team, shape.B * shape.H, [&](Index head, int thread) {
    const Index b = head / shape.H, h = head % shape.H, next = head + team.threads();
    const Index nextHead = next / shape.H * T * C + next % shape.H * hs;
    const float* q = qkv + b * T * row + h * hs;
    const float* nextQ = qkv + next / shape.H * T * row + next % shape.H * hs;
    float* dq = dqkv + b * T * row + h * hs;
    const float* nextDq = dqkv + (nextQ - qkv);
    const HeadBackward<Number> backward{.T = T,
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
                                        .dropout = headDropout(shape, dropout, rule, head),
                                        .ahead = {.rows = {{nextQ, row},
                                                           {nextQ + C, row},
                                                           {nextQ + 2 * C, row},
                                                           {dOut + nextHead, C},
                                                           {out + nextHead, C},
                                                           {nextDq, row},
                                                           {nextDq + C, row},
                                                           {nextDq + 2 * C, row}},
                                                  .count = next < shape.B * shape.H ? 8 : 0,
                                                  .T = T,
                                                  .columns = hs}};
    backward.run(team.scratch(thread, 0, backward.scratch()));
  });
}

}  // namespace

void attention(Team& team, float* out, float* lse, const float* qkv, const AttentionShape& shape,
               const Dropout& dropout) {
  if (!shape.bf16) return forwardOfHeads<Float32>(team, out, lse, qkv, shape, dropout);
#if defined(INKHORN_AVX512)
  if (PairedBf16::supported()) return forwardOfHeads<PairedBf16>(team, out, lse, qkv, shape, dropout);
#endif
  forwardOfHeads<RoundedBf16>(team, out, lse, qkv, shape, dropout);
}

void attentionBackward(Team& team, float* dqkv, const float* dOut, const float* out, const float* lse, const float* qkv,
                       const AttentionShape& shape, const Dropout& dropout) {
  if (!shape.bf16) return backwardOfHeads<Float32>(team, dqkv, dOut, out, lse, qkv, shape, dropout);
#if defined(INKHORN_AVX512)
  if (PairedBf16::supported()) return backwardOfHeads<PairedBf16>(team, dqkv, dOut, out, lse, qkv, shape, dropout);
#endif
  backwardOfHeads<RoundedBf16>(team, dqkv, dOut, out, lse, qkv, shape, dropout);
}

void attentionCached(Team& team, float* out, float* keys, float* values, const float* qkv, const AttentionShape& shape,
                     Position start, Index capacity) {
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
      const HeadForward<Float32> forward{.T = T,
                                         .start = start,
                                         .hs = hs,
                                         .scale = shape.scale,
                                         .q = {q, row},
                                         .k = k,
                                         .v = v,
                                         .out = to,
                                         .outStride = C,
                                         .lse = nullptr,
                                         .dropout = {},
                                         .ahead = {}};
      return forward.run(team.scratch(thread, 0, forward.scratch()));
    }
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
