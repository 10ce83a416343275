// The register tile of numbers that have tile registers (TiledBf16 in simd/avx512.h): four registers of sums.
// Panels of b are those of tile.h; a strip of a is cut into blocks of 16 elements: [blocks][32 rows][16].
#pragma once
#include "tile.h"

namespace inkhorn::INKHORN_ISA {

/** As VectorTile. */
template <class Number>
struct SquareTile {
  static constexpr Index ROWS = 32;
  static constexpr Index STEP = Number::STEP;
  static constexpr Index DEEPEST = 512;
  static constexpr Index BLOCK = ROWS * STEP;  // of a strip

  static bool copies(Index) { return true; }
  static Index strideOfCopy(Index depth) { return depth; }
  static void copy(float* to, Index, const float* from, Index stride, Index rows, Index terms) {
    for (Index i = 0; i < rows; i++, to += STEP, from += stride) {
      float* block = to;
      for (Index p = 0; p < terms; p += STEP * Number::TERMS, block += BLOCK) {
        store(block, Number::along(from + p, terms - p));
      }
    }
  }

  static void pack(float* strips, const float* a, Index m, Index p0, Index p1, Index first, Index depth) {
    for (Index i = 0; i < m; i += LANES) {
      const Mask cols = firstLanes(m - i);
      float* strip = strips + i / ROWS * ROWS * depth + i % ROWS * STEP;
      for (Index e = 0; e < elementsOf<Number>(p1 - p0); e += STEP) {
        Vec square[LANES];
        for (Index r = 0; r < LANES; r++) {
          const Index p = p0 + (e + r) * Number::TERMS;
          const float* row = a + p * m + i;
          square[r] = p < p1 ? Number::across(row, p + 1 < p1 ? row + m : nullptr, cols) : zero();
        }
        transpose(square);
        float* block = strip + (first + e) * ROWS;
        for (Index r = 0; r < LANES; r++) store(block + r * STEP, square[r]);
      }
    }
  }

  template <bool PACKED_A>
  static void run(Index rows, Index cols, TileArgs& t) {
    t.lanes = firstLanes(cols > LANES ? cols - LANES : cols);
    if (cols > LANES) {
      rows > LANES ? squares<2, 2>(rows, t) : squares<1, 2>(rows, t);
    } else {
      rows > LANES ? squares<2, 1>(rows, t) : squares<1, 1>(rows, t);
    }
  }

 private:
  /**
   * HIGH x WIDE tile registers of sums: 2 i + j holds rows 16 i and columns 16 j. 4 and 5 hold a, 6 and 7 b.
   */
  template <int HIGH, int WIDE>
  static void squares(Index rows, const TileArgs& t) {
    Number::template clear<0>();
    if (WIDE > 1) Number::template clear<1>();
    if (HIGH > 1) Number::template clear<2>();
    if (HIGH > 1 && WIDE > 1) Number::template clear<3>();
    const float *a = t.a, *b = t.b;
    const char* ahead = t.ahead;
    constexpr Index WIDTH = WIDE * LANES;
    for (Index p = 0; p < t.k; p += STEP, a += BLOCK, b += STEP * WIDTH) {
      for (Index far = 0; far < STEP * t.aheadStep; far += 64) prefetchFar(ahead + far);
      ahead += STEP * t.aheadStep;
      Number::template read<4>(a, STEP);
      Number::template read<6>(b, WIDTH);
      Number::template multiply<0, 4, 6>();
      if (WIDE > 1) {
        Number::template read<7>(b + LANES, WIDTH);
        Number::template multiply<1, 4, 7>();
      }
      if (HIGH > 1) {
        Number::template read<5>(a + BLOCK / 2, STEP);
        Number::template multiply<2, 5, 6>();
        if (WIDE > 1) Number::template multiply<3, 5, 7>();
      }
    }
    alignas(64) float sums[ROWS * WIDTH];
    Number::template write<0>(sums, WIDTH);
    if (WIDE > 1) Number::template write<1>(sums + LANES, WIDTH);
    if (HIGH > 1) Number::template write<2>(sums + LANES * WIDTH, WIDTH);
    if (HIGH > 1 && WIDE > 1) Number::template write<3>(sums + LANES * WIDTH + LANES, WIDTH);
    writeTile<WIDE>(t, int(rows), [&](int i, int v) { return load(sums + i * WIDTH + v * LANES); });
  }
};

}  // namespace inkhorn::INKHORN_ISA
