// The matrix product, after Goto & van de Geijn (2008): b is packed into panels as wide as a register tile,
// and the tiles (tile.h) run over them. k is cut into rounds of fixed length, a wide b also into blocks of
// columns; a stage is a block in a round. While the tiles of one stage run, the same threads pack the
// operands of the next. A few rows (generation) take the path at the end of the file.
#include <cstring>

#include "../parallel.h"
#include "activation.h"
#include "lane-tile.h"
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
template <class Number>
requires(MULTIPLIES_BY_LANE&& Number::STEP == 1) struct TileFor<Number> {
  using Type = LaneTile<Number>;
};

/** One product, cut into stages, tile tasks and packing tasks. All cuts depend on the shape alone. */
template <class Number>
struct Product {
  using Tile = typename TileFor<Number>::Type;
  static constexpr Index TERMS = Number::TERMS;
  static constexpr Index packedRows = 32;  // rows of an operand that one packing task takes
  // The most floats in a packed block of b. It is read once for every strip of a: it should stay in the L2
  // cache. With a packed, the strips are read again and again, and b is not cut.
  static constexpr Index largestBlock = 1 << 18;

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

  const Index panelsPerBlock = ceilDiv(panels, s.transA ? 1 : ceilDiv(panels* TILE_COLS* depth, largestBlock));
  const Index blocks = ceilDiv(panels, panelsPerBlock);
  const Index stages = rounds * blocks;

  // A tile task is a rectangle of tiles, `most` strips high in the first `large` rows of tasks: about a 16th
  // of all strips, at most 16. The last quarter has tasks of `fewest` strips, so that threads finish
  // together. With a packed, each stage's packing tasks balance the threads.
  const Index most = least(ceilDiv(strips, 16), 16);
  const Index fewest = s.transA ? most : ceilDiv(most, 5);
  const Index large = strips * 3 / 4 / most;
  const Index rowTasks = large + ceilDiv(strips - large * most, fewest);
  // Width of a task in panels: all of them where there are enough strips.
  const Index panelsPerTask = ceilDiv(panelsPerBlock, least(panelsPerBlock, rowTasks < 12 ? ceilDiv(16, rowTasks) : 1));
  const Index colTasks = ceilDiv(panelsPerBlock, panelsPerTask);
  const Index tileTasks = rowTasks * colTasks;

  const bool copied = !s.transA && Tile::copies(s.k);

  float* packedB[2] = {};  // alternating: of the stage whose tiles run, and of the next
  float* packedA[2] = {};  // the same, with transA

  /** The first strip of a row of tasks. */
  Index firstStrip(Index rowTask) const {
    return rowTask < large ? rowTask * most : least(strips, large * most + (rowTask - large) * fewest);
  }

  // Columns of a and rows of b in a stage, and the number of elements that hold them.
  Index begin(Index stage) const { return stage / blocks * depth * TERMS; }
  Index end(Index stage) const { return least(s.k, begin(stage) + depth * TERMS); }
  Index elements(Index stage) const { return elementsOf<Number>(end(stage) - begin(stage)); }

  // Its panels: [firstPanel, lastPanel).
  Index firstPanel(Index stage) const { return stage % blocks * panelsPerBlock; }
  Index lastPanel(Index stage) const { return least(panels, firstPanel(stage) + panelsPerBlock); }

  bool isFirst(Index stage) const { return stage < blocks; }
  bool isLast(Index stage) const { return stage >= stages - blocks; }

  Index packTasksB(Index stage) const {
    if (panelsOfB != nullptr) return 0;
    return s.transB ? lastPanel(stage) - firstPanel(stage) : ceilDiv(end(stage) - begin(stage), packedRows);
  }
  Index packTasks(Index stage) const {
    if (stage == stages) return 0;
    return packTasksB(stage) + (s.transA ? ceilDiv(end(stage) - begin(stage), packedRows) : 0);
  }

  /** What the tiles of a stage have in common. Computed once per task: it takes divisions, which are slow. */
  struct Stage {
    bool isFirst, isLast;
    Index firstPanel;
    const float* b;  // packed, from `firstPanel` on
    const float* a;  // packed, with transA
  };

  Stage stageOf(Index stage) const {
    const Index size = elements(stage), panel = firstPanel(stage);
    const float* earlier = panelsOfB + TILE_COLS * (panels * begin(stage) + panel * size);
    return {.isFirst = isFirst(stage),
            .isLast = isLast(stage),
            .firstPanel = panel,
            .b = panelsOfB != nullptr ? earlier : packedB[stage % 2],
            .a = packedA[stage % 2]};
  }

  void pack(Index stage, Index task) const {
    const Index p0 = begin(stage), p1 = end(stage), size = elements(stage);
    const Index j = firstPanel(stage) * TILE_COLS;
    float* panelsB = packedB[stage % 2];
    if (s.transB && task < packTasksB(stage)) {
      const Index at = task * TILE_COLS, cols = least(s.n - j - at, TILE_COLS);
      return packPanel<Number>(panelsB + at * size, b + (j + at) * s.k, s.k, cols, p0, p1);
    }
    const bool isA = task >= packTasksB(stage);
    const Index first = (isA ? task - packTasksB(stage) : task) * packedRows;
    const Index from = p0 + first, to = least(p1, from + packedRows);
    if (isA) return Tile::pack(packedA[stage % 2], a, s.m, from, to, first / TERMS, size);
    const Index cols = least(s.n, lastPanel(stage) * TILE_COLS) - j;
    packRows<Number, TILE_COLS, true>(panelsB, b + j, s.n, cols, from, to, first / TERMS, size);
  }

  struct Range {
    const char* data;
    Index bytes;
  };

  /**
   * Prefetches what the packing tasks that follow tile task `task` (and perhaps some after them) will read;
   * transA, not transB.
   */
  Range sourceOf(Index stage, Index task) const {
    if (task >= packTasks(stage)) return {reinterpret_cast<const char*>(b), 0};
    const bool isA = task >= packTasksB(stage);
    const Index first = begin(stage) + (isA ? task - packTasksB(stage) : task) * packedRows;
    const Index rows = least(end(stage) - first, ceilDiv(packTasks(stage), tileTasks) * packedRows);
    const Index cols = isA ? s.m : s.n;
    return {reinterpret_cast<const char*>((isA ? a : b) + first * cols), rows * cols * Index(sizeof(float))};
  }

  void tiles(Team& team, int thread, Index stage, Index task, Index packed) const {
    const Index strip0 = firstStrip(task / colTasks), strip1 = firstStrip(task / colTasks + 1);
    const Index panel0 = firstPanel(stage) + task % colTasks * panelsPerTask;
    const Index panel1 = least(lastPanel(stage), panel0 + panelsPerTask);
    if (panel0 >= panel1) return;  // the last block can be narrower
    [[maybe_unused]] const typename Number::Registers registers{};
    const Stage here = stageOf(stage);
    TileArgs t{};
    t.k = elements(stage);
    t.outStride = s.n;
    t.accumulate = s.accumulate || !here.isFirst;
    if (s.transA) {  // a panel stays in the L1 cache, strips stream past; prefetches what is packed next
      const Range source = sourceOf(stage + 1, packed);
      t.ahead = source.data;
      t.aheadStep = source.bytes / (t.k * (strip1 - strip0) * (panel1 - panel0)) + 1;
      for (Index panel = panel0; panel < panel1; panel++) {
        for (Index strip = strip0; strip < strip1; strip++) {
          t.a = here.a + strip * Tile::ROWS * t.k;
          oneTile<true>(t, here, strip, panel);
          t.ahead += t.k * t.aheadStep;
        }
      }
      return;
    }
    // A strip stays in the L1 cache, panels stream past. Meanwhile the next strip is prefetched, then what
    // its epilogue reads.
    float* copy = copied ? team.scratch(thread, 0, Tile::ROWS * Tile::strideOfCopy(depth)) : nullptr;
    t.aStride = copied ? Tile::strideOfCopy(depth) : s.k;
    const float* of = here.isLast ? s.epilogue.of : nullptr;
    const Index terms = end(stage) - begin(stage);  // of each row of a in this stage
    const Index size = panel1 - panel0, forA = of == nullptr ? size : ceilDiv(size * terms, terms + s.n);
    const Index stepA = Tile::ROWS * terms * Index(sizeof(float)) / (t.k * forA) + 1;
    const Index stepOf = of == nullptr ? 0 : Tile::ROWS * s.n * Index(sizeof(float)) / (t.k * (size - forA + 1)) + 1;
    for (Index strip = strip0; strip < strip1; strip++) {
      const Index i = strip * Tile::ROWS;
      t.a = a + i * s.k + begin(stage);
      const float* const next = t.a + Tile::ROWS * s.k;
      if (copied) {
        Tile::copy(copy, depth, t.a, s.k, least(s.m - i, Tile::ROWS), terms);
        t.a = copy;
      }
      for (Index panel = panel0; panel < panel1; panel++) {
        const Index done = panel - panel0;
        if (done < forA) {
          const Index at = Tile::ROWS * terms * done / forA;  // of the next strip's terms, row after row
          t.ahead = reinterpret_cast<const char*>(next + at / terms * s.k + at % terms);
          t.aheadStep = stepA;
        } else {
          t.ahead =
              done == forA ? reinterpret_cast<const char*>(of + (i + Tile::ROWS) * s.n) : t.ahead + t.k * t.aheadStep;
          t.aheadStep = stepOf;
        }
        oneTile<false>(t, here, strip, panel);
      }
    }
  }

  template <bool PACKED_A>
  void oneTile(TileArgs& t, const Stage& stage, Index strip, Index panel) const {
    const Index i = strip * Tile::ROWS, j = panel * TILE_COLS;
    if (s.symmetric && j >= i + Tile::ROWS) return;  // the whole tile is above the diagonal
    t.b = stage.b + (panel - stage.firstPanel) * TILE_COLS * t.k;
    t.bias = bias != nullptr && stage.isFirst ? bias + j : nullptr;
    const Index at = i * s.n + j, rows = least(s.m - i, Tile::ROWS), cols = least(s.n - j, TILE_COLS);
    const Epilogue& e = s.epilogue;
    const bool last = stage.isLast, inRegisters = e.kind == Activation::relu && e.pre == nullptr;
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
      packedB[i] = i < stages && panelsOfB == nullptr ? team.shared(i, panelsPerBlock * TILE_COLS * depth) : nullptr;
      packedA[i] = i < stages && s.transA ? team.shared(2 + i, strips * Tile::ROWS * depth) : nullptr;
    }
    forBlocks(team, packTasks(0), [&](Index task, int) { pack(0, task); });
    for (Index stage = 0; stage < stages; stage++) {
      // Packing tasks are spread evenly among the tile tasks, so that one waits for memory while the other
      // computes.
      const Index packs = packTasks(stage + 1), total = tileTasks + packs;
      forBlocks(team, total, [&](Index task, int thread) {
        const Index packed = task * packs / total;
        if (packed != (task + 1) * packs / total) return pack(stage + 1, packed);
        tiles(team, thread, stage, task - packed, packed);
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
      const Index j = panel * TILE_COLS, stage = round * product.blocks;
      const Index p0 = product.begin(stage), p1 = product.end(stage);
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
