// INT8 weights: quantising rows, and the linear layer with float or integer products. Read next: int8-dot.h.
#include "../arena.h"
#include "int8-dot.h"

namespace inkhorn::INKHORN_ISA {

namespace {

void dequantizeRow(float* x, const int8_t* q, float scale, Index n) {
  for (Index i = 0; i < n; i++) x[i] = float(q[i]) * scale;
}

constexpr Index ROWS = 32;     // rows of out per unit of work
constexpr Index COLS = 64;     // columns of out per unit of work
constexpr Index CHUNK = 1024;  // rows of x quantised at a time

/**
 * Rows of x as bytes, laid out for dot products in steps of Dot::BYTES. Where k is not a multiple of that,
 * the last step of a row of weights begins at k - BYTES, so that it reads nothing beyond the row. Bytes of x
 * already covered by the previous step are 0 there.
 */
template <class Dot>
struct Inputs {
  static constexpr Index BYTES = Dot::BYTES;
  Index k, steps, stride;  // bytes between rows; 0 steps: k is too short for vectors
  int8_t* rows;
  float* scales;
  int32_t* surplus;  // to be subtracted from each sum

  explicit Inputs(Index k) : k(k), steps(k < BYTES ? 0 : (k + BYTES - 1) / BYTES), stride((k + 63 + BYTES) / 64 * 64) {}

  /** Takes the memory for `count` rows. */
  void take(Arena& arena, Index count) {
    scales = arena.take(count);
    surplus = arena.takeInts(count);
    rows = arena.takeBytes(count * stride);
  }

  /** The place of the weights of step s. */
  Index begin(Index s) const { return s * BYTES + BYTES <= k ? s * BYTES : k - BYTES; }

  void quantize(Index r, const float* x) {
    int8_t* row = rows + r * stride;
    const QuantizedRow quantized = quantizeRow(row, x, k);
    scales[r] = quantized.scale;
    surplus[r] = steps > 0 ? Dot::SURPLUS * quantized.sum : 0;
    const Index covered = k / BYTES * BYTES, gap = BYTES - (k - covered);
    if (steps > 0 && covered < k) {
      __builtin_memmove(row + covered + gap, row + covered, size_t(k - covered));
      __builtin_memset(row + covered, 0, size_t(gap));
    }
  }
};

/** sums[i][j] = row r + i of x times weight row j, for i < COUNT and four rows j. */
template <int COUNT, class Dot>
INKHORN_INLINE void dotFour(int32_t (*sums)[COLS], const Inputs<Dot>& in, Index r, const int8_t* weight) {
  VecI sum[COUNT][4];
#pragma GCC unroll 4
  for (int i = 0; i < COUNT; i++) sum[i][0] = sum[i][1] = sum[i][2] = sum[i][3] = splatI(0);
  const int8_t* x = in.rows + r * in.stride;
  for (Index s = 0; s < in.steps; s++) {
    const int8_t* w = weight + in.begin(s);
    typename Dot::Bytes inputs[COUNT];
#pragma GCC unroll 4
    for (int i = 0; i < COUNT; i++) inputs[i] = Dot::inputs(x + i * in.stride + s * Dot::BYTES);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const typename Dot::Bytes weights = Dot::weights(w + j * in.k);
#pragma GCC unroll 4
      for (int i = 0; i < COUNT; i++) sum[i][j] = Dot::add(sum[i][j], inputs[i], weights);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < COUNT; i++) reduceFour(sums[i], sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
}

/**
 * One product, for the remainder: columns where n is not a multiple of 4, and every column where k is short.
 */
template <class Dot>
int32_t dotOne(const Inputs<Dot>& in, Index r, const int8_t* weight) {
  const int8_t* x = in.rows + r * in.stride;
  const Index whole = in.k / Dot::BYTES * Dot::BYTES;
  const Index gap = in.steps > 0 && whole < in.k ? Dot::BYTES - (in.k - whole) : 0;
  int32_t sum = 0;
  for (Index p = 0; p < whole; p++) sum += x[p] * weight[p];
  for (Index p = whole; p < in.k; p++) sum += x[p + gap] * weight[p];
  return sum + in.surplus[r];
}

/**
 * out[r, j] = scale of r * scale of j * (row r of x . row j of weight) + bias[j], for r0 <= r < r1 and j0 <=
 * j < j1 <= j0 + 64.
 */
template <class Dot>
void multiplyBytes(float* out, const Inputs<Dot>& in, Index r0, Index r1, const int8_t* weight, const float* scale,
                   const float* bias, Index j0, Index j1, Index n) {
  constexpr int COUNT = REGISTERS == 32 ? 4 : 2;
  const Index vectored = in.steps > 0 ? (j1 - j0) / 4 * 4 : 0;
  for (Index r = r0; r < r1;) {
    const Index count = r1 - r >= COUNT ? COUNT : 1;
    int32_t sums[COUNT][COLS];
    for (Index j = 0; j < vectored; j += 4) {
      using Row = int32_t[COLS];
      Row* to = reinterpret_cast<Row*>(&sums[0][j]);
      if (count == COUNT) {
        dotFour<COUNT>(to, in, r, weight + (j0 + j) * in.k);
      } else {
        dotFour<1>(to, in, r, weight + (j0 + j) * in.k);
      }
    }
    for (Index i = 0; i < count; i++, r++) {
      for (Index j = vectored; j < j1 - j0; j++) sums[i][j] = dotOne(in, r, weight + (j0 + j) * in.k);
      const float xScale = in.scales[r];
      eachVector(j1 - j0, [&](Index j, auto lanes) {
        const Vec sum = toFloat(addI(loadI(sums[i] + j), splatI(uint32_t(-in.surplus[r]))));
        const Vec factor = mul(splat(xScale), load(scale + j0 + j, lanes));
        store(out + r * n + j0 + j, bias ? fma(sum, factor, load(bias + j0 + j, lanes)) : mul(sum, factor), lanes);
      });
    }
  }
}

// int8 x int8. Rows of x are quantised in chunks; units of work are some of these rows with a block of
// columns whose weights stay in the cache.
template <class Dot>
void linearBytes(Team& team, float* out, const float* x, const int8_t* weight, const float* scale, const float* bias,
                 Index m, Index n, Index k) {
  Inputs<Dot> in(k);
  for (Index first = 0; first < m; first += CHUNK) {
    const Index rows = m - first < CHUNK ? m - first : CHUNK;
    sharedPieces(team, 0, [&](Arena& arena) { in.take(arena, rows); });
    forRanges(team, rows, 8, [&](Index begin, Index end, Index, int) {
      for (Index r = begin; r < end; r++) in.quantize(r, x + (first + r) * k);
    });
    const Index across = (n + COLS - 1) / COLS, down = (rows + ROWS - 1) / ROWS;
    forBlocks(team, down * across, Work{rows} * n * k, [&](Index block, int) {
      const Index r0 = block / across * ROWS, j0 = block % across * COLS;
      multiplyBytes(out + first * n, in, r0, r0 + ROWS < rows ? r0 + ROWS : rows, weight, scale, bias, j0,
                    j0 + COLS < n ? j0 + COLS : n, n);
    });
  }
}

/**
 * One row of out, with weights converted to floats on the fly: out[j] = scale[j] * (x . weight[j]) + bias[j].
 * As in Inputs, the last vector begins at k - LANES, and `rest` is that part of x, with zeros where the
 * previous vector covered it.
 */
void linearRow(Team& team, float* out, const float* x, const int8_t* weight, const float* scale, const float* bias,
               Index n, Index k) {
  const Index whole = k / LANES * LANES;
  const bool vectors = k >= LANES;
  const Vec rest = vectors ? select(firstLanes(whole + LANES - k), zero(), load(x + k - LANES)) : zero();
  forBlocks(team, (n + COLS - 1) / COLS, Work{n} * k, [&](Index block, int) {
    const Index begin = block * COLS, end = begin + COLS < n ? begin + COLS : n;
    for (Index j = begin; j < end; j++) {
      const int8_t* w = weight + j * k;
      float product = 0;
      if (vectors) {
        Vec even = mul(rest, loadBytes(w + k - LANES)), odd = zero();
        Index p = 0;
        for (; p + 2 * LANES <= whole; p += 2 * LANES) {
          even = fma(load(x + p), loadBytes(w + p), even);
          odd = fma(load(x + p + LANES), loadBytes(w + p + LANES), odd);
        }
        if (p < whole) even = fma(load(x + p), loadBytes(w + p), even);
        product = reduceAdd(add(even, odd));
      } else {
        for (Index p = 0; p < k; p++) product += x[p] * float(w[p]);
      }
      out[j] = product * scale[j] + (bias ? bias[j] : 0);
    }
  });
}

}  // namespace

void quantizeRows(Team& team, int8_t* q, float* scale, const float* x, Index rows, Index cols) {
  forRanges(team, rows, 16, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) scale[r] = quantizeRow(q + r * cols, x + r * cols, cols).scale;
  });
}

void dequantizeRows(Team& team, float* x, const int8_t* q, const float* scale, Index rows, Index cols) {
  forRanges(team, rows, 16, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) dequantizeRow(x + r * cols, q + r * cols, scale[r], cols);
  });
}

void linearInt8(Team& team, float* out, const float* x, const int8_t* weight, const float* scale, const float* bias,
                Index m, Index n, Index k, bool int8Activations) {
  if (int8Activations) {
    return withDot([&]<class Dot>() { linearBytes<Dot>(team, out, x, weight, scale, bias, m, n, k); });
  }
  if (m < rowsToConvertWeights) {
    for (Index i = 0; i < m; i++) linearRow(team, out + i * n, x + i * k, weight, scale, bias, n, k);
    return;
  }
  float* floats = team.shared(5, n * k);  // a slot that matmul does not use
  dequantizeRows(team, floats, weight, scale, n, k);
  matmul(team, out, x, floats, bias,
         {.m = m, .n = n, .k = k, .transA = false, .transB = true, .accumulate = false, .precision = Precision::f32});
}

void embeddingInt8(Team& team, float* out, const int32_t* ids, const int8_t* tokens, const float* scale,
                   const float* positions, Index B, Index T, Index C, Position start, Index vocab) {
  forRanges(team, B * T, 64, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      float* to = out + r * C;
      if (ids[r] >= 0 && ids[r] < vocab) {
        dequantizeRow(to, tokens + ids[r] * C, scale[ids[r]], C);
      } else {
        eachVector(C, [&](Index i, auto lanes) { store(to + i, splat(__builtin_nanf("")), lanes); });
      }
      if (!positions) continue;
      const float* position = positions + (start + r % T) * C;
      eachVector(
          C, [&](Index i, auto lanes) { store(to + i, add(load(to + i, lanes), load(position + i, lanes)), lanes); });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
