// The register tile of attention-tile.h where an instruction multiplies a vector by one lane of another
// (NEON): 4 rows, whose values of a come by the vector.
#pragma once
#include "../parallel.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

/** c[LANES, VECTORS * LANES] = or += a[LANES, k] b[k, ...], as `registerTile` in attention-tile.h. */
template <class Number, int VECTORS, bool TRANSPOSED>
static inline void laneRegisterTile(float* c, Index strideC, const float* a, Index strideA, const float* b,
                                    Index strideB, Index k, bool accumulate) {
  Vec sum[LANES][VECTORS];
#pragma GCC unroll 4
  for (int i = 0; i < LANES; i++) {
#pragma GCC unroll 5
    for (int v = 0; v < VECTORS; v++) sum[i][v] = accumulate ? load(c + i * strideC + v * LANES) : zero();
  }
  Index p = 0;
  for (; p + LANES <= k; p += LANES) {
    Vec x[LANES];
#pragma GCC unroll 4
    for (int r = 0; r < LANES; r++) x[r] = load(TRANSPOSED ? a + (p + r) * strideA : a + r * strideA + p);
#pragma GCC unroll 4
    for (int q = 0; q < LANES; q++, b += strideB) {
#pragma GCC unroll 5
      for (int v = 0; v < VECTORS; v++) {
        const Vec row = load(b + v * LANES);
#pragma GCC unroll 4
        for (int i = 0; i < LANES; i++) {
          sum[i][v] = Number::multiplyAdd(splat(TRANSPOSED ? x[q][i] : x[i][q]), row, sum[i][v]);
        }
      }
    }
  }
  for (; p < k; p++, b += strideB) {
#pragma GCC unroll 5
    for (int v = 0; v < VECTORS; v++) {
      const Vec row = load(b + v * LANES);
#pragma GCC unroll 4
      for (int i = 0; i < LANES; i++) {
        const Vec x = splat(TRANSPOSED ? a[p * strideA + i] : a[i * strideA + p]);
        sum[i][v] = Number::multiplyAdd(x, row, sum[i][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < LANES; i++) {
#pragma GCC unroll 5
    for (int v = 0; v < VECTORS; v++) store(c + i * strideC + v * LANES, sum[i][v]);
  }
}

/** c[rows, vectors * LANES] = or += a[rows, k] b[k, ...], for a multiple of LANES rows. */
template <class Number, bool TRANSPOSED>
static inline void multiplyByLanes(float* c, Index strideC, const float* a, Index strideA, const float* b,
                                   Index strideB, Index rows, Index vectors, Index k, bool accumulate) {
  constexpr Index WIDEST = 5;  // 20 sums, and as much of a and b as the rest of the registers holds
  while (vectors > 0) {
    const Index pieces = ceilDiv(vectors, WIDEST), now = ceilDiv(vectors, pieces);
    for (Index i = 0; i < rows; i += LANES) {
      const auto tile = [&]<int VECTORS>() {
        laneRegisterTile<typename Number::Tiles, VECTORS, TRANSPOSED>(
            c + i * strideC, strideC, TRANSPOSED ? a + i : a + i * strideA, strideA, b, strideB, k, accumulate);
      };
      switch (now) {
        case 1: tile.template operator()<1>(); break;
        case 2: tile.template operator()<2>(); break;
        case 3: tile.template operator()<3>(); break;
        case 4: tile.template operator()<4>(); break;
        case 5: tile.template operator()<5>(); break;
      }
    }
    c += now * LANES;
    b += now * LANES;
    vectors -= now;
  }
}

}  // namespace inkhorn::INKHORN_ISA
