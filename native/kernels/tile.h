// The register tile of the matrix product: a block of out that stays in registers while k runs.
// Tile sizes follow the number of registers: 14 x 2 vectors and two of b fill 32, 6 x 2 fill 16, 4 x 2 fill
// 12.
#pragma once
#include "panels.h"

namespace inkhorn::INKHORN_ISA {

constexpr int TILE_ROWS = REGISTERS == 32 ? 14 : REGISTERS == 16 ? 6 : 4;
constexpr int TILE_VECTORS = 2;
static_assert(TILE_COLS == TILE_VECTORS * LANES);
// Terms of the sum per turn of the loop. With 16 registers the steps of its pointers are a quarter of its
// instructions.
constexpr int UNROLL_TERMS = REGISTERS == 16 ? 4 : 1;

/** The inputs and output of a tile. */
struct TileArgs {
  Index k;         // in elements (number.h)
  const float* a;  // element (i, p) at a[i * aStride + p], or packed at a[p * rows + i]
  Index aStride;
  const float* b;  // packed: element (p, j) at b[p * VECTORS * LANES + j]
  float* out;
  Index outStride;
  Mask lanes;         // of the last vector of each row of out
  const float* bias;  // null: none
  bool accumulate;
  const char* ahead;  // what is needed next: prefetched, aheadStep bytes per element
  Index aheadStep;
  bool relu;          // out = max(out, 0) at the end
  const float* gate;  // null, or shaped as out: out is multiplied by 1 where this is positive, else by 0
};

/** A number of rows that the compiler knows. */
template <int ROWS>
struct FixedRows {
  constexpr operator int() const { return ROWS; }
};

/** out[rows, VECTORS * LANES] (+)= sum (+ bias), then relu or gate, where sum(i, v) is vector v of row i. */
template <int VECTORS, class Rows, class Sum>
INKHORN_INLINE void writeTile(const TileArgs& t, Rows rows, const Sum& sum) {
  Vec bias[VECTORS];
#pragma GCC unroll 2
  for (int v = 0; v < VECTORS; v++) {
    bias[v] = t.bias == nullptr ? zero() : load(t.bias + v * LANES, v + 1 < VECTORS ? firstLanes(LANES) : t.lanes);
  }
  const auto write = [&](auto end) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Index at = i * t.outStride;
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) {
        float* out = t.out + at + v * LANES;
        Vec result = add(sum(i, v), bias[v]);
        if (v + 1 < VECTORS) {
          if (t.accumulate) result = add(result, load(out));
          store(out, end(result, at + v * LANES, AllLanes{}));
        } else {
          if (t.accumulate) result = add(result, load(out, t.lanes));
          store(out, end(result, at + v * LANES, t.lanes), t.lanes);
        }
      }
    }
  };
  if (t.relu) return write([](Vec x, Index, auto) { return max(zero(), x); });
  if (t.gate != nullptr) {
    return write([&](Vec x, Index at, auto lanes) {
      return mul(x, select(greater(load(t.gate + at, lanes), zero()), splat(1), zero()));
    });
  }
  write([](Vec x, Index, auto) { return x; });
}

/** out[ROWS, VECTORS * LANES] (+)= a[ROWS, k] b[k, VECTORS * LANES] (+ bias), then relu or gate. */
template <class Number, int ROWS, int VECTORS, bool PACKED_A>
static void tile(const TileArgs& t) {
  Vec sum[ROWS][VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) sum[i][v] = zero();
  }

  // Rows are addressed three from one pointer (+0, +1, +2 strides), which x86 encodes without extra
  // instructions.
  constexpr int POINTERS = PACKED_A ? 1 : (ROWS + 2) / 3;
  const float* a[POINTERS];
#pragma GCC unroll 8
  for (int i = 0; i < POINTERS; i++) a[i] = t.a + 3 * i * t.aStride;

  const float* b = t.b;
  const char* ahead = t.ahead;
#pragma GCC unroll UNROLL_TERMS
  for (Index p = 0; p < t.k; p++, ahead += t.aheadStep) {
    prefetchFar(ahead);
    Vec row[VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) row[v] = load(b + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      const Vec x = splat(PACKED_A ? a[0][i] : a[i / 3][i % 3 * t.aStride]);
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) sum[i][v] = Number::multiplyAdd(x, row[v], sum[i][v]);
    }
    b += VECTORS * LANES;
#pragma GCC unroll 8
    for (int i = 0; i < POINTERS; i++) a[i] += PACKED_A ? ROWS : 1;
  }

  writeTile<VECTORS>(t, FixedRows<ROWS>{}, [&](int i, int v) { return sum[i][v]; });
}

/** The tile of `rows` x `cols`, of at most TILE_ROWS x TILE_COLS. */
template <class Number, bool PACKED_A, int ROWS = TILE_ROWS>
static inline void runTile(Index rows, Index cols, TileArgs& t) {
  if (rows == ROWS) {
    t.lanes = firstLanes(cols > LANES ? cols - LANES : cols);
    return cols > LANES ? tile<Number, ROWS, 2, PACKED_A>(t) : tile<Number, ROWS, 1, PACKED_A>(t);
  }
  if constexpr (ROWS > 1) runTile<Number, PACKED_A, ROWS - 1>(rows, cols, t);
}

/** How a product uses the tile above: its height, and how a strip of a (as many rows) is laid out for it. */
template <class Number>
struct VectorTile {
  static constexpr Index ROWS = TILE_ROWS;
  static constexpr Index DEEPEST = 1024;  // the most elements of k in one round, unless a is packed

  // A task copies its rows of a where they must be converted, and where they are a multiple of 4 KB apart.
  // Such rows fall into the same sets of the L1 cache; a tile's 14 rows do not fit its 8 to 12 ways, and a
  // third of the speed is lost.
  static bool copies(Index k) { return Number::ROUNDS || k % 1024 == 0; }
  static Index strideOfCopy(Index depth) { return roundUp(depth, 16) + 16; }
  static void copy(float* to, Index depth, const float* from, Index stride, Index rows, Index terms) {
    for (Index i = 0; i < rows; i++, to += strideOfCopy(depth), from += stride) {
      for (Index p = 0; p < terms; p += LANES * Number::TERMS) {
        store(to + p / Number::TERMS, Number::along(from + p, terms - p));
      }
    }
  }

  /** Rows [p0, p1) of a [k, m], transA. */
  static void pack(float* strips, const float* a, Index m, Index p0, Index p1, Index first, Index depth) {
    packRows<Number, ROWS, false>(strips, a, m, m, p0, p1, first, depth);
  }

  template <bool PACKED_A>
  static void run(Index rows, Index cols, TileArgs& t) {
    runTile<typename Number::Tiles, PACKED_A>(rows, cols, t);
  }
};

}  // namespace inkhorn::INKHORN_ISA
