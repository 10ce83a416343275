// Products of one row with a packed weight, for generation. The weight is read once, in the order of memory,
// which is what limits the speed. The same sums in the same order as matmul.cpp and int8.cpp. Read next:
// program.h.
#include <cstring>

#include "../parallel.h"
#include "activation.h"
#include "int8-dot.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

namespace {

/**
 * Packed elements (number.h): for LANES rows of the weight, a vector of the first elements, of the second,
 * ...; then the next LANES rows.
 */
constexpr Index SQUARE = LANES * LANES;

/**
 * Calls body(group) for every group of columns of a weight of `bytes` bytes, in blocks of about 32 KB.
 */
template <class Body>
void forGroups(Team& team, Index groups, Index bytes, Body body) {
  const Index size = bytes < 32768 ? 32768 / bytes : 1;
  const Index work = groups * bytes / 4;  // memory bandwidth decides, so bytes count as work
  forBlocks(team, ceilDiv(groups, size), work, [&](Index block, int) {
    for (Index group = block * size; group < groups && group < (block + 1) * size; group++) body(group);
  });
}

template <class Number>
void packSquares(Team& team, float* packed, const float* weight, Index n, Index k) {
  constexpr Index STEP = LANES * Number::TERMS;
  const Index steps = ceilDiv(k, STEP);
  forBlocks(team, ceilDiv(n, LANES), [&](Index group, int) {
    float* to = packed + group * steps * SQUARE;
    for (Index p = 0; p < k; p += STEP) {
      for (Index r = 0; r < LANES; r++, to += LANES) {
        const Index j = group * LANES + r;
        store(to, j < n ? Number::along(weight + j * k + p, k - p) : zero());
      }
    }
  });
}

template <class Number>
void multiplySquares(Team& team, float* out, const float* a, const float* packed, const float* bias,
                     const MatmulShape& s) {
  constexpr Index STEP = LANES * Number::TERMS;
  const Index size = ceilDiv(s.k, STEP) * SQUARE;
  forGroups(team, ceilDiv(s.n, LANES), size * Index(sizeof(float)), [&](Index group) {
    const float* w = packed + group * size;
    Vec sum[LANES];
#pragma GCC unroll 16
    for (Index c = 0; c < LANES; c++) sum[c] = zero();
    for (Index p = 0; p < s.k; p += STEP, w += SQUARE) {
      const Vec x = Number::along(a + p, s.k - p);
#pragma GCC unroll 16
      for (Index c = 0; c < LANES; c++) sum[c] = Number::multiplyAdd(x, load(w + c * LANES), sum[c]);
    }
    const Index j = group * LANES;
    const Mask lanes = firstLanes(s.n - j);
    Vec result = sumEach(sum);
    if (bias != nullptr) result = add(result, load(bias + j, lanes));
    store(out + j, s.accumulate ? add(result, load(out + j, lanes)) : result, lanes);
    finish(s.epilogue, out, out + j, s.n, j, 1, least(LANES, s.n - j), s.n);
  });
}

}  // namespace

void packRow(Team& team, float* packed, const float* weight, Index n, Index k, bool bf16) {
  withNumber(bf16, [&]<class Number>() { packSquares<Number>(team, packed, weight, n, k); });
}

void matmulRow(Team& team, float* out, const float* a, const float* packed, const float* bias, const MatmulShape& s) {
  withNumber(s.bf16, [&]<class Number>() { multiplySquares<Number>(team, out, a, packed, bias, s); });
}

namespace {

/**
 * A panel of packed bytes: four bytes of k for each of its columns, then the next four. The last panel may be
 * narrower.
 */
constexpr Index VECTORS = 4, COLS = VECTORS * LANES;

/** out[0, cols) from one panel of COUNT vectors; Dot is `Vnni`. */
template <class Dot, Index COUNT>
void panel(float* out, const int8_t* x, float xScale, int32_t surplus, const int8_t* w, const float* scale,
           const float* bias, Index cols, Index steps) {
  VecI even[COUNT], odd[COUNT];
#pragma GCC unroll 4
  for (Index v = 0; v < COUNT; v++) even[v] = odd[v] = splatI(0);
  const auto step = [&](VecI(&sum)[COUNT], Index s) {
    int32_t four;
    memcpy(&four, x + 4 * s, sizeof four);
    const VecI inputs = splatI(uint32_t(four));
#pragma GCC unroll 4
    for (Index v = 0; v < COUNT; v++) sum[v] = Dot::add(sum[v], inputs, Dot::inputs(w + (s * COUNT + v) * Dot::BYTES));
  };
  Index s = 0;
  for (; s + 2 <= steps; s += 2) {
    step(even, s);
    step(odd, s + 1);
  }
  if (s < steps) step(even, s);
#pragma GCC unroll 4
  for (Index v = 0; v < COUNT; v++) {
    const Index j = v * LANES;
    const Mask lanes = firstLanes(cols - j);
    const VecI sum = addI(addI(even[v], odd[v]), splatI(uint32_t(-surplus)));
    const Vec factor = mul(splat(xScale), load(scale + j, lanes));
    store(out + j, bias != nullptr ? fma(toFloat(sum), factor, load(bias + j, lanes)) : mul(toFloat(sum), factor),
          lanes);
  }
}

/** Packs bytes into panels, each byte raised by 128. */
void packBytes(Team& team, int8_t* packed, const int8_t* weight, Index n, Index k) {
  const Index steps = ceilDiv(k, 4);
  forBlocks(team, ceilDiv(n, COLS), [&](Index group, int) {
    const Index end = least(group * COLS + COLS, ceilDiv(n, LANES) * LANES);
    int8_t* to = packed + group * steps * COLS * 4;
    for (Index p = 0; p < 4 * steps; p += 4) {
      for (Index j = group * COLS; j < end; j++) {
        for (Index i = p; i < p + 4; i++) *to++ = int8_t((j < n && i < k ? weight[j * k + i] : 0) ^ -128);
      }
    }
  });
}

/** The product with packed bytes; Dot is `Vnni`. */
template <class Dot>
void multiplyPanels(Team& team, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
                    Index n, Index k) {
  const Index steps = ceilDiv(k, 4), size = steps * COLS * 4;
  int8_t* row = reinterpret_cast<int8_t*>(team.shared(0, steps));
  memset(row + 4 * (steps - 1), 0, 4);
  const QuantizedRow quantized = quantizeRow(row, x, k);
  forGroups(team, ceilDiv(n, COLS), size, [&](Index group) {
    const Index j = group * COLS;
    const auto multiply = [&]<Index COUNT>() {
      panel<Dot, COUNT>(out + j, row, quantized.scale, Dot::SURPLUS * quantized.sum, packed + group * size, scale + j,
                        bias != nullptr ? bias + j : nullptr, n - j, steps);
    };
    switch (least(VECTORS, ceilDiv(n - j, LANES))) {
      case 1: return multiply.template operator()<1>();
      case 2: return multiply.template operator()<2>();
      case 3: return multiply.template operator()<3>();
      default: return multiply.template operator()<4>();
    }
  });
}

}  // namespace

void packRowInt8(Team& team, int8_t* packed, const int8_t* weight, Index n, Index k) {
  if (!withExtra<Vnni>([&]<class>() { packBytes(team, packed, weight, n, k); })) copy(team, packed, weight, n * k);
}

void linearRowInt8(Team& team, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
                   Index n, Index k) {
  const auto multiply = [&]<class Dot>() { multiplyPanels<Dot>(team, out, x, packed, scale, bias, n, k); };
  if (!withExtra<Vnni>(multiply)) linearInt8(team, out, x, packed, scale, bias, 1, n, k, true);
}

}  // namespace inkhorn::INKHORN_ISA
