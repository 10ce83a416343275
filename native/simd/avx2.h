// AVX2 and FMA: 8 lanes. The primitives are documented in portable.h.
#pragma once
#include <immintrin.h>

#include "../cpu.h"

namespace inkhorn::INKHORN_ISA {

using Vec = __m256;
using VecI = __m256i;
using Mask = __m256i;  // a full lane of ones
constexpr Index LANES = 8;
constexpr int REGISTERS = 16;
constexpr bool MULTIPLIES_BY_LANE = false;

INKHORN_INLINE Mask firstLanes(Index n) {
  const int count = n >= LANES ? int(LANES) : n <= 0 ? 0 : int(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INKHORN_INLINE Vec zero() { return _mm256_setzero_ps(); }
INKHORN_INLINE Vec splat(float x) { return _mm256_set1_ps(x); }
INKHORN_INLINE Vec load(const float* p) { return _mm256_loadu_ps(p); }
INKHORN_INLINE Vec load(const float* p, Mask m) { return _mm256_maskload_ps(p, m); }
INKHORN_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
/** In pieces of 4, 2 and 1 lanes: on AMD's processors vmaskmovps to memory is microcode, and slow. */
INKHORN_INLINE void store(float* p, Vec v, Mask m) {
  const int count = __builtin_popcount(unsigned(_mm256_movemask_ps(_mm256_castsi256_ps(m))));
  if (count == int(LANES)) return store(p, v);
  __m128 rest = _mm256_castps256_ps128(v);
  if (count & 4) {
    _mm_storeu_ps(p, rest);
    p += 4;
    rest = _mm256_extractf128_ps(v, 1);
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    p += 2;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (count & 1) _mm_store_ss(p, rest);
}

INKHORN_INLINE Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
INKHORN_INLINE Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
INKHORN_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
INKHORN_INLINE Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
INKHORN_INLINE Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
INKHORN_INLINE Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
INKHORN_INLINE Vec sqrt(Vec a) { return _mm256_sqrt_ps(a); }
INKHORN_INLINE Vec abs(Vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
INKHORN_INLINE Vec roundEven(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INKHORN_INLINE Mask greater(Vec a, Vec b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m)); }
INKHORN_INLINE float reduceAdd(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INKHORN_INLINE float reduceMax(Vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
INKHORN_INLINE float reduceMin(Vec a) {
  __m128 s = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_min_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  Vec t[LANES];
  for (int i = 0; i < 8; i += 4) {
    const Vec a = _mm256_unpacklo_ps(v[i], v[i + 1]), b = _mm256_unpackhi_ps(v[i], v[i + 1]);
    const Vec c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm256_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
    v[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
  }
}
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
  transpose(v);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) v[i] = add(v[i], v[i + 4]);
  return add(add(v[0], v[2]), add(v[1], v[3]));
}

INKHORN_INLINE VecI splatI(uint32_t x) { return _mm256_set1_epi32(int(x)); }
INKHORN_INLINE VecI laneNumbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
INKHORN_INLINE VecI loadI(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return _mm256_add_epi32(a, b); }
INKHORN_INLINE VecI subI(VecI a, VecI b) { return _mm256_sub_epi32(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return _mm256_mullo_epi32(a, b); }
INKHORN_INLINE VecI andI(VecI a, VecI b) { return _mm256_and_si256(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
template <int BITS>
INKHORN_INLINE VecI shiftRightU(VecI a) {
  return _mm256_srli_epi32(a, BITS);
}
/** Each number is the lower half of 64 bits, as vpmuludq multiplies them. The upper half is arbitrary. */
struct Multiplicand {
  VecI parts[2];  // lanes 0, 1, 4, 5 and 2, 3, 6, 7

  explicit Multiplicand(VecI a) : parts{_mm256_unpacklo_epi32(a, a), _mm256_unpackhi_epi32(a, a)} {}
  Multiplicand(VecI low, VecI high) : parts{low, high} {}
  VecI together() const {
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(parts[0]), _mm256_castsi256_ps(parts[1]), 0x88));
  }
  Multiplicand times(VecI b) const { return {_mm256_mul_epu32(parts[0], b), _mm256_mul_epu32(parts[1], b)}; }
  Multiplicand high() const { return {_mm256_shuffle_epi32(parts[0], 0xf5), _mm256_shuffle_epi32(parts[1], 0xf5)}; }
  Multiplicand exclusiveOr(VecI b) const { return {_mm256_xor_si256(parts[0], b), _mm256_xor_si256(parts[1], b)}; }
  Multiplicand exclusiveOr(Multiplicand a, VecI b) const {
    return {xorI(a.parts[0], b, parts[0]), xorI(a.parts[1], b, parts[1])};  // first those known early
  }
};
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a); }
INKHORN_INLINE Vec toFloat(VecI a) { return _mm256_cvtepi32_ps(a); }
INKHORN_INLINE VecI toInt(Vec a) { return _mm256_cvtps_epi32(a); }
INKHORN_INLINE Vec ldexp(Vec a, Vec n) {
  const VecI exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(a, _mm256_castsi256_ps(exponent));
}
/** The upper half of a NaN becomes ones: `or` takes a third of what a blend does. */
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI bits = _mm256_castps_si256(a), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const VecI up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const VecI nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  return _mm256_castsi256_ps(_mm256_and_si256(_mm256_or_si256(up, nan), _mm256_set1_epi32(int(0xffff0000))));
}

INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
INKHORN_INLINE VecI loadBytesU(const int8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  const int64_t bytes = _mm_cvtsi128_si64(_mm_packs_epi16(words, words));
  __builtin_memcpy(p, &bytes, size_t(n < LANES ? n : LANES));
}

/**
 * Dot products of bytes, of four neighbours in a lane. vpmaddubsw multiplies unsigned by signed bytes, so
 * that the sign of a weight moves to the input, which is within -127 .. 127. Two products make at most 2 *
 * 128 * 127: nothing saturates.
 */
struct Words {
  using Bytes = __m256i;
  static constexpr Index BYTES = 32, TERMS = 4;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static Bytes everywhere(int32_t unit) { return _mm256_set1_epi32(unit); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    return addPairs(sum, _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
  }
  /** In assembly, so that the sum stays in its register: g++ 12 moves and spills sums of a large tile. */
  static VecI addPairs(VecI sum, __m256i pairs) {
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
    return sum;
  }
};
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
  const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  const __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), sums);
}

/** As Words, for weights that are codes of four bits, in pairs. */
struct FourBits {
  using Bytes = __m256i;
  static constexpr Index BYTES = 32;
  static bool supported() { return true; }
  static Bytes inputs(const int8_t* p) { return Words::inputs(p); }
  static Bytes everywhere(int32_t unit) { return _mm256_set1_epi32(unit); }
  /** The lower and the upper four bits of each byte. */
  static Bytes lowCodes(Bytes pairs) { return _mm256_and_si256(pairs, _mm256_set1_epi8(15)); }
  static Bytes highCodes(Bytes pairs) { return lowCodes(_mm256_srli_epi16(pairs, 4)); }
  static VecI add(VecI sum, Bytes x, Bytes codes) { return Words::addPairs(sum, _mm256_maddubs_epi16(codes, x)); }
};

/** Dot products of bytes by vpdpbusd on processors with AVX-VNNI; as in avx512.h. */
struct ByteDots {
  using Bytes = __m256i;
  static constexpr Index BYTES = 32, TERMS = 4;
  static constexpr int32_t SURPLUS = 128;
#if defined(__clang__) || __GNUC__ >= 11  // whose assemblers know the instruction
  static bool supported() { return cpu().avxvnni; }
#endif
  static Bytes inputs(const int8_t* p) { return Words::inputs(p); }
  static Bytes weights(const int8_t* p) { return _mm256_xor_si256(inputs(p), _mm256_set1_epi8(-128)); }
  static Bytes everywhere(int32_t unit) { return _mm256_set1_epi32(unit); }
  static Bytes lowCodes(Bytes pairs) { return FourBits::lowCodes(pairs); }
  static Bytes highCodes(Bytes pairs) { return FourBits::highCodes(pairs); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(w), "x"(x));
    return sum;
  }
};

// Declared only: their uses with other instruction sets are never reached here.
struct ByteSquares;
struct PairedBf16;
struct TiledBf16;

}  // namespace inkhorn::INKHORN_ISA
