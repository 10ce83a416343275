// The storage of a product's packed operands: floats, floats rounded to bfloat16, or pairs of bfloat16, which
// one instruction multiplies and adds to a float. All take 4 bytes: a pair is stored in the bits of a float.
// Used by tile.h, matmul.cpp and attention.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

// Each storage is a struct. TERMS: terms of the sum per element. ROUNDS: whether it rounds. `along`: n >= 1
// neighbouring terms as a vector of elements, with zeros beyond. `across`: one element each for neighbouring
// columns, whose terms are in the row at p and the row at `next` (null: zero). `multiplyAdd`: multiplies
// elements. `Tiles`: the struct that the register tiles are compiled for. The pairs are `PairedBf16` in
// simd/avx512.h.

struct Float32 {
  static constexpr Index TERMS = 1;
  static constexpr bool ROUNDS = false;
  using Tiles = Float32;
  static Vec along(const float* p, Index n) { return load(p, firstLanes(n)); }
  static Vec across(const float* p, const float*, Mask lanes) { return load(p, lanes); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/** Products of bfloat16 are exact in float32, so rounding the operands is enough. */
struct RoundedBf16 {
  static constexpr Index TERMS = 1;
  static constexpr bool ROUNDS = true;
  using Tiles = Float32;
  static Vec along(const float* p, Index n) { return roundBf16(load(p, firstLanes(n))); }
  static Vec across(const float* p, const float*, Mask lanes) { return roundBf16(load(p, lanes)); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/**
 * Calls body.operator()<Number>() with the storage for a product: floats, or the fastest one for bfloat16.
 */
template <class Body>
INKHORN_INLINE void withNumber(bool bf16, const Body& body) {
  if (!bf16) return body.template operator()<Float32>();
  if (!withExtra<PairedBf16>(body)) body.template operator()<RoundedBf16>();
}

/** Number of elements that hold `terms` terms. */
template <class Number>
constexpr Index elementsOf(Index terms) {
  return (terms + Number::TERMS - 1) / Number::TERMS;
}

}  // namespace inkhorn::INKHORN_ISA
