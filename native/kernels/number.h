// What the operands of a product are stored as once they are packed: floats, floats rounded to bfloat16, or pairs of
// bfloat16 that one instruction multiplies and adds to a float. All are 4 bytes: a pair travels in the bits of a float.
// Used by tile.h, matmul.cpp and attention.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

// Each is a struct: TERMS of the sum to an element; whether it ROUNDS; `along`, n >= 1 neighbouring terms as a vector of elements, zero beyond;
// `across`, an element each for neighbouring columns, whose terms lie in the row at p and (null: zero) the row at `next`;
// `multiplyAdd`, how elements are multiplied; and `tiles`, the struct that the register tiles are compiled for.

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

#if defined(INKHORN_AVX512)
/** By vdpbf16ps, on processors that have AVX512-BF16. As assembly: this file is compiled for those without it too. */
struct PairedBf16 {
  static constexpr Index TERMS = 2;
  static constexpr bool ROUNDS = true;
  using Tiles = PairedBf16;
  static bool supported() { return __builtin_cpu_supports("avx512bf16"); }
  /** 32 floats, rounded: those of `low`, then those of `high`. */
  static __m512i convert(Vec low, Vec high) {
    __m512i pairs;
    __asm__("vcvtne2ps2bf16 %2, %1, %0" : "=v"(pairs) : "v"(high), "v"(low));
    return pairs;
  }
  static Vec along(const float* p, Index n) {
    return _mm512_castsi512_ps(convert(load(p, firstLanes(n)), load(p + LANES, firstLanes(n - LANES))));
  }
  static Vec across(const float* p, const float* next, Mask lanes) {
    const __m512i interleave =
        _mm512_add_epi32(_mm512_set1_epi32(16 << 16), _mm512_mullo_epi32(laneNumbers(), splatI(0x10001)));
    const Vec second = next == nullptr ? zero() : load(next, lanes);
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(interleave, convert(load(p, lanes), second)));
  }
  static Vec multiplyAdd(Vec a, Vec b, Vec sum) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
};
#endif

/** Elements that hold `terms` terms. */
template <class Number>
constexpr Index elementsOf(Index terms) {
  return (terms + Number::TERMS - 1) / Number::TERMS;
}

}  // namespace inkhorn::INKHORN_ISA
