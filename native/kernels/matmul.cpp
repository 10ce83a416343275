// The matrix product, after Goto & van de Geijn (2008): b is packed into panels as wide as a register tile,
// and the tiles (tile.h) run over them. k is cut into rounds of fixed length. While the tiles of one round
// run, the same threads pack the operands of the next. A few rows (generation) take the path at the end of
// the file.
#include <cstring>

#include "../parallel.h"
#include "activation.h"
#include "square-tile.h"

namespace inkhorn::INKHORN_ISA {

namespace {

template <class Number>
struct TileFor {
  using Type = VectorTile<Number>;
};
template <class Number>
requires(Number::STEP > 1) struct TileFor<Number> {
  using Type = SquareTile<Number>;
};

/** One product, cut into rounds of k, tile tasks and packing tasks. All cuts depend on the shape alone. */
template <class Number>
struct Product {
  using Tile = typename TileFor<Number>::Type;
  static constexpr Index TERMS = Number::TERMS;
  static constexpr Index packedRows = 32;  // rows of an operand that one packing task takes

  const MatmulShape& s;
  float* out;
  const float* a;
  const float* b;
  const float* bias;
  const float* panelsOfB = nullptr;  // b, packed earlier (packPanels)

  // With a packed, a panel of b (32 KB) stays in the L1 cache while the strips of a stream past.
  const Index rounds = ceilDiv(s.k, (s.transA ? 256 : Tile::DEEPEST) * TERMS);
  const Index depth = elementsOf<Number>(ceilDiv(s.k, rounds));  // of a round
  const Index strips = ceilDiv(s.m, Tile::ROWS);                 // Tile::ROWS rows of out
  const Index panels = ceilDiv(s.n, TILE_COLS);                  // TILE_COLS columns of out

  // A tile task is a rectangle of tiles, `most` strips high in the first `large` rows of tasks: about a 16th
  // of all strips, at most 16. The last quarter has tasks of `fewest` strips, so that threads finish
  // together. With a packed, each round's packing tasks balance the threads.
  const Index most = least(ceilDiv(strips, 16), 16);
  const Index fewest = s.transA ? most : ceilDiv(most, 5);
  const Index large = strips * 3 / 4 / most;
  const Index rowTasks = large + ceilDiv(strips - large * most, fewest);
  // Width of a task in panels: all of them where there are enough strips.
  const Index panelsPerTask = ceilDiv(panels, least(panels, rowTasks < 12 ? ceilDiv(16, rowTasks) : 1));
  const Index colTasks = ceilDiv(panels, panelsPerTask);
  const Index tileTasks = rowTasks * colTasks;

  const bool copied = !s.transA && Tile::copies(s.k);

  float* packedB[2] = {};  // alternating: of the round whose tiles run, and of the next
  float* packedA[2] = {};  // the same, with transA

  /** The first strip of a row of tasks. */
  Index firstStrip(Index rowTask) const {
    return rowTask < large ? rowTask * most : least(strips, large * most + (rowTask - large) * fewest);
  }

  // Columns of a and rows of b in a round, and the number of elements that hold them.
  Index begin(Index round) const { return round * depth * TERMS; }
  Index end(Index round) const { return least(s.k, begin(round) + depth * TERMS); }
  Index elements(Index round) const { return elementsOf<Number>(end(round) - begin(round)); }

  Index packTasksB(Index round) const {
    if (panelsOfB != nullptr) return 0;
    return s.transB ? panels : ceilDiv(end(round) - begin(round), packedRows);
  }
  Index packTasks(Index round) const {
    if (round == rounds) return 0;
    return packTasksB(round) + (s.transA ? ceilDiv(end(round) - begin(round), packedRows) : 0);
  }

  /** The panels of b for one round. */
  const float* panelsIn(Index round) const {
    return panelsOfB != nullptr ? panelsOfB + panels * TILE_COLS * begin(round) : packedB[round % 2];
  }

  void pack(Index round, Index task) const {
    const Index p0 = begin(round), p1 = end(round), size = elements(round);
    if (s.transB && panelsOfB == nullptr && task < panels) {
      const Index j = task * TILE_COLS;
      return packPanel<Number>(packedB[round % 2] + j * size, b + j * s.k, s.k, least(s.n - j, TILE_COLS), p0, p1);
    }
    const bool isA = task >= packTasksB(round);
    const Index first = (isA ? task - packTasksB(round) : task) * packedRows;
    const Index from = p0 + first, to = least(p1, from + packedRows);
    if (isA) return Tile::pack(packedA[round % 2], a, s.m, from, to, first / TERMS, size);
    packRows<Number, TILE_COLS, true>(packedB[round % 2], b, s.n, from, to, first / TERMS, size);
  }

  struct Range {
    const char* data;
    Index bytes;
  };

  /**
   * Prefetches what the packing tasks that follow tile task `task` (and perhaps some after them) will read;
   * transA, not transB.
   */
  Range sourceOf(Index round, Index task) const {
    if (task >= packTasks(round)) return {reinterpret_cast<const char*>(b), 0};
    const bool isA = task >= packTasksB(round);
    const Index first = begin(round) + (isA ? task - packTasksB(round) : task) * packedRows;
    const Index rows = least(end(round) - first, ceilDiv(packTasks(round), tileTasks) * packedRows);
    const Index cols = isA ? s.m : s.n;
    return {reinterpret_cast<const char*>((isA ? a : b) + first * cols), rows * cols * Index(sizeof(float))};
  }

  void tiles(Team& team, int thread, Index round, Index task, Index packed) const {
    const Index strip0 = firstStrip(task / colTasks), strip1 = firstStrip(task / colTasks + 1);
    const Index panel0 = task % colTasks * panelsPerTask, panel1 = least(panels, panel0 + panelsPerTask);
    [[maybe_unused]] const typename Number::Registers registers{};
    TileArgs t{};
    t.k = elements(round);
    t.outStride = s.n;
    t.accumulate = s.accumulate || round > 0;
    if (s.transA) {  // a panel stays in the L1 cache, strips stream past; prefetches what is packed next
      const Range source = sourceOf(round + 1, packed);
      t.ahead = source.data;
      t.aheadStep = source.bytes / (t.k * (strip1 - strip0) * (panel1 - panel0)) + 1;
      for (Index panel = panel0; panel < panel1; panel++) {
        for (Index strip = strip0; strip < strip1; strip++) {
          t.a = packedA[round % 2] + strip * Tile::ROWS * t.k;
          oneTile<true>(t, round, strip, panel);
          t.ahead += t.k * t.aheadStep;
        }
      }
      return;
    }
    // A strip stays in the L1 cache, panels stream past. Meanwhile the next strip is prefetched, then what
    // its epilogue reads.
    float* copy = copied ? team.scratch(thread, 0, Tile::ROWS * Tile::strideOfCopy(depth)) : nullptr;
    t.aStride = copied ? Tile::strideOfCopy(depth) : s.k;
    const float* of = round + 1 == rounds ? s.epilogue.of : nullptr;
    const Index size = panel1 - panel0, forA = of == nullptr ? size : ceilDiv(size * s.k, s.k + s.n);
    const Index stepA = Tile::ROWS * s.k * Index(sizeof(float)) / (t.k * forA) + 1;
    const Index stepOf = of == nullptr ? 0 : Tile::ROWS * s.n * Index(sizeof(float)) / (t.k * (size - forA + 1)) + 1;
    for (Index strip = strip0; strip < strip1; strip++) {
      const Index i = strip * Tile::ROWS, p0 = begin(round);
      t.a = a + i * s.k + p0;
      t.ahead = reinterpret_cast<const char*>(t.a + Tile::ROWS * s.k);
      t.aheadStep = stepA;
      if (copied) {
        Tile::copy(copy, depth, t.a, s.k, least(s.m - i, Tile::ROWS), end(round) - p0);
        t.a = copy;
      }
      for (Index panel = panel0; panel < panel1; panel++, t.ahead += t.k * t.aheadStep) {
        if (panel - panel0 == forA) {
          t.ahead = reinterpret_cast<const char*>(of + (i + Tile::ROWS) * s.n);
          t.aheadStep = stepOf;
        }
        oneTile<false>(t, round, strip, panel);
      }
    }
  }

  template <bool PACKED_A>
  void oneTile(TileArgs& t, Index round, Index strip, Index panel) const {
    const Index i = strip * Tile::ROWS, j = panel * TILE_COLS;
    if (s.symmetric && j >= i + Tile::ROWS) return;  // the whole tile is above the diagonal
    t.b = panelsIn(round) + j * t.k;
    t.bias = bias != nullptr && round == 0 ? bias + j : nullptr;
    const Index at = i * s.n + j, rows = least(s.m - i, Tile::ROWS), cols = least(s.n - j, TILE_COLS);
    const Epilogue& e = s.epilogue;
    const bool last = round + 1 == rounds, inRegisters = e.kind == Activation::relu && e.pre == nullptr;
    t.out = out + at;
    t.relu = last && inRegisters && e.step == Epilogue::activation;
    t.gate = last && inRegisters && e.step == Epilogue::slope ? e.of + at : nullptr;
    if (!last || inRegisters || e.step == Epilogue::none) {
      return Tile::template run<PACKED_A>(rows, cols, t);
    }
    // Through a buffer: storing to out twice would delay the next tile.
    alignas(64) float result[Tile::ROWS * TILE_COLS];
    t.outStride = TILE_COLS;
    for (Index r = 0; r < rows && t.accumulate; r++) {
      __builtin_memcpy(result + r * TILE_COLS, t.out + r * s.n, size_t(cols) * sizeof(float));
    }
    t.out = result;
    Tile::template run<PACKED_A>(rows, cols, t);
    t.outStride = s.n;
    finish(e, out, result, TILE_COLS, at, rows, cols, s.n);
  }

  void run(Team& team) {
    for (int i = 0; i < 2; i++) {
      packedB[i] = i < rounds && panelsOfB == nullptr ? team.shared(i, panels * TILE_COLS * depth) : nullptr;
      packedA[i] = i < rounds && s.transA ? team.shared(2 + i, strips * Tile::ROWS * depth) : nullptr;
    }
    forBlocks(team, packTasks(0), [&](Index task, int) { pack(0, task); });
    for (Index round = 0; round < rounds; round++) {
      // Packing tasks are spread evenly among the tile tasks, so that one waits for memory while the other
      // computes.
      const Index packs = packTasks(round + 1), total = tileTasks + packs;
      forBlocks(team, total, [&](Index task, int thread) {
        const Index packed = task * packs / total;
        if (packed != (task + 1) * packs / total) return pack(round + 1, packed);
        tiles(team, thread, round, task - packed, packed);
      });
    }
    if (s.symmetric) mirror(team);
  }

  /**
   * Copies the part of out below the diagonal to the part above it, in blocks of LANES rows and columns.
   */
  void mirror(Team& team) const {
    forBlocks(team, ceilDiv(s.n, LANES), Work{s.n} * s.n, [&](Index block, int) {
      const Index i = block * LANES, rows = least(s.n - i, LANES);
      for (Index r = 0; r < rows; r++) {
        for (Index c = r + 1; c < rows; c++) out[(i + r) * s.n + i + c] = out[(i + c) * s.n + i + r];
      }
      for (Index j = i + LANES; j < s.n; j += LANES) {  // only the last block can have fewer rows
        const Index cols = least(s.n - j, LANES);
        Vec square[LANES];
        for (Index c = 0; c < LANES; c++) square[c] = c < cols ? load(out + (j + c) * s.n + i) : zero();
        transpose(square);
        for (Index r = 0; r < LANES; r++) store(out + (i + r) * s.n + j, square[r], firstLanes(cols));
      }
    });
  }
};

// The rest is for few rows: nothing is packed. b is read once per row, in blocks that stay in the cache.
/** Calls body(begin, end) for blocks of columns, each with about 64 KB of b. */
template <class Body>
void forColumns(Team& team, const MatmulShape& s, Body body) {
  const Index size = ceilDiv(16384, s.k * LANES) * LANES;
  forBlocks(team, ceilDiv(s.n, size), Work{s.m} * s.n * s.k,
            [&](Index block, int) { body(block * size, least(s.n, (block + 1) * size)); });
}

/** b stored [n, k]: LANES columns of out are LANES dot products side by side. */
template <class Number>
void fewRowsTransposed(Team& team, float* out, const float* a, const float* b, const float* bias,
                       const MatmulShape& s) {
  constexpr Index STEP = LANES * Number::TERMS;
  forColumns(team, s, [&](Index begin, Index end) {
    for (Index j = begin; j < end; j += LANES) {
      const Index cols = least(LANES, s.n - j);
      const Mask lanes = firstLanes(cols);
      for (Index i = 0; i < s.m; i++) {
        const float* row = a + i * s.k;
        Vec sum[LANES];
        for (Index c = 0; c < LANES; c++) sum[c] = zero();
        for (Index p = 0; p < s.k; p += STEP) {
          const Vec x = Number::along(row + p, s.k - p);
          const float* terms = b + j * s.k + p;
          if (cols == LANES) {
#pragma GCC unroll 16
            for (Index c = 0; c < LANES; c++) {
              sum[c] = Number::multiplyAdd(x, Number::along(terms + c * s.k, s.k - p), sum[c]);
            }
          } else {
            for (Index c = 0; c < cols; c++) {
              sum[c] = Number::multiplyAdd(x, Number::along(terms + c * s.k, s.k - p), sum[c]);
            }
          }
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
  if (s.k == 0) {
    noTerms(out, bias, s);
  } else if (s.transB && !s.transA && s.m < rowsToPackWeight) {
    withSmallestNumber(s.precision, [&]<class Number>() { fewRowsTransposed<Number>(team, out, a, b, bias, s); });
  } else if (s.precision == Precision::f32 && !s.transB && !s.transA && s.m < rowsToPackMatrix) {
    fewRows(team, out, a, b, bias, s);
  } else {
    return withNumber(s.precision, [&]<class Number>() {
      Product<Number>{.s = s, .out = out, .a = a, .b = b, .bias = bias}.run(team);
    });
  }
  finish(s.epilogue, out, out, s.n, 0, s.m, s.n, s.n);
}

void packPanels(Team& team, float* packed, const float* b, Index n, Index k) {
  const MatmulShape shape{
      .m = 1, .n = n, .k = k, .transA = false, .transB = true, .accumulate = false, .precision = Precision::f32};
  const Product<Float32> product{.s = shape, .out = nullptr, .a = nullptr, .b = b, .bias = nullptr};
  forBlocks(team, product.panels, [&](Index panel, int) {
    for (Index round = 0; round < product.rounds; round++) {
      const Index j = panel * TILE_COLS, p0 = product.begin(round), p1 = product.end(round);
      float* to = packed + product.panels * TILE_COLS * p0 + j * (p1 - p0);
      packPanel<Float32>(to, b + j * k, k, least(n - j, TILE_COLS), p0, p1);
    }
  });
}

void matmulPanels(Team& team, float* out, const float* a, const float* packed, const float* bias,
                  const MatmulShape& s) {
  Product<Float32>{.s = s, .out = out, .a = a, .b = nullptr, .bias = bias, .panelsOfB = packed}.run(team);
}

}  // namespace inkhorn::INKHORN_ISA
