// Small matrix products on a thread's own working memory, for attention.cpp. They compute 16 rows of the
// result at a time; operands are padded so that nothing is masked. matmul.cpp has the large products.
#pragma once
#include "../parallel.h"
#include "attention-lanes.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

constexpr Index TILE = 16;

// A register tile is up to three vectors wide. Its sums, a row of b and one value of a fit in the vector
// registers, and there are enough sums to hide the latency of the additions. Of 16 registers, tiles two
// vectors wide take 6, 5 and 5 of the 16 rows.
constexpr int WIDEST = 3;
constexpr int UNROLL_TERMS = REGISTERS == 16 ? 2 : 1;  // terms of the sum per turn of the loop
constexpr int rowsOf(int vectors) { return (REGISTERS == 32 ? 32 : 16) / (vectors == 1 ? 2 : 4); }

/** One register tile: c[ROWS, VECTORS * LANES] = or += a[ROWS, k] b[k, ...]; k counts elements (number.h). */
template <class Number, int ROWS, int VECTORS, bool TRANSPOSED>
static inline void registerTile(float* c, Index strideC, const float* a, Index strideA, const float* b, Index strideB,
                                Index k, bool accumulate) {
  Vec sum[ROWS][VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) sum[i][v] = accumulate ? load(c + i * strideC + v * LANES) : zero();
  }
#pragma GCC unroll UNROLL_TERMS
  for (Index p = 0; p < k; p++, b += strideB) {
    Vec row[VECTORS];
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) row[v] = load(b + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      const Vec x = splat(TRANSPOSED ? a[p * strideA + i] : a[i * strideA + p]);
#pragma GCC unroll 3
      for (int v = 0; v < VECTORS; v++) sum[i][v] = Number::multiplyAdd(x, row[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) store(c + i * strideC + v * LANES, sum[i][v]);
  }
}

template <class Number, int VECTORS, bool TRANSPOSED>
INKHORN_INLINE void tileRows(float* c, Index strideC, const float* a, Index strideA, const float* b, Index strideB,
                             Index k, bool accumulate) {
  const auto tile = [&]<int ROWS>(Index i) {
    registerTile<typename Number::Tiles, ROWS, VECTORS, TRANSPOSED>(
        c + i * strideC, strideC, TRANSPOSED ? a + i : a + i * strideA, strideA, b, strideB, k, accumulate);
  };
  if constexpr (REGISTERS == 16 && VECTORS == 2) {
    tile.template operator()<6>(0);
    for (Index i = 6; i < TILE; i += 5) tile.template operator()<5>(i);
  } else {
    for (Index i = 0; i < TILE; i += rowsOf(VECTORS)) tile.template operator()<rowsOf(VECTORS)>(i);
  }
}

template <class Number, bool TRANSPOSED>
static inline void multiplyInVectors(float* c, Index strideC, const float* a, Index strideA, const float* b,
                                     Index strideB, Index vectors, Index k, bool accumulate) {
  while (vectors > 0) {
    const Index pieces = (vectors + WIDEST - 1) / WIDEST, now = (vectors + pieces - 1) / pieces;
    switch (now) {
      case 1: tileRows<Number, 1, TRANSPOSED>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
      case 2: tileRows<Number, 2, TRANSPOSED>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
      case 3: tileRows<Number, 3, TRANSPOSED>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
    }
    c += now * LANES;
    b += now * LANES;
    vectors -= now;
  }
}

/** The same by tile registers: 0 to VECTORS - 1 hold the sums, 4 a, 5 b. */
template <class Number, int VECTORS>
static inline void multiplyInTiles(float* c, Index strideC, const float* a, Index strideA, const float* b,
                                   Index strideB, Index k, bool accumulate) {
  const auto each = [](auto step) {
    step.template operator()<0>();
    if constexpr (VECTORS > 1) step.template operator()<1>();
    if constexpr (VECTORS > 2) step.template operator()<2>();
    if constexpr (VECTORS > 3) step.template operator()<3>();
  };
  each([&]<int V>() { accumulate ? Number::template read<V>(c + V * LANES, strideC) : Number::template clear<V>(); });
  for (Index p = 0; p < k; p += Number::STEP, a += Number::STEP, b += Number::STEP * strideB) {
    Number::template read<4>(a, strideA);
    each([&]<int V>() {
      Number::template read<5>(b + V * LANES, strideB);
      Number::template multiply<V, 4, 5>();
    });
  }
  each([&]<int V>() { Number::template write<V>(c + V * LANES, strideC); });
}

/**
 * c[16, vectors * LANES] = a[16, k] b[k, vectors * LANES], or += with `accumulate`. TRANSPOSED: a is stored
 * [k, 16], which tiles (TiledBf16) do not have. Strides are between rows, in floats.
 */
template <class Number, bool TRANSPOSED>
static inline void multiplyTile(float* c, Index strideC, const float* a, Index strideA, const float* b, Index strideB,
                                Index vectors, Index k, bool accumulate) {
  if constexpr (Number::STEP == 1 && MULTIPLIES_BY_LANE) {
    multiplyByLanes<Number, TRANSPOSED>(c, strideC, a, strideA, b, strideB, TILE, vectors, k, accumulate);
  } else if constexpr (Number::STEP == 1) {
    multiplyInVectors<Number, TRANSPOSED>(c, strideC, a, strideA, b, strideB, vectors, k, accumulate);
  } else {
    static_assert(!TRANSPOSED);
    for (; vectors > 0; vectors -= 4, c += 4 * LANES, b += 4 * LANES) {
      switch (vectors) {
        case 1: multiplyInTiles<Number, 1>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
        case 2: multiplyInTiles<Number, 2>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
        case 3: multiplyInTiles<Number, 3>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
        default: multiplyInTiles<Number, 4>(c, strideC, a, strideA, b, strideB, k, accumulate); break;
      }
    }
  }
}

/** to[rows, width] = the rows of from[rows, cols] as elements, with zeros beyond cols. */
template <class Number>
static inline void packAlong(float* to, Index width, const float* from, Index stride, Index rows, Index cols) {
  for (Index r = 0; r < rows; r++, to += width, from += stride) {
    for (Index i = 0; i < cols; i += LANES * Number::TERMS) {
      store(to + i / Number::TERMS, Number::along(from + i, cols - i));
    }
  }
}

/** to[elements, width] = the columns of from[rows, cols] as elements, with zeros beyond rows and cols. */
template <class Number>
static inline void packAcross(float* to, Index width, const float* from, Index stride, Index rows, Index cols,
                              Index elements) {
  for (Index r = 0; r < elements * Number::TERMS; r += Number::TERMS, to += width, from += Number::TERMS * stride) {
    const float* next = r + 1 < rows ? from + stride : nullptr;
    for (Index i = 0; i < cols; i += LANES) {
      const Mask lanes = r < rows ? firstLanes(cols - i) : firstLanes(0);
      store(to + i, Number::across(from + i, next == nullptr ? next : next + i, lanes));
    }
  }
}

/** to[rows, cols] = factor * from[rows, cols]. Writes nothing beyond cols. */
static inline void copyRows(float* to, Index strideTo, const float* from, Index strideFrom, Index rows, Index cols,
                            float factor) {
  for (Index r = 0; r < rows; r++, to += strideTo, from += strideFrom) {
    eachVector(cols, [&](Index i, auto lanes) { store(to + i, mul(load(from + i, lanes), splat(factor)), lanes); });
  }
}

/**
 * to[elementsOf(cols), width] = the transpose of from[rows, cols], rows <= width, with zeros beyond rows.
 */
template <class Number>
static inline void packTransposed(float* to, Index width, const float* from, Index stride, Index rows, Index cols) {
  const Index size = elementsOf<Number>(cols);
  for (Index r = 0; r < width; r += LANES) {
    for (Index e = 0; e < size; e += LANES) {
      const Index i = e * Number::TERMS;
      Vec block[LANES];
#pragma GCC unroll 16
      for (Index q = 0; q < LANES; q++) {
        block[q] = r + q < rows ? Number::along(from + (r + q) * stride + i, cols - i) : zero();
      }
      transpose(block);
#pragma GCC unroll 16
      for (Index q = 0; q < LANES; q++) {
        if (e + q < size) store(to + (e + q) * width + r, block[q]);
      }
    }
  }
}

/**
 * to[width, stride] = the transpose of packAcross's result: in row c, elements whose terms are neighbours in
 * column c of from[rows, cols]. `elements` of them, a multiple of LANES, with zeros beyond rows and cols.
 */
template <class Number>
static inline void packColumns(float* to, Index width, Index elements, const float* from, Index stride, Index rows,
                               Index cols) {
  for (Index c = 0; c < width; c += LANES) {
    for (Index e = 0; e < elements; e += LANES) {
      Vec square[LANES];
      const Index r = e * Number::TERMS;
      for (Index i = 0; i < LANES; i++) square[i] = zero();
      packAcross<Number>(reinterpret_cast<float*>(square), LANES, from + r * stride + c, stride, rows - r,
                         least(cols - c, LANES), LANES);
      transpose(square);
      for (Index i = 0; i < LANES; i++) store(to + (c + i) * elements + e, square[i]);
    }
  }
}

/** to[cols, rows] = factor * the transpose of from[rows, cols], where `from` has whole squares of LANES. */
static inline void copyTransposed(float* to, Index strideTo, const float* from, Index strideFrom, Index rows,
                                  Index cols, float factor) {
  for (Index r = 0; r < rows; r += LANES) {
    for (Index c = 0; c < cols; c += LANES) {
      Vec square[LANES];
      for (Index i = 0; i < LANES; i++) square[i] = mul(load(from + (r + i) * strideFrom + c), splat(factor));
      transpose(square);
      for (Index i = 0; i < least(LANES, cols - c); i++)
        store(to + (c + i) * strideTo + r, square[i], firstLanes(rows - r));
    }
  }
}

}  // namespace inkhorn::INKHORN_ISA
