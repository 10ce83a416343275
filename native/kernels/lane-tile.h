// The register tile where an instruction multiplies a vector by one lane of another (NEON): 12 rows by two
// vectors. Rows of a lie across the lanes, so that three loads bring a value of each. Panels of b are those
// of tile.h; a strip of a is [elements][rows], its rows rounded up to whole vectors.
#pragma once
#include "tile.h"

namespace inkhorn::INKHORN_ISA {

/** As VectorTile. */
template <class Number>
struct LaneTile {
  static constexpr Index ROWS = 12;
  static constexpr Index DEEPEST = 1024;

  static bool copies(Index) { return true; }
  static Index strideOfCopy(Index depth) { return depth; }
  static void copy(float* to, Index, const float* from, Index stride, Index rows, Index terms) {
    const Index height = roundUp(rows, LANES), size = elementsOf<Number>(terms);
    for (Index i = 0; i < height; i += LANES) {
      for (Index e = 0; e < size; e += LANES) {
        const Index p = e * Number::TERMS;
        Vec square[LANES];
        for (Index r = 0; r < LANES; r++) {
          square[r] = i + r < rows ? Number::along(from + (i + r) * stride + p, terms - p) : zero();
        }
        transpose(square);
        for (Index r = 0; r < least(LANES, size - e); r++) store(to + (e + r) * height + i, square[r]);
      }
    }
  }

  static void pack(float* strips, const float* a, Index m, Index p0, Index p1, Index first, Index depth) {
    for (Index i = 0; i < m; i += ROWS) {
      const Index height = roundUp(least(m - i, ROWS), LANES);
      float* to = strips + i * depth + first * height;
      for (Index p = p0; p < p1; p += Number::TERMS, to += height) {
        const float *from = a + p * m + i, *next = p + 1 < p1 ? from + m : nullptr;
        prefetch(from + 2 * ROWS);
        for (Index r = 0; r < height; r += LANES) {
          store(to + r, Number::across(from + r, next == nullptr ? next : next + r, firstLanes(m - i - r)));
        }
      }
    }
  }

  template <bool PACKED_A>
  static void run(Index rows, Index cols, TileArgs& t) {
    t.lanes = firstLanes(cols > LANES ? cols - LANES : cols);
    cols > LANES ? down<2>(int(rows), t) : down<1>(int(rows), t);
  }

 private:
  template <int WIDE, int HIGH = ROWS / LANES>
  static void down(int rows, const TileArgs& t) {
    if constexpr (HIGH > 1) {
      if (rows <= (HIGH - 1) * LANES) return down<WIDE, HIGH - 1>(rows, t);
    }
    lanes<HIGH, WIDE>(rows, t);
  }

  /** HIGH vectors of rows, of which `rows` are written, by WIDE vectors of columns. */
  template <int HIGH, int WIDE>
  static void lanes(int rows, const TileArgs& t) {
    constexpr int HEIGHT = HIGH * LANES, WIDTH = WIDE * LANES;
    Vec sum[HEIGHT][WIDE];
#pragma GCC unroll 16
    for (int i = 0; i < HEIGHT; i++) {
#pragma GCC unroll 2
      for (int v = 0; v < WIDE; v++) sum[i][v] = zero();
    }
    const float *a = t.a, *b = t.b;
    const auto step = [&](int p) __attribute__((always_inline)) {
      Vec x[HIGH], row[WIDE];
#pragma GCC unroll 4
      for (int i = 0; i < HIGH; i++) x[i] = load(a + p * HEIGHT + i * LANES);
#pragma GCC unroll 2
      for (int v = 0; v < WIDE; v++) row[v] = load(b + p * WIDTH + v * LANES);
#pragma GCC unroll 16
      for (int i = 0; i < HEIGHT; i++) {
#pragma GCC unroll 2
        for (int v = 0; v < WIDE; v++) {
          sum[i][v] = Number::Tiles::multiplyAdd(splat(x[i / LANES][i % LANES]), row[v], sum[i][v]);
        }
      }
    };
    constexpr Index STEPS = 8;  // between two prefetches
    const char* ahead = t.ahead;
    const Index k = t.k, aheadStep = STEPS * t.aheadStep;
    Index p = 0;
    for (; p + STEPS <= k; p += STEPS, a += STEPS * HEIGHT, b += STEPS * WIDTH) {
      for (Index far = 0; far < aheadStep; far += 64) prefetchFar(ahead + far);
      ahead += aheadStep;
      step(0), step(1), step(2), step(3), step(4), step(5), step(6), step(7);
    }
    for (; p < k; p++, a += HEIGHT, b += WIDTH) step(0);
    if (rows == HEIGHT) return writeTile<WIDE>(t, FixedRows<HEIGHT>{}, [&](int i, int v) { return sum[i][v]; });
    float sums[HEIGHT * WIDTH];
#pragma GCC unroll 16
    for (int i = 0; i < HEIGHT; i++) {
#pragma GCC unroll 2
      for (int v = 0; v < WIDE; v++) store(sums + i * WIDTH + v * LANES, sum[i][v]);
    }
    writeTile<WIDE>(t, rows, [&](int i, int v) { return load(sums + i * WIDTH + v * LANES); });
  }
};

}  // namespace inkhorn::INKHORN_ISA
