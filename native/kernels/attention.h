// Shared by the two implementations of attention: many queries in tiles (attention.cpp), a few one at a time
// (attention-row.cpp).
#pragma once
#include "attention-tile.h"

namespace inkhorn::INKHORN_ISA {

constexpr Index BLOCK = 64;  // keys per block

/** The start of one head's rows, and the distance between them. */
struct Rows {
  const float* data;
  Index stride;
};

struct Softmax {
  float highest, sum;
};

struct Unchanged {
  Vec operator()(Vec e, Index) const { return e; }
};

/**
 * Turns the products of a query with the keys into e = exp(scale * product - highest), with zeros up to the
 * next whole vector, and stores finish(e, key). The products are in runs of BLOCK, which begin `stride`
 * apart.
 */
template <class Finish = Unchanged>
static inline Softmax softmaxRow(float* s, Index keys, Index stride, float scale, const Finish& finish = {}) {
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
      const Vec e = select(lanes, exp(fma(load(run + i), factor, splat(-top))), zero());
      sum = add(sum, e);
      store(run + i, finish(e, j + i));
    });
  }
  return {top, reduceAdd(sum)};
}

/**
 * One head's attention in tiles (attention.cpp): out[T, hs], rows `outStride` apart, for queries at positions
 * start .. start + T, keys and values at 0 .. start + T.
 */
void attendTiles(Team& team, int thread, float* out, Index outStride, Rows q, Rows k, Rows v, Index T, Index start,
                 Index hs, float scale);

}  // namespace inkhorn::INKHORN_ISA
