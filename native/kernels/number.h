// What the operands of a product are stored as once they are packed: floats, floats rounded to bfloat16, or
// pairs of bfloat16 that one instruction multiplies and adds to a float. All are 4 bytes: a pair travels in
// the bits of a float. Used by tile.h, matmul.cpp and attention.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

// Each is a struct: TERMS of the sum to an element; whether it ROUNDS; `along`, n >= 1 neighbouring terms as
// a vector of elements, zero beyond; `across`, an element each for neighbouring columns, whose terms lie in
// the row at p and (null: zero) the row at `next`; `multiplyAdd`, how elements are multiplied; and `Tiles`,
// the struct that the register tiles are compiled for. The pairs are `PairedBf16` in simd/avx512.h.

struct Float32 {
  static constexpr Index TERMS = 1;
  static constexpr bool ROUNDS = false;
  using Tiles = Float32;
  static Vec along(const float* p, Index n) { return load(p, firstLanes(n)); }
  static Vec across(const float* p, const float*, Mask lanes) { return load(p, lanes); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/** The products of bfloat16 are exact in float32: rounding the operands is all there is to it. */
struct RoundedBf16 {
  static constexpr Index TERMS = 1;
  static constexpr bool ROUNDS = true;
  using Tiles = Float32;
  static Vec along(const float* p, Index n) { return roundBf16(load(p, firstLanes(n))); }
  static Vec across(const float* p, const float*, Mask lanes) { return roundBf16(load(p, lanes)); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/**
 * Calls body.operator()<Number>() with what a product multiplies: floats, or bfloat16 in the fastest way
 * here.
 */
template <class Body>
INKHORN_INLINE void withNumber(bool bf16, const Body& body) {
  if (!bf16) return body.template operator()<Float32>();
  if (!withExtra<PairedBf16>(body)) body.template operator()<RoundedBf16>();
}

/** Elements that hold `terms` terms. */
template <class Number>
constexpr Index elementsOf(Index terms) {
  return (terms + Number::TERMS - 1) / Number::TERMS;
}

}  // namespace inkhorn::INKHORN_ISA
