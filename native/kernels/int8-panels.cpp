// INT8 products with a packed weight, where it serves many calls: generation of one text or of several at
// once, and prompts. The lanes of a vector are columns of out, so that nothing is summed across them. The
// same sums as int8.cpp, which are exact. Read next: int8-dot.h, program.h.
#include <cstring>

#include "../arena.h"
#include "int8-dot.h"

namespace inkhorn::INKHORN_ISA {

namespace {

/**
 * A panel of packed bytes: Dot::TERMS bytes of k for each of its columns, then the next; their numbers are
 * raised by Dot::SURPLUS. The last panel may be narrower.
 */
constexpr Index VECTORS = 4, COLS = VECTORS * LANES;
/** Rows of x that are quantised at a time, and those of a unit of work. */
constexpr Index CHUNK = 1024, ROWS = 32;
/** Bytes of panels of a unit of work. */
constexpr Index UNIT = 32768;

/** Sums of two rows by two columns (`ByteSquares`), instead of a lane of sums for each column. */
template <class Dot>
constexpr bool IN_SQUARES = Dot::TERMS == 8;

/** Rows of x, quantised: units of 4 bytes with numbers of the width that Dot::inputs gives. */
template <class Dot>
struct QuantizedRows {
  static constexpr Index PER_UNIT = Dot::TERMS < 4 ? Dot::TERMS : 4;  // numbers
  Index k, steps, stride;  // steps of TERMS numbers per row; units between rows
  int32_t* units;
  float* scales;
  int32_t* surplus;  // to be subtracted from each sum

  explicit QuantizedRows(Index k)
      : k(k), steps(ceilDiv(k, Dot::TERMS)), stride(roundUp(ceilDiv(k, PER_UNIT), Dot::BYTES / PER_UNIT)) {}

  void take(Arena& arena, Index count) {
    scales = arena.take(count);
    surplus = arena.takeInts(count);
    units = arena.takeInts(count * stride);
  }

  void quantize(Index r, const float* x) {
    int8_t* row = reinterpret_cast<int8_t*>(units + r * stride);
    const Index numbers = stride * PER_UNIT;
    // Numbers of 16 bits begin as bytes in the upper half of their row, and are widened from the first on.
    int8_t* bytes = row + 4 * stride - numbers;
    const QuantizedRow quantized = quantizeRow(bytes, x, k);
    memset(bytes + k, 0, size_t(numbers - k));
    scales[r] = quantized.scale;
    surplus[r] = Dot::SURPLUS * quantized.sum;
    if (bytes == row) return;
    for (Index i = 0; i < numbers; i += Dot::BYTES) {
      const typename Dot::Bytes wide = Dot::inputs(bytes + i);
      memcpy(row + 2 * i, &wide, sizeof wide);
    }
  }
};

/** Where a product goes; `scale` and `bias` (or null) are of its n columns. */
struct Target {
  float* out;
  const float *scale, *bias;
  Index n;
};

/** Writes columns j to j + LANES of row r, whose products are in `sum`. */
template <class Dot>
INKHORN_INLINE void finish(const Target& to, const QuantizedRows<Dot>& in, Index r, Index j, VecI sum) {
  const Mask lanes = firstLanes(to.n - j);
  const Vec product = toFloat(addI(sum, splatI(uint32_t(-in.surplus[r]))));
  const Vec factor = mul(splat(in.scales[r]), load(to.scale + j, lanes));
  store(to.out + r * to.n + j,
        to.bias != nullptr ? fma(product, factor, load(to.bias + j, lanes)) : mul(product, factor), lanes);
}

/**
 * Columns j to j + COUNT * LANES of the rows r to r + HEIGHT. `w` is their place in the first step of the
 * panel; each step has `width` bytes.
 */
template <class Dot, Index HEIGHT, Index COUNT>
INKHORN_INLINE void tile(const Target& to, const QuantizedRows<Dot>& in, Index r, const int8_t* w, Index width,
                         Index j) {
  VecI sum[HEIGHT][COUNT];
#pragma GCC unroll 4
  for (Index i = 0; i < HEIGHT; i++) {
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) sum[i][v] = splatI(0);
  }
  const int32_t* x = in.units + r * in.stride;
  for (Index s = 0; s < in.steps; s++, w += width) {
    typename Dot::Bytes weights[COUNT];
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) weights[v] = Dot::inputs(w + v * Dot::BYTES);
#pragma GCC unroll 4
    for (Index i = 0; i < HEIGHT; i++) {
      const typename Dot::Bytes inputs = Dot::everywhere(x[i * in.stride + s]);
#pragma GCC unroll 4
      for (Index v = 0; v < COUNT; v++) sum[i][v] = Dot::add(sum[i][v], inputs, weights[v]);
    }
  }
#pragma GCC unroll 4
  for (Index i = 0; i < HEIGHT; i++) {
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) finish(to, in, r + i, j + v * LANES, sum[i][v]);
  }
}

/** As `tile`, for a single row, with two sums for each column: one alone would wait for itself. */
template <class Dot, Index COUNT>
INKHORN_INLINE void line(const Target& to, const QuantizedRows<Dot>& in, Index r, const int8_t* w, Index width,
                         Index j) {
  VecI even[COUNT], odd[COUNT];
#pragma GCC unroll 4
  for (Index v = 0; v < COUNT; v++) even[v] = odd[v] = splatI(0);
  const int32_t* x = in.units + r * in.stride;
  const auto step = [&](VecI(&sum)[COUNT], Index s) {
    const typename Dot::Bytes inputs = Dot::everywhere(x[s]);
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) sum[v] = Dot::add(sum[v], inputs, Dot::inputs(w + s * width + v * Dot::BYTES));
  };
  Index s = 0;
  for (; s + 2 <= in.steps; s += 2) {
    step(even, s);
    step(odd, s + 1);
  }
  if (s < in.steps) step(even, s);
#pragma GCC unroll 4
  for (Index v = 0; v < COUNT; v++) finish(to, in, r, j + v * LANES, addI(even[v], odd[v]));
}

/** As `tile`, from squares: the rows go in pairs, of which the last may be one row twice. */
template <class Dot, Index HEIGHT, Index COUNT>
INKHORN_INLINE void squares(const Target& to, const QuantizedRows<Dot>& in, Index r, const int8_t* w, Index width,
                            Index j) {
  constexpr Index PAIRS = (HEIGHT + 1) / 2, ACROSS = 2 * COUNT;
  VecI sum[PAIRS][ACROSS];
#pragma GCC unroll 2
  for (Index i = 0; i < PAIRS; i++) {
#pragma GCC unroll 8
    for (Index v = 0; v < ACROSS; v++) sum[i][v] = splatI(0);
  }
  const int8_t* x[HEIGHT];
#pragma GCC unroll 4
  for (Index i = 0; i < HEIGHT; i++) x[i] = reinterpret_cast<const int8_t*>(in.units + (r + i) * in.stride);
  for (Index s = 0; s < in.steps; s++, w += width) {
    typename Dot::Bytes rows[PAIRS];
#pragma GCC unroll 2
    for (Index i = 0; i < PAIRS; i++)
      rows[i] = Dot::twoRows(x[2 * i] + s * Dot::TERMS, x[least(2 * i + 1, HEIGHT - 1)] + s * Dot::TERMS);
#pragma GCC unroll 8
    for (Index v = 0; v < ACROSS; v++) {
      const typename Dot::Bytes columns = Dot::inputs(w + v * Dot::BYTES);
#pragma GCC unroll 2
      for (Index i = 0; i < PAIRS; i++) sum[i][v] = Dot::add(sum[i][v], rows[i], columns);
    }
  }
#pragma GCC unroll 4
  for (Index i = 0; i < HEIGHT; i++) {
    const VecI* const row = sum[i / 2];
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) finish(to, in, r + i, j + v * LANES, Dot::row(i % 2, row[2 * v], row[2 * v + 1]));
  }
}

/** The columns of the panel that begins at column j, of HEIGHT rows. */
template <class Dot, Index HEIGHT>
INKHORN_INLINE void acrossPanel(const Target& to, const QuantizedRows<Dot>& in, Index r, const int8_t* panel, Index j) {
  // As many sums as there are registers for.
  constexpr Index MOST = REGISTERS == 32 || HEIGHT <= 2 ? VECTORS : 2;
  constexpr Index BYTES = LANES * Dot::TERMS;  // of a step, for LANES columns
  const Index vectors = least(VECTORS, ceilDiv(to.n - j, LANES)), width = vectors * BYTES;
  for (Index v = 0; v < vectors; v += MOST) {
    const auto some = [&]<Index COUNT>() {
      const int8_t* w = panel + v * BYTES;
      if constexpr (IN_SQUARES<Dot>) {
        squares<Dot, HEIGHT, COUNT>(to, in, r, w, width, j + v * LANES);
      } else if constexpr (HEIGHT == 1) {
        line<Dot, COUNT>(to, in, r, w, width, j + v * LANES);
      } else {
        tile<Dot, HEIGHT, COUNT>(to, in, r, w, width, j + v * LANES);
      }
    };
    switch (least(MOST, vectors - v)) {
      case 1: some.template operator()<1>(); break;
      case 2: some.template operator()<2>(); break;
      case 3: some.template operator()<least(MOST, 3)>(); break;
      default: some.template operator()<MOST>();
    }
  }
}

template <class Dot>
void downPanel(const Target& to, const QuantizedRows<Dot>& in, Index r, Index end, const int8_t* panel, Index j) {
  for (; r + 4 <= end; r += 4) acrossPanel<Dot, 4>(to, in, r, panel, j);
  switch (end - r) {
    case 3: return acrossPanel<Dot, 3>(to, in, r, panel, j);
    case 2: return acrossPanel<Dot, 2>(to, in, r, panel, j);
    case 1: return acrossPanel<Dot, 1>(to, in, r, panel, j);
    default: return;
  }
}

template <class Dot>
void multiply(Team& team, const Target& to, const float* x, const int8_t* packed, Index m, Index k) {
  QuantizedRows<Dot> in(k);
  const Index size = in.steps * COLS * Dot::TERMS, panels = ceilDiv(to.n, COLS), atOnce = size < UNIT ? UNIT / size : 1;
  const Index across = ceilDiv(panels, atOnce);
  for (Index first = 0; first < m; first += CHUNK) {
    const Index rows = least(CHUNK, m - first);
    sharedPieces(team, 0, [&](Arena& arena) { in.take(arena, rows); });
    forRanges(team, rows, 8, [&](Index begin, Index end, Index, int) {
      for (Index r = begin; r < end; r++) in.quantize(r, x + (first + r) * k);
    });
    const Target here{.out = to.out + first * to.n, .scale = to.scale, .bias = to.bias, .n = to.n};
    // Memory bandwidth decides over a single row, so bytes count as work.
    forBlocks(team, ceilDiv(rows, ROWS) * across, Work{rows} * panels * size / 4, [&](Index block, int) {
      const Index r = block / across * ROWS, begin = block % across * atOnce;
      for (Index i = begin; i < panels && i < begin + atOnce; i++)
        downPanel(here, in, r, least(r + ROWS, rows), packed + i * size, i * COLS);
    });
  }
}

template <class Dot>
void pack(Team& team, int8_t* packed, const int8_t* weight, Index n, Index k) {
  constexpr Index TERMS = Dot::TERMS;
  const Index steps = ceilDiv(k, TERMS), whole = k / TERMS;
  forBlocks(team, ceilDiv(n, COLS), [&](Index panel, int) {
    const Index begin = panel * COLS, cols = least(COLS, roundUp(n, LANES) - begin);
    int8_t* to = packed + begin * steps * TERMS;
    for (Index j = 0; j < cols; j++) {
      const int8_t* row = weight + (begin + j) * k;
      for (Index s = 0; s < steps; s++) {
        int8_t* unit = to + (s * cols + j) * TERMS;
        for (Index i = 0; i < TERMS; i++) {
          const bool there = begin + j < n && (s < whole || s * TERMS + i < k);
          unit[i] = int8_t((there ? row[s * TERMS + i] : 0) ^ -Dot::SURPLUS);
        }
      }
    }
  });
}

template <class Dot>
constexpr bool hasPanels = requires {
  Dot::TERMS;
};

/** Calls body.operator()<Dot>() if this processor has instructions for panels; returns whether it has. */
template <class Body>
bool withPanels(const Body& body) {
  if (withExtra<ByteSquares>(body) || withExtra<ByteDots>(body)) return true;
  if constexpr (hasPanels<Words>) body.template operator()<Words>();
  return hasPanels<Words>;
}

}  // namespace

void packInt8(Team& team, int8_t* packed, const int8_t* weight, Index n, Index k) {
  if (!withPanels([&]<class Dot>() { pack<Dot>(team, packed, weight, n, k); })) copy(team, packed, weight, n * k);
}

void linearPackedInt8(Team& team, float* out, const float* x, const int8_t* packed, const float* scale,
                      const float* bias, Index m, Index n, Index k) {
  const Target to{.out = out, .scale = scale, .bias = bias, .n = n};
  if (!withPanels([&]<class Dot>() { multiply<Dot>(team, to, x, packed, m, k); }))
    linearInt8(team, out, x, packed, scale, bias, m, n, k, true);
}

}  // namespace inkhorn::INKHORN_ISA
