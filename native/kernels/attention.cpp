// Causal self-attention, fused (Dao et al. 2022): holds the scores of 16 queries at a time. The backward
// computes probabilities and dropout masks again, from lse and the counter. Read next: attention-tile.h,
// philox.h; for a few queries attention-row.cpp.
//
// A unit of work is one head. Its rows are first packed into the thread's working memory, padded with zeros
// to whole vectors (`width` columns). Keys are handled in blocks of 64, transposed, so that a score is a sum
// over rows. Products multiply `Number`s (number.h); sums and the softmax are floats.
#include "attention.h"

#include "../arena.h"
#include "philox.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index BLOCK_VECTORS = BLOCK / LANES;
static_assert(BLOCK % TILE == 0 && BLOCK % KEEP_GROUP == 0);

// Scores become pairs, which also rounds them. Where floats are multiplied, scores stay floats: they never
// leave the cache, and rounding them takes a tenth of attention's time.
template <class Number>
constexpr bool PAIRS = Number::TERMS > 1;

/**
 * Prefetches, during the computation of one head, the memory of the head that this thread will probably take
 * next. Fetches a few rows at a time, since a core can wait for only a few dozen cache lines at once and then
 * stalls.
 */
struct Ahead {
  Rows rows[8];
  Index count;  // of `rows`; 0: there is no next head
  Index T, columns;
  Index at = 0, row = 0;  // what is next: row `row` of rows[at]

  /** How many rows to fetch at a time, in `calls` calls. */
  Index share(Index calls) const { return ceilDiv(count * T, calls); }
  void fetch(Index share) {
    for (; share > 0 && row < T; share--) {
      const float* from = rows[at].data + row * rows[at].stride;
      for (Index i = 0; i < columns + 15; i += 16) prefetchFar(from + i);
      if (++at == count) {
        at = 0;
        row++;
      }
    }
  }
};

/** The dropout factors of the probabilities of one head. Null `rule`: no dropout. */
struct HeadDropout {
  const KeepRule* rule;
  uint64_t first;  // element number of query 0, key 0
  Index stride;    // from query to query

  /**
   * Factors of query t for `groups` groups of 64 keys from `key` (a multiple of 64) on. `room` has space for
   * one more group.
   */
  const float* factors(float* room, Index t, Index key, Index groups) const {
    const uint64_t element = first + uint64_t(t * stride + key);
    const Index shift = Index(element % KEEP_GROUP);
    keepFactors(room, *rule, element / KEEP_GROUP, shift ? groups + 1 : groups);
    return room + shift;
  }
};

HeadDropout headDropout(const AttentionShape& shape, const Dropout& dropout, const KeepRule& rule, Index head) {
  const Index stride = roundUp(shape.T, KEEP_GROUP);
  return {dropout.p > 0 ? &rule : nullptr, dropout.offset + uint64_t(head) * uint64_t(shape.T * stride), stride};
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

  /** Working memory of one head. */
  struct Room {
    float* keysT;    // [blocks][elementsOf(hs), 64]
    float* values;   // [elementsOf(keys), width]
    float* queries;  // [T up to whole tiles, width]
    float* scores;   // [blocks][16, 64]
    float* result;   // [16, width]
    float* keep;     // dropout factors of a row of scores
  };
  Room take(Arena& arena) const {
    const Index blocks = ceilDiv(start + T, BLOCK), w = width();
    return {
        .keysT = arena.take(blocks * elementsOf<Number>(hs) * BLOCK),
        .values = arena.take(elementsOf<Number>(start + T) * w),
        .queries = arena.take(roundUp(T, TILE) * w),
        .scores = arena.take(blocks * TILE * BLOCK),
        .result = arena.take(TILE * w),
        .keep = arena.take(dropout.rule ? (blocks + 1) * BLOCK : 0),
    };
  }

  void run(Team& team, int thread) const {
    [[maybe_unused]] const typename Number::Registers registers{};
    const Room m = scratchPieces(team, thread, 0, [&](Arena& arena) { return take(arena); });
    const Index keys = start + T, blocks = ceilDiv(keys, BLOCK), w = width(), size = elementsOf<Number>(hs);

    for (Index b = 0; b < blocks; b++) {
      const Index rows = keys - b * BLOCK < BLOCK ? keys - b * BLOCK : BLOCK;
      packTransposed<Number>(m.keysT + b * size * BLOCK, BLOCK, k.data + b * BLOCK * k.stride, k.stride, rows, hs);
    }
    packAcross<Number>(m.values, w, v.data, v.stride, keys, hs, elementsOf<Number>(keys));
    packAlong<Number>(m.queries, w, q.data, q.stride, T, hs);

    Ahead next = ahead;
    const Index share = next.share(T);
    for (Index t = 0; t < T; t += TILE) {
      const Index visible = start + t + TILE < keys ? start + t + TILE : keys;  // of the last query
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index vectors = visible - j < BLOCK ? (visible - j + LANES - 1) / LANES : BLOCK_VECTORS;
        multiplyTile<Number, false>(m.scores + j * TILE, BLOCK, m.queries + t * w, w, m.keysT + j * size, BLOCK,
                                    vectors, size, false);
      }
      float inverse[TILE];
      const Index rows = T - t < TILE ? T - t : TILE;
      for (Index i = 0; i < rows; i++) {
        inverse[i] = probabilities(m.scores + i * BLOCK, t + i, visible, m.keep);
        next.fetch(share);
      }
      for (Index j = 0; j < visible; j += BLOCK) {
        const Index n = visible - j < BLOCK ? visible - j : BLOCK;
        multiplyTile<Number, false>(m.result, w, m.scores + j * TILE, BLOCK, m.values + elementsOf<Number>(j) * w, w,
                                    w / LANES, elementsOf<Number>(n), j > 0);
      }
      for (Index i = 0; i < rows; i++) {
        eachVector(hs, [&](Index c, auto lanes) {
          store(out + (t + i) * outStride + c, mul(load(m.result + i * w + c), splat(inverse[i])), lanes);
        });
      }
    }
  }

  /**
   * Turns query t's products into unnormalised probabilities after dropout. Returns 1 / their sum before
   * dropout.
   */
  float probabilities(float* s, Index t, Index visible, float* keep) const {
    const Index keys = start + t + 1;
    const float* factors = dropout.rule ? dropout.factors(keep, t, 0, ceilDiv(keys, BLOCK)) : nullptr;
    const auto row = [&](const auto& finish) { return softmaxRow(s, keys, TILE * BLOCK, scale, finish); };
    const Softmax softmax =
        factors ? row([&](Vec e, Index key) { return mul(e, load(factors + key)); }) : row(Unchanged{});
    if (lse) lse[t] = softmax.highest + __builtin_logf(softmax.sum);
    for (Index j = PAIRS<Number> ? 0 : roundUp(keys, LANES); j < visible; j += LANES * Number::TERMS) {
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

  // Without pairs, left and right operands of a sum over rows have the same form, and one copy serves as
  // both.
  static constexpr bool shared = !PAIRS<Number>;

  // Tiles take the left operand by rows of the result, but scores are stored by queries. So the transposed
  // sums over queries are computed: with the columns of queries and of gradients on the left.
  static constexpr bool transposed = Number::STEP > 1;

  /** Working memory of one head. `rows` is T rounded up to whole blocks. */
  struct Room {
    float *queries, *dOuts;               // [rows, width], left operands
    float *keysR, *queriesR, *dOutsR;     // [elementsOf(rows), width], right operands, or `transposed`
    float* dQueries;                      // [rows, width]
    float *keysT, *valuesT;               // [elementsOf(hs), 64]
    float *p, *dScores;                   // [elementsOf(rows), 64], of a block's keys; p: after dropout
    float *tileP, *tileDs, *tileRounded;  // [16, 64] each, if PAIRS
    float* result;                        // [64, width]
    float* keep;                          // dropout factors of a block
    float* dots;                          // [rows]
  };
  Room take(Arena& arena) const {
    const Index rows = roundUp(T, BLOCK), w = width();
    const Index right = elementsOf<Number>(rows) * w, across = elementsOf<Number>(hs) * BLOCK;
    const Index scores = elementsOf<Number>(rows) * BLOCK, tile = PAIRS<Number> ? TILE * BLOCK : 0;
    Room room{};
    room.queries = arena.take(rows * w);
    room.dOuts = arena.take(rows * w);
    room.keysR = arena.take(right);
    room.queriesR = shared ? room.queries : arena.take(right);
    room.dOutsR = shared ? room.dOuts : arena.take(right);
    room.dQueries = arena.take(rows * w);
    room.keysT = arena.take(across);
    room.valuesT = arena.take(across);
    room.p = arena.take(scores);
    room.dScores = arena.take(scores);
    room.tileP = arena.take(tile);
    room.tileDs = arena.take(tile);
    room.tileRounded = arena.take(tile);
    room.result = arena.take(BLOCK * w);
    room.keep = arena.take(dropout.rule ? 2 * BLOCK : 0);
    room.dots = arena.take(rows);
    return room;
  }

  void run(Team& team, int thread) const {
    [[maybe_unused]] const typename Number::Registers registers{};
    const Room m = scratchPieces(team, thread, 0, [&](Arena& arena) { return take(arena); });
    const Index rows = roundUp(T, BLOCK), w = width(), size = elementsOf<Number>(hs);

    packAlong<Number>(m.queries, w, q.data, q.stride, T, hs);
    packAlong<Number>(m.dOuts, w, dOut.data, dOut.stride, T, hs);
    packAcross<Number>(m.keysR, w, k.data, k.stride, T, hs, elementsOf<Number>(T));
    if constexpr (transposed) {
      packColumns<Number>(m.queriesR, w, elementsOf<Number>(rows), q.data, q.stride, T, hs);
      packColumns<Number>(m.dOutsR, w, elementsOf<Number>(rows), dOut.data, dOut.stride, T, hs);
    } else if (!shared) {
      packAcross<Number>(m.queriesR, w, q.data, q.stride, T, hs, elementsOf<Number>(T));
      packAcross<Number>(m.dOutsR, w, dOut.data, dOut.stride, T, hs, elementsOf<Number>(T));
    }
    for (Index t = 0; t < T; t++) m.dots[t] = dot(dOut.data + t * dOut.stride, out.data + t * out.stride);

    Ahead next = ahead;
    const Index blocks = rows / BLOCK, share = next.share(T * blocks - BLOCK * (blocks * (blocks - 1) / 2));
    for (Index j = 0; j < T; j += BLOCK) {
      const Index n = T - j < BLOCK ? T - j : BLOCK;  // keys in this block
      packTransposed<Number>(m.keysT, BLOCK, k.data + j * k.stride, k.stride, n, hs);
      packTransposed<Number>(m.valuesT, BLOCK, v.data + j * v.stride, v.stride, n, hs);
      for (Index t = j; t < T; t += TILE) {
        const Index visible = t + TILE - j < BLOCK ? t + TILE - j : BLOCK, vectors = (visible + LANES - 1) / LANES;
        float *pT = m.p + t / Number::TERMS * BLOCK, *dsT = m.dScores + t / Number::TERMS * BLOCK;
        // Turns a tile of floats into pairs in p and dScores, and the rows of scores for dq into `ds`.
        float *ps = PAIRS<Number> ? m.tileP : pT, *ds = PAIRS<Number> ? m.tileDs : dsT;
        multiplyTile<Number, false>(ps, BLOCK, m.queries + t * w, w, m.keysT, BLOCK, vectors, size, false);
        multiplyTile<Number, false>(ds, BLOCK, m.dOuts + t * w, w, m.valuesT, BLOCK, vectors, size, false);
        const Index here = T - t < TILE ? T - t : TILE;
        for (Index i = 0; i < here; i++) {
          scoreGradients(ps + i * BLOCK, ds + i * BLOCK, t + i, j, vectors, lse[t + i], m.dots[t + i], m.keep);
          for (Index v = vectors; v < BLOCK_VECTORS && transposed; v++) {
            store(ps + i * BLOCK + v * LANES, zero());
            store(ds + i * BLOCK + v * LANES, zero());
          }
          next.fetch(share);
        }
        if (PAIRS<Number>) {
          const Index end = t + TILE < T ? TILE / Number::TERMS : elementsOf<Number>(T) - t / Number::TERMS;
          const Index cols = transposed ? BLOCK : vectors * LANES;
          packAcross<Number>(pT, BLOCK, ps, BLOCK, here, cols, end);
          packAcross<Number>(dsT, BLOCK, ds, BLOCK, here, cols, end);
          packAlong<Number>(m.tileRounded, BLOCK, ds, BLOCK, here, vectors * LANES);
          ds = m.tileRounded;
        }
        const Index seen = visible < n ? visible : n;
        multiplyTile<Number, false>(m.dQueries + t * w, w, ds, BLOCK, m.keysR + elementsOf<Number>(j) * w, w, w / LANES,
                                    elementsOf<Number>(seen), j > 0);
      }
      sumOverQueries(dv + j * v.stride, v.stride, m.p, m.dOutsR, m.result, j, n, 1);
      sumOverQueries(dk + j * k.stride, k.stride, m.dScores, m.queriesR, m.result, j, n, scale);
    }
    copyRows(dq, q.stride, m.dQueries, w, T, hs, scale);
  }

  /**
   * to[n, hs] = factor * the sum over queries of weights[query, key] * rows[query, hs], for the n keys from j
   * on. `result` is working memory.
   */
  void sumOverQueries(float* to, Index stride, const float* weights, const float* rows, float* result, Index j, Index n,
                      float factor) const {
    const Index w = width();
    if constexpr (transposed) {
      const Index from = j / Number::TERMS, columns = elementsOf<Number>(roundUp(T, BLOCK));
      for (Index c = 0; c < w; c += TILE) {
        multiplyTile<Number, false>(result + c * BLOCK, BLOCK, rows + c * columns + from, columns,
                                    weights + from * BLOCK, BLOCK, BLOCK_VECTORS, elementsOf<Number>(T - j), false);
      }
      copyTransposed(to, stride, result, BLOCK, hs, n, factor);
    } else {
      for (Index i = 0; i < n; i += TILE) {  // queries from j + i on see these keys
        const Index from = (j + i) / Number::TERMS;
        multiplyTile<Number, true>(result + i * w, w, weights + from * BLOCK + i, BLOCK, rows + from * w, w, w / LANES,
                                   elementsOf<Number>(T - j - i), false);
      }
      copyRows(to, stride, result, w, n, hs, factor);
    }
  }

  float dot(const float* a, const float* b) const {
    Vec sum = zero();
    eachVector(hs, [&](Index i, auto lanes) { sum = fma(load(a + i, lanes), load(b + i, lanes), sum); });
    return reduceAdd(sum);
  }

  /**
   * For query t and the keys from j on. p: from products to probabilities after dropout. dp: from their
   * gradients to the gradients of the scores, probability * (dp - dot), where dot = sum of probability * dp =
   * dOut . out.
   */
  void scoreGradients(float* p, float* dp, Index t, Index j, Index vectors, float lse, float dot, float* keep) const {
    const float* factors = dropout.rule ? dropout.factors(keep, t, j, 1) : nullptr;
    const Index all = vectors * LANES, seen = least(t + 1 - j, all);
    const auto row = [&](const auto& factorOf) {
      eachVector(seen, [&](Index i, auto lanes) {
        const Vec probability = select(lanes, exp(fma(load(p + i), splat(scale), splat(-lse))), zero());
        const Vec factor = factorOf(i);
        store(p + i, mul(probability, factor));
        store(dp + i, mul(probability, fma(load(dp + i), factor, splat(-dot))));
      });
    };
    factors ? row([&](Index i) { return load(factors + i); }) : row([](Index) { return splat(1); });
    for (Index i = roundUp(seen, LANES); i < all; i += LANES) {
      store(p + i, zero());
      store(dp + i, zero());
    }
  }
};

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
    forward.run(team, thread);
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
    backward.run(team, thread);
  });
}

}  // namespace

void attention(Team& team, float* out, float* lse, const float* qkv, const AttentionShape& shape,
               const Dropout& dropout) {
  withNumber(shape.precision, [&]<class Number>() { forwardOfHeads<Number>(team, out, lse, qkv, shape, dropout); });
}

void attentionBackward(Team& team, float* dqkv, const float* dOut, const float* out, const float* lse, const float* qkv,
                       const AttentionShape& shape, const Dropout& dropout) {
  withNumber(shape.precision,
             [&]<class Number>() { backwardOfHeads<Number>(team, dqkv, dOut, out, lse, qkv, shape, dropout); });
}

void attendTiles(Team& team, int thread, float* out, Index outStride, Rows q, Rows k, Rows v, Index T, Index start,
                 Index hs, float scale) {
  const HeadForward<Float32> forward{.T = T,
                                     .start = start,
                                     .hs = hs,
                                     .scale = scale,
                                     .q = q,
                                     .k = k,
                                     .v = v,
                                     .out = out,
                                     .outStride = outStride,
                                     .lse = nullptr,
                                     .dropout = {},
                                     .ahead = {}};
  forward.run(team, thread);
}

}  // namespace inkhorn::INKHORN_ISA
