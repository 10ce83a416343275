// The matrix product, after Goto & van de Geijn (2008): b is packed into panels as wide as a register tile, and the
// tiles (tile.h) run over them. k is cut into rounds of fixed length; while the tiles of one round run, the operands of
// the next are packed, all by the same threads. A few rows (generation) take the path at the end of the file.
#include <cstring>

#include "../parallel.h"
#include "tile.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index ceilDiv(Index a, Index b) { return (a + b - 1) / b; }
constexpr Index least(Index a, Index b) { return a < b ? a : b; }

/** A panel of b holds TILE_COLS columns, the last one only LANES if that is enough; what is left over is zero. */
Index panelWidth(Index cols) { return cols > LANES ? TILE_COLS : LANES; }

/**
 * Rows [p0, p1) of x [k, n], cut into panels of WIDTH columns, into rows `first` and following of the packed panels,
 * which have `depth` rows. Panel after panel: the pieces written lie together, and those read next are fetched ahead.
 */
template <Index WIDTH, bool PADDED>
void packRows(float* panels, const float* x, Index n, Index p0, Index p1, Index first, Index depth) {
  for (Index j = 0; j < n; j += WIDTH) {
    const Index cols = least(n - j, WIDTH), width = PADDED ? panelWidth(cols) : cols;
    const Mask left = firstLanes(cols), right = firstLanes(cols - LANES);
    float* to = panels + j * depth + first * width;
    for (Index p = p0; p < p1; p++, to += width) {
      const float* from = x + p * n + j;
      for (Index ahead = 2 * WIDTH; ahead < 3 * WIDTH; ahead += 16) prefetch(from + ahead);
      PADDED ? store(to, load(from, left)) : store(to, load(from, left), left);
      if (width > LANES) {
        PADDED ? store(to + LANES, load(from + LANES, right)) : store(to + LANES, load(from + LANES, right), right);
      }
    }
  }
}

/** Columns [p0, p1) of rows [j, j + cols) of b [n, k], transposed into one panel. */
void packPanel(float* panel, const float* b, Index k, Index cols, Index p0, Index p1) {
  const Index width = panelWidth(cols);
  for (Index v = 0; v < width; v += LANES) {
    for (Index p = p0; p < p1; p += LANES) {
      const Mask lanes = firstLanes(p1 - p);
      Vec block[LANES];
      for (Index j = 0; j < LANES; j++) block[j] = v + j < cols ? load(b + (v + j) * k + p, lanes) : zero();
      transpose(block);
      for (Index i = 0; i < least(LANES, p1 - p); i++) store(panel + (p - p0 + i) * width + v, block[i]);
    }
  }
}

/** One product, cut into rounds of k, tile tasks and packing tasks. All cuts depend on the shape alone. */
struct Product {
  const MatmulShape& s;
  float* out;
  const float* a;
  const float* b;
  const float* bias;
  const float* panelsOfB = nullptr;  // b, packed before (packPanels)

  static constexpr Index packedRows = 32;  // rows of an operand that one packing task takes

  // With a packed, a panel of b (32 KB) stays in the L1 cache while strips of a pass by.
  const Index rounds = ceilDiv(s.k, s.transA ? 256 : 1024);
  const Index depth = ceilDiv(s.k, rounds);
  const Index strips = ceilDiv(s.m, TILE_ROWS), panels = ceilDiv(s.n, TILE_COLS);
  // A task is a rectangle of tiles: up to 16 strips, and as many panels as leave 16 tasks or more.
  const Index rowTasks = ceilDiv(strips, 16), stripsPerTask = ceilDiv(strips, rowTasks);
  const Index panelsPerTask = ceilDiv(panels, least(panels, ceilDiv(16, rowTasks)));
  const Index colTasks = ceilDiv(panels, panelsPerTask);
  const Index tileTasks = rowTasks * colTasks;

  float* packedB[2] = {};
  float* packedA[2] = {};

  Index begin(Index round) const { return round * depth; }
  Index end(Index round) const { return least(s.k, begin(round) + depth); }

  Index packTasksB(Index round) const {
    if (panelsOfB != nullptr) return 0;
    return s.transB ? panels : ceilDiv(end(round) - begin(round), packedRows);
  }
  Index packTasks(Index round) const {
    if (round == rounds) return 0;
    return packTasksB(round) + (s.transA ? ceilDiv(end(round) - begin(round), packedRows) : 0);
  }

  /** The panels of a round. */
  const float* panelsIn(Index round) const {
    return panelsOfB != nullptr ? panelsOfB + panels * TILE_COLS * begin(round) : packedB[round % 2];
  }

  void pack(Index round, Index task) const {
    const Index p0 = begin(round), p1 = end(round), size = p1 - p0;
    if (s.transB && panelsOfB == nullptr && task < panels) {
      const Index j = task * TILE_COLS;
      return packPanel(packedB[round % 2] + j * size, b + j * s.k, s.k, least(s.n - j, TILE_COLS), p0, p1);
    }
    const bool isA = task >= packTasksB(round);
    const Index first = (isA ? task - packTasksB(round) : task) * packedRows;
    const Index from = p0 + first, to = least(p1, from + packedRows);
    if (isA) return packRows<TILE_ROWS, false>(packedA[round % 2], a, s.m, from, to, first, size);
    packRows<TILE_COLS, true>(packedB[round % 2], b, s.n, from, to, first, size);
  }

  // Rows of a that lie a multiple of 4 KB apart fall into the same sets of the L1 cache: a tile's 14 do not fit its 8 to
  // 12 ways, which costs a third of the speed. A task then works on a copy with rows a little further apart.
  const bool crowded = !s.transA && s.k % 1024 == 0;
  const Index spreadStride = depth + 16;

  const float* spread(float* copy, Index i0, Index i1, Index p0, Index size) const {
    for (Index i = i0; i < i1; i++) {
      memcpy(copy + (i - i0) * spreadStride, a + i * s.k + p0, size_t(size) * sizeof(float));
    }
    return copy;
  }

  void tiles(Team& team, int thread, Index round, Index task) const {
    const Index p0 = begin(round), size = end(round) - p0;
    const Index strip0 = task / colTasks * stripsPerTask, strip1 = least(strips, strip0 + stripsPerTask);
    const Index panel0 = task % colTasks * panelsPerTask, panel1 = least(panels, panel0 + panelsPerTask);
    const Index i0 = strip0 * TILE_ROWS, i1 = least(s.m, strip1 * TILE_ROWS);
    const float* rowsOfA = a + i0 * s.k + p0;  // not packed: the rows i0 .. i1
    if (crowded) rowsOfA = spread(team.scratch(thread, 0, (i1 - i0) * spreadStride), i0, i1, p0, size);
    TileArgs t;
    t.k = size;
    t.aStride = crowded ? spreadStride : s.k;
    t.outStride = s.n;
    t.accumulate = s.accumulate || round > 0;
    for (Index panel = panel0; panel < panel1; panel++) {
      const Index j = panel * TILE_COLS;
      t.b = panelsIn(round) + j * size;
      t.bias = bias != nullptr && round == 0 ? bias + j : nullptr;
      for (Index strip = strip0; strip < strip1; strip++) {
        const Index i = strip * TILE_ROWS, rows = least(s.m - i, TILE_ROWS), cols = least(s.n - j, TILE_COLS);
        t.out = out + i * s.n + j;
        if (s.transA) {
          t.a = packedA[round % 2] + i * size;
          runTile<true>(rows, cols, t);
        } else {
          t.a = rowsOfA + (i - i0) * t.aStride;
          runTile<false>(rows, cols, t);
        }
      }
    }
  }

  void run(Team& team) {
    for (int i = 0; i < 2; i++) {
      packedB[i] = i < rounds && panelsOfB == nullptr ? team.shared(i, panels * TILE_COLS * depth) : nullptr;
      packedA[i] = i < rounds && s.transA ? team.shared(2 + i, strips * TILE_ROWS * depth) : nullptr;
    }
    forBlocks(team, packTasks(0), [&](Index task, int) { pack(0, task); });
    for (Index round = 0; round < rounds; round++) {
      // Packing tasks are spread evenly among the tile tasks, so that the one waits for memory while the other computes.
      const Index packs = packTasks(round + 1), total = tileTasks + packs;
      forBlocks(team, total, [&](Index task, int thread) {
        const Index packed = task * packs / total;
        if (packed != (task + 1) * packs / total) return pack(round + 1, packed);
        tiles(team, thread, round, task - packed);
      });
    }
  }
};

// What follows is for few rows: nothing is packed, b streams past once for each row and its blocks stay in the cache.
/** Calls body(begin, end) for blocks of columns, of about 64 KB of b each. */
template <class Body>
void forColumns(Team& team, const MatmulShape& s, Body body) {
  const Index size = ceilDiv(16384, s.k * LANES) * LANES;
  forBlocks(team, ceilDiv(s.n, size), s.m * s.n * s.k, [&](Index block, int) {
    body(block * size, least(s.n, (block + 1) * size));
  });
}

/** b stored [n, k]: LANES columns of out are LANES dot products side by side. */
void fewRowsTransposed(Team& team, float* out, const float* a, const float* b, const float* bias, const MatmulShape& s) {
  forColumns(team, s, [&](Index begin, Index end) {
    for (Index j = begin; j < end; j += LANES) {
      const Index cols = least(LANES, s.n - j);
      const Mask lanes = firstLanes(cols);
      for (Index i = 0; i < s.m; i++) {
        const float* row = a + i * s.k;
        Vec sum[LANES];
        for (Index c = 0; c < LANES; c++) sum[c] = zero();
        if (cols == LANES) {
          eachVector(s.k, [&](Index p, auto m) {
            const Vec x = load(row + p, m);
#pragma GCC unroll 16
            for (Index c = 0; c < LANES; c++) sum[c] = fma(x, load(b + (j + c) * s.k + p, m), sum[c]);
          });
        } else {
          eachVector(s.k, [&](Index p, auto m) {
            const Vec x = load(row + p, m);
            for (Index c = 0; c < cols; c++) sum[c] = fma(x, load(b + (j + c) * s.k + p, m), sum[c]);
          });
        }
        Vec result = sumEach(sum);
        if (bias != nullptr) result = add(result, load(bias + j, lanes));
        float* to = out + i * s.n + j;
        store(to, s.accumulate ? add(result, load(to, lanes)) : result, lanes);
      }
    }
  });
}

/** b stored [k, n]: its rows, scaled by the elements of a row of a, are added up in registers. */
void fewRows(Team& team, float* out, const float* a, const float* b, const float* bias, const MatmulShape& s) {
  constexpr Index VECTORS = 8;
  forColumns(team, s, [&](Index begin, Index end) {
    for (Index i = 0; i < s.m; i++) {
      float* to = out + i * s.n;
      const auto column = [&]<Index COUNT>(Index j, auto lanes) {
        Vec sum[COUNT];
        for (Index v = 0; v < COUNT; v++) sum[v] = zero();
        for (Index p = 0; p < s.k; p++) {
          const Vec x = splat(a[i * s.k + p]);
          for (Index v = 0; v < COUNT; v++) sum[v] = fma(x, load(b + p * s.n + j + v * LANES, lanes), sum[v]);
        }
        for (Index v = 0; v < COUNT; v++) {
          const Index at = j + v * LANES;
          if (bias != nullptr) sum[v] = add(sum[v], load(bias + at, lanes));
          store(to + at, s.accumulate ? add(sum[v], load(to + at, lanes)) : sum[v], lanes);
        }
      };
      Index j = begin;
      for (; j + VECTORS * LANES <= end; j += VECTORS * LANES) column.template operator()<VECTORS>(j, AllLanes{});
      eachVector(end - j, [&](Index c, auto lanes) { column.template operator()<1>(j + c, lanes); });
    }
  });
}

/** A product over nothing: out = 0 + bias. */
void noTerms(float* out, const float* bias, const MatmulShape& s) {
  for (Index i = 0; i < s.m * s.n; i++) {
    out[i] = (s.accumulate ? out[i] : 0.0f) + (bias != nullptr ? bias[i % s.n] : 0.0f);
  }
}

}  // namespace

void matmul(Team& team, float* out, const float* a, const float* b, const float* bias, const MatmulShape& s) {
  if (s.m == 0 || s.n == 0) return;
  if (s.k == 0) return noTerms(out, bias, s);
  if (s.transB && !s.transA && s.m < manyRows) return fewRowsTransposed(team, out, a, b, bias, s);
  if (!s.transB && !s.transA && s.m < 8) return fewRows(team, out, a, b, bias, s);
  Product{.s = s, .out = out, .a = a, .b = b, .bias = bias}.run(team);
}

void packPanels(Team& team, float* packed, const float* b, Index n, Index k) {
  const MatmulShape shape{.m = 1, .n = n, .k = k, .transA = false, .transB = true, .accumulate = false};
  const Product product{.s = shape, .out = nullptr, .a = nullptr, .b = b, .bias = nullptr};
  forBlocks(team, product.panels, [&](Index panel, int) {
    for (Index round = 0; round < product.rounds; round++) {
      const Index j = panel * TILE_COLS, p0 = product.begin(round), p1 = product.end(round);
      float* to = packed + product.panels * TILE_COLS * p0 + j * (p1 - p0);
      packPanel(to, b + j * k, k, least(n - j, TILE_COLS), p0, p1);
    }
  });
}

void matmulPanels(Team& team, float* out, const float* a, const float* packed, const float* bias, const MatmulShape& s) {
  Product{.s = s, .out = out, .a = a, .b = nullptr, .bias = bias, .panelsOfB = packed}.run(team);
}

}  // namespace inkhorn::INKHORN_ISA
