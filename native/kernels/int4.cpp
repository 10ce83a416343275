// INT4 weights in groups: the linear layer for one row and for many, and the token table. Two neighbouring
// columns share a byte. So a row of the input is split once into its even and odd columns, and weights need
// not be interleaved. Read next: int8-dot.h.
#include <cstring>

#include "../arena.h"
#include "int8-dot.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr int ZERO = 8;     // the code of the value 0
constexpr Index COLS = 64;  // columns of out per unit of work, and per panel of packed codes

/** The codes of LANES bytes as floats, minus ZERO: of the even columns, and of the odd ones. */
struct Codes {
  Vec even, odd;

  explicit Codes(const int8_t* p) {
    const VecI bytes = loadBytesU(p);
    even = toFloat(subI(andI(bytes, splatI(15)), splatI(ZERO)));
    odd = toFloat(subI(shiftRightU<4>(bytes), splatI(ZERO)));
  }
};

/** Row r of a weight [rows, cols] as floats. */
void dequantizeRow(float* x, const int8_t* codes, const float* scale, Index r, Index rows, Index cols,
                   Index groupSize) {
  const int8_t* row = codes + r * ceilDiv(cols, 2);
  for (Index begin = 0; begin < cols; begin += groupSize) {
    const float s = scale[begin / groupSize * rows + r];
    const Index end = begin + groupSize < cols ? begin + groupSize : cols;
    Index c = begin;
    for (; c + 2 <= end; c += 2) {
      const int pair = uint8_t(row[c / 2]);
      x[c] = float((pair & 15) - ZERO) * s;
      x[c + 1] = float((pair >> 4) - ZERO) * s;
    }
    if (c < end) x[c] = float((row[c / 2] & 15) - ZERO) * s;
  }
}

/**
 * One row of the input, split: column 2i is even[i], column 2i + 1 is odd[i]. Padded with zeros to whole
 * vectors.
 */
struct Halves {
  const float *even, *odd;
  float scale;  // of the whole row
};

/** With `int8Activations` the row is quantised, and both halves hold whole numbers. */
Halves takeApart(Team& team, const float* x, Index k, bool int8Activations) {
  const Index half = ceilDiv(k, 2 * LANES) * LANES;
  struct Room {
    float *even, *odd;
    int8_t* quantized;
  };
  const Room room = sharedPieces(team, 0, [&](Arena& arena) {
    return Room{
        .even = arena.take(half),
        .odd = arena.take(half),
        .quantized = int8Activations ? arena.takeBytes(k) : nullptr,
    };
  });
  for (Index i = 0; i < half; i++) room.even[i] = room.odd[i] = 0;
  const auto split = [&](const auto* row) {
    for (Index p = 0; p + 1 < k; p += 2) {
      room.even[p / 2] = float(row[p]);
      room.odd[p / 2] = float(row[p + 1]);
    }
    if (k % 2 != 0) room.even[k / 2] = float(row[k - 1]);
  };
  float scale = 1;
  if (int8Activations) {
    quantizeRows(team, room.quantized, &scale, x, 1, k);
    split(room.quantized);
  } else {
    split(x);
  }
  return {room.even, room.odd, scale};
}

/**
 * out[j] = x . weight[j] + bias[j], j0 <= j < j1. EXACT: x and the sum over each group are whole numbers;
 * groups are added one after the other, which gives the same bits as packed codes. Otherwise groups are added
 * lane by lane, which is faster.
 */
template <bool EXACT>
void multiplyRow(float* out, const Halves& x, const int8_t* codes, const float* scale, const float* bias, Index j0,
                 Index j1, Index n, Index k, Index groupSize) {
  const Index bytes = ceilDiv(k, 2), groupBytes = groupSize / 2;
  for (Index j = j0; j < j1; j++) {
    const int8_t* row = codes + j * bytes;
    float total = 0;
    Vec totals = zero();
    for (Index begin = 0; begin < bytes; begin += groupBytes) {
      const Index end = begin + groupBytes < bytes ? begin + groupBytes : bytes;
      Vec even = zero(), odd = zero();
      Index p = begin;
      for (; p + LANES <= end; p += LANES) {
        const Codes w(row + p);
        even = fma(load(x.even + p), w.even, even);
        odd = fma(load(x.odd + p), w.odd, odd);
      }
      if (p < end) {  // x is 0 beyond the end
        int8_t rest[LANES] = {};
        memcpy(rest, row + p, size_t(end - p));
        const Codes w(rest);
        even = fma(load(x.even + p), w.even, even);
        odd = fma(load(x.odd + p), w.odd, odd);
      }
      const float s = scale[begin / groupBytes * n + j];
      if constexpr (EXACT) {
        total = __builtin_fmaf(reduceAdd(add(even, odd)), s, total);
      } else {
        totals = fma(add(even, odd), splat(s), totals);
      }
    }
    if constexpr (!EXACT) total = reduceAdd(totals);
    out[j] = __builtin_fmaf(total, x.scale, bias != nullptr ? bias[j] : 0);
  }
}

/** The x that products of bytes see: each row quantised and dequantised. */
void roundRows(Team& team, float* to, const float* x, Index rows, Index cols) {
  forRanges(team, rows, 8, [=, &team](Index begin, Index end, Index, int thread) {
    int8_t* q = reinterpret_cast<int8_t*>(team.scratch(thread, 0, ceilDiv(cols, 4)));
    for (Index r = begin; r < end; r++) {
      float scale;
      quantizeRows(team, q, &scale, x + r * cols, 1, cols);
      dequantizeRows(team, to + r * cols, q, &scale, 1, cols);
    }
  });
}

}  // namespace

void dequantizeInt4(Team& team, float* x, const int8_t* codes, const float* scale, Index rows, Index cols,
                    Index groupSize) {
  forRanges(team, rows, 16, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) dequantizeRow(x + r * cols, codes, scale, r, rows, cols, groupSize);
  });
}

void linearInt4(Team& team, float* out, const float* x, const int8_t* codes, const float* scale, const float* bias,
                const Int4Shape& s, bool int8Activations) {
  const Index m = s.m, n = s.n, k = s.k, groupSize = s.groupSize;
  if (m < rowsToConvertWeights) {
    for (Index i = 0; i < m; i++) {
      const Halves row = takeApart(team, x + i * k, k, int8Activations);
      forBlocks(team, ceilDiv(n, COLS), Work{n} * k, [&](Index block, int) {
        const Index begin = block * COLS, end = begin + COLS < n ? begin + COLS : n;
        const auto multiply = int8Activations ? multiplyRow<true> : multiplyRow<false>;
        multiply(out + i * n, row, codes, scale, bias, begin, end, n, k, groupSize);
      });
    }
    return;
  }
  struct Room {
    float *weight, *rounded;
  };
  const Room room = sharedPieces(team, 5, [&](Arena& arena) {  // a slot that matmul does not use
    return Room{.weight = arena.take(n * k), .rounded = int8Activations ? arena.take(m * k) : nullptr};
  });
  dequantizeInt4(team, room.weight, codes, scale, n, k, groupSize);
  if (int8Activations) roundRows(team, room.rounded, x, m, k);
  matmul(team, out, int8Activations ? room.rounded : x, room.weight, bias,
         {.m = m, .n = n, .k = k, .transA = false, .transB = true, .accumulate = false, .precision = Precision::f32});
}

void embeddingInt4(Team& team, float* out, const int32_t* ids, const int8_t* codes, const float* scale,
                   const float* positions, Index B, Index T, Index C, Position start, Index groupSize, Index vocab) {
  forRanges(team, B * T, 64, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      float* to = out + r * C;
      if (ids[r] >= 0 && ids[r] < vocab) {
        dequantizeRow(to, codes, scale, ids[r], vocab, C, groupSize);
      } else {
        eachVector(C, [&](Index i, auto lanes) { store(to + i, splat(__builtin_nanf("")), lanes); });
      }
      if (positions == nullptr) continue;
      const float* position = positions + (start + r % T) * C;
      eachVector(
          C, [&](Index i, auto lanes) { store(to + i, add(load(to + i, lanes), load(position + i, lanes)), lanes); });
    }
  });
}

namespace {

constexpr int VECTORS = 4;
constexpr Index PANEL = VECTORS * LANES;  // columns
/** Sums per vector: where registers allow, one for the low halves and one for the high ones. */
constexpr int CHAINS = REGISTERS == 32 ? 2 : 1;

/** One quantised row of the input, padded with zeros to 8 bytes. */
struct Row {
  int8_t* bytes;
  int32_t* surplus;  // per group: how much too large the sums are, since a code is ZERO above its value
  float scale;
};

/**
 * out[0, cols) from one panel of packed codes. For each 8 rows of the transposed weight, it has PANEL
 * columns of four bytes: the first four rows in the low halves, the other four in the high halves. `scale`
 * and `bias` begin at the panel's columns. Dot is `ByteDots` or `FourBits`.
 */
template <class Dot>
void panel(float* out, const Row& x, const int8_t* w, const float* scale, const float* bias, Index cols,
           const Int4Shape& s) {
  Vec total[VECTORS] = {zero(), zero(), zero(), zero()};
  for (Index begin = 0, group = 0; begin < s.k; begin += s.groupSize, group++) {
    const Index end = begin + s.groupSize < s.k ? begin + s.groupSize : s.k;
    VecI sum[CHAINS][VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      sum[CHAINS - 1][v] = splatI(0);
      sum[0][v] = splatI(uint32_t(-x.surplus[group]));
    }
    for (Index p = begin; p < end; p += 8) {
      int32_t four[2];
      memcpy(four, x.bytes + p, sizeof four);
      const typename Dot::Bytes a = Dot::everywhere(four[0]), b = Dot::everywhere(four[1]);
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; v++, w += Dot::BYTES) {
        const typename Dot::Bytes codes = Dot::inputs(w);
        sum[0][v] = Dot::add(sum[0][v], a, Dot::lowCodes(codes));
        sum[CHAINS - 1][v] = Dot::add(sum[CHAINS - 1][v], b, Dot::highCodes(codes));
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      const Mask lanes = firstLanes(cols - v * LANES);
      const VecI both = CHAINS == 1 ? sum[0][v] : addI(sum[0][v], sum[CHAINS - 1][v]);
      total[v] = fma(toFloat(both), load(scale + group * s.n + v * LANES, lanes), total[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < VECTORS; v++) {
    const Index j = v * LANES;
    const Mask lanes = firstLanes(cols - j);
    const Vec shift = bias != nullptr && j < cols ? load(bias + j, lanes) : zero();
    if (j < cols) store(out + j, fma(total[v], splat(x.scale), shift), lanes);
  }
}

/** Not called by an instruction set without ByteDots. */
[[maybe_unused]] void packCodes(Team& team, int8_t* packed, const int8_t* codes, Index n, Index k) {
  const Index steps = ceilDiv(k, 8);
  const auto code = [&](Index j, Index p) {
    if (j >= n || p >= k) return 0;
    const int pair = uint8_t(codes[j * ceilDiv(k, 2) + p / 2]);
    return p % 2 == 0 ? pair & 15 : pair >> 4;
  };
  forBlocks(team, ceilDiv(n, PANEL), [&](Index group, int) {
    int8_t* to = packed + group * steps * PANEL * 4;
    for (Index p = 0; p < 8 * steps; p += 8) {
      for (Index j = group * PANEL; j < (group + 1) * PANEL; j++) {
        for (Index i = p; i < p + 4; i++) *to++ = int8_t(code(j, i) | code(j, i + 4) << 4);
      }
    }
  });
}

/** The product with packed codes. */
template <class Dot>
void multiplyPanels(Team& team, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
                    const Int4Shape& s) {
  const Index steps = ceilDiv(s.k, 8), groups = ceilDiv(s.k, s.groupSize), size = steps * PANEL * 4;
  Row row = sharedPieces(team, 0, [&](Arena& arena) {
    return Row{.bytes = arena.takeBytes(8 * steps), .surplus = arena.takeInts(groups), .scale = 0};
  });
  memset(row.bytes + 8 * (steps - 1), 0, 8);
  quantizeRows(team, row.bytes, &row.scale, x, 1, s.k);
  for (Index group = 0; group < groups; group++) {
    const Index begin = group * s.groupSize, end = begin + s.groupSize < s.k ? begin + s.groupSize : s.k;
    int32_t sum = 0;
    for (Index p = begin; p < end; p++) sum += row.bytes[p];
    row.surplus[group] = ZERO * sum;
  }
  const Index panels = ceilDiv(s.n, PANEL), atOnce = size < 16384 ? 16384 / size : 1;
  forBlocks(team, ceilDiv(panels, atOnce), panels * size / 4, [&](Index block, int) {
    for (Index i = block * atOnce; i < panels && i < (block + 1) * atOnce; i++) {
      const Index j = i * PANEL;
      panel<Dot>(out + j, row, packed + i * size, scale + j, bias != nullptr ? bias + j : nullptr, s.n - j, s);
    }
  });
}

/**
 * Calls body.operator()<Dot>() if this processor has instructions for packed codes; returns whether it has.
 */
template <class Body>
bool withCodes(const Body& body) {
  return withExtra<ByteDots>(body) || withExtra<FourBits>(body);
}

}  // namespace

void packRowInt4(Team& team, int8_t* packed, const int8_t* codes, Index n, Index k) {
  if (!withCodes([&]<class>() { packCodes(team, packed, codes, n, k); })) {
    copy(team, packed, codes, n * ceilDiv(k, 2));
  }
}

void linearRowInt4(Team& team, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
                   const Int4Shape& s) {
  const auto multiply = [&]<class Dot>() { multiplyPanels<Dot>(team, out, x, packed, scale, bias, s); };
  if (!withCodes(multiply)) linearInt4(team, out, x, packed, scale, bias, s, true);
}

}  // namespace inkhorn::INKHORN_ISA
