// The storage of a product's packed operands: floats, floats rounded to bfloat16, or pairs of bfloat16, which
// one instruction multiplies and adds to a float. All take 4 bytes: a pair is stored in the bits of a float.
// Used by tile.h, matmul.cpp and attention.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

// Each storage is a struct. TERMS: terms of the sum per element. STEP: sums are padded with zeros to a
// multiple of so many elements. ROUNDS: whether it rounds. `along`: n >= 1
// neighbouring terms as a vector of elements, with zeros beyond. `across`: one element each for neighbouring
// columns, whose terms are in the row at p and the row at `next` (null: zero). `multiplyAdd`: multiplies
// elements. `Tiles`: the struct that the register tiles are compiled for. `Registers`: lives while a thread
// multiplies. The pairs are `PairedBf16` and
// `TiledBf16` in simd/avx512.h.

struct Float32 {
  static constexpr Index TERMS = 1, STEP = 1;
  static constexpr bool ROUNDS = false;
  using Tiles = Float32;
  struct Registers {};
  static Vec along(const float* p, Index n) { return n >= LANES ? load(p) : load(p, firstLanes(n)); }
  static Vec across(const float* p, const float*, Mask lanes) { return load(p, lanes); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/** Products of bfloat16 are exact in float32, so rounding the operands is enough. */
struct RoundedBf16 {
  static constexpr Index TERMS = 1, STEP = 1;
  static constexpr bool ROUNDS = true;
  using Tiles = Float32;
  struct Registers {};
  static Vec along(const float* p, Index n) { return roundBf16(Float32::along(p, n)); }
  static Vec across(const float* p, const float*, Mask lanes) { return roundBf16(load(p, lanes)); }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) { return fma(a, b, sum); }
};

/** Calls body.operator()<Number>() with the storage for a product. */
template <class Body>
INKHORN_INLINE void withNumber(Precision precision, const Body& body) {
  if (precision == Precision::f32) return body.template operator()<Float32>();
  if (precision == Precision::bf16Pairs && withExtra<PairedBf16>(body)) return;
  if (precision == Precision::bf16Tiles && withExtra<TiledBf16>(body)) return;
  body.template operator()<RoundedBf16>();
}

/**
 * As `withNumber`, for a product that waits for memory: pairs take half of it, however slowly they multiply.
 */
template <class Body>
INKHORN_INLINE void withSmallestNumber(Precision precision, const Body& body) {
  if (precision == Precision::f32) return body.template operator()<Float32>();
  if (!withExtra<PairedBf16>(body)) body.template operator()<RoundedBf16>();
}

/** Number of elements that hold a sum of `terms` terms. */
template <class Number>
constexpr Index elementsOf(Index terms) {
  constexpr Index step = Number::TERMS * Number::STEP;
  return (terms + step - 1) / step * Number::STEP;
}

}  // namespace inkhorn::INKHORN_ISA
