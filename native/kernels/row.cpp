// Products of one row with a packed weight, for generation. The weight is read once, in the order of memory,
// which is what limits the speed. The same sums in the same order as matmul.cpp. Read next: program.h,
// int8-panels.cpp.
#include "../parallel.h"
#include "activation.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

namespace {

/**
 * Packed elements (number.h): for LANES rows of the weight, a vector of the first elements, of the second,
 * ...; then the next LANES rows.
 */
constexpr Index SQUARE = LANES * LANES;

/**
 * Calls body(group) for every group of columns of a weight of `bytes` bytes, in blocks of about 32 KB.
 */
template <class Body>
void forGroups(Team& team, Index groups, Index bytes, Body body) {
  const Index size = bytes < 32768 ? 32768 / bytes : 1;
  const Index work = groups * bytes / 4;  // memory bandwidth decides, so bytes count as work
  forBlocks(team, ceilDiv(groups, size), work, [&](Index block, int) {
    for (Index group = block * size; group < groups && group < (block + 1) * size; group++) body(group);
  });
}

template <class Number>
void packSquares(Team& team, float* packed, const float* weight, Index n, Index k) {
  constexpr Index STEP = LANES * Number::TERMS;
  const Index steps = ceilDiv(k, STEP);
  forBlocks(team, ceilDiv(n, LANES), [&](Index group, int) {
    float* to = packed + group * steps * SQUARE;
    for (Index p = 0; p < k; p += STEP) {
      for (Index r = 0; r < LANES; r++, to += LANES) {
        const Index j = group * LANES + r;
        store(to, j < n ? Number::along(weight + j * k + p, k - p) : zero());
      }
    }
  });
}

template <class Number>
void multiplySquares(Team& team, float* out, const float* a, const float* packed, const float* bias,
                     const MatmulShape& s) {
  constexpr Index STEP = LANES * Number::TERMS;
  const Index size = ceilDiv(s.k, STEP) * SQUARE;
  forGroups(team, ceilDiv(s.n, LANES), size * Index(sizeof(float)), [&](Index group) {
    const float* w = packed + group * size;
    Vec sum[LANES];
#pragma GCC unroll 16
    for (Index c = 0; c < LANES; c++) sum[c] = zero();
    for (Index p = 0; p < s.k; p += STEP, w += SQUARE) {
      const Vec x = Number::along(a + p, s.k - p);
#pragma GCC unroll 16
      for (Index c = 0; c < LANES; c++) sum[c] = Number::multiplyAdd(x, load(w + c * LANES), sum[c]);
    }
    const Index j = group * LANES;
    const Mask lanes = firstLanes(s.n - j);
    Vec result = sumEach(sum);
    if (bias != nullptr) result = add(result, load(bias + j, lanes));
    store(out + j, s.accumulate ? add(result, load(out + j, lanes)) : result, lanes);
    finish(s.epilogue, out, out + j, s.n, j, 1, least(LANES, s.n - j), s.n);
  });
}

}  // namespace

void packRow(Team& team, float* packed, const float* weight, Index n, Index k, Precision precision) {
  withSmallestNumber(precision, [&]<class Number>() { packSquares<Number>(team, packed, weight, n, k); });
}

void matmulRow(Team& team, float* out, const float* a, const float* packed, const float* bias, const MatmulShape& s) {
  withSmallestNumber(s.precision, [&]<class Number>() { multiplySquares<Number>(team, out, a, packed, bias, s); });
}

}  // namespace inkhorn::INKHORN_ISA
