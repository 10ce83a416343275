// AVX-512: 16 lanes, and masks of one bit per lane. The primitives are documented in portable.h.
#pragma once
#include <immintrin.h>

#include "../cpu.h"

namespace inkhorn::INKHORN_ISA {

using Vec = __m512;
using VecI = __m512i;
using Mask = __mmask16;
constexpr Index LANES = 16;
constexpr int REGISTERS = 32;
constexpr bool MULTIPLIES_BY_LANE = false;

INKHORN_INLINE Mask firstLanes(Index n) { return n >= LANES ? Mask(0xffff) : n <= 0 ? Mask(0) : Mask((1u << n) - 1); }

INKHORN_INLINE Vec zero() { return _mm512_setzero_ps(); }
INKHORN_INLINE Vec splat(float x) { return _mm512_set1_ps(x); }
INKHORN_INLINE Vec load(const float* p) { return _mm512_loadu_ps(p); }
INKHORN_INLINE Vec load(const float* p, Mask m) { return _mm512_maskz_loadu_ps(m, p); }
INKHORN_INLINE void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
INKHORN_INLINE void store(float* p, Vec v, Mask m) { _mm512_mask_storeu_ps(p, m, v); }

INKHORN_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
INKHORN_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
INKHORN_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
INKHORN_INLINE Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
INKHORN_INLINE Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
INKHORN_INLINE Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
INKHORN_INLINE Vec sqrt(Vec a) { return _mm512_sqrt_ps(a); }
INKHORN_INLINE Vec abs(Vec a) { return _mm512_abs_ps(a); }
INKHORN_INLINE Vec roundEven(Vec a) { return _mm512_roundscale_ps(a, 8); }
INKHORN_INLINE Mask greater(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }
INKHORN_INLINE float reduceAdd(Vec a) { return _mm512_reduce_add_ps(a); }
INKHORN_INLINE float reduceMax(Vec a) { return _mm512_reduce_max_ps(a); }
INKHORN_INLINE float reduceMin(Vec a) { return _mm512_reduce_min_ps(a); }
/** First within the quarters of the vectors, then the quarters themselves. */
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  Vec t[LANES];
  for (int i = 0; i < 16; i += 4) {
    const Vec a = _mm512_unpacklo_ps(v[i], v[i + 1]), b = _mm512_unpackhi_ps(v[i], v[i + 1]);
    const Vec c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  for (int i = 0; i < 4; i++) {
    const Vec a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
    const Vec c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
    v[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    v[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
    v[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
    v[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
  // quarter[i], lane 4 j + p: the sum of every fourth lane of v[4 j + i], from lane p on. Then pairs of these
  // are added, and pairs of pairs.
  Vec quarter[4];
  for (int i = 0; i < 4; i++) {
    const auto halves = [](Vec a, Vec b) {
      return add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    };
    const Vec low = halves(v[i], v[4 + i]), high = halves(v[8 + i], v[12 + i]);
    quarter[i] = add(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xdd));
  }
  const auto pairs = [](Vec a, Vec b) { return add(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee)); };
  const Vec low = pairs(quarter[0], quarter[1]), high = pairs(quarter[2], quarter[3]);
  return add(_mm512_shuffle_ps(low, high, 0x88), _mm512_shuffle_ps(low, high, 0xdd));
}

INKHORN_INLINE VecI splatI(uint32_t x) { return _mm512_set1_epi32(int(x)); }
INKHORN_INLINE VecI laneNumbers() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
INKHORN_INLINE VecI loadI(const int32_t* p) { return _mm512_loadu_si512(p); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { _mm512_storeu_si512(p, v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return _mm512_add_epi32(a, b); }
INKHORN_INLINE VecI subI(VecI a, VecI b) { return _mm512_sub_epi32(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return _mm512_mullo_epi32(a, b); }
INKHORN_INLINE VecI andI(VecI a, VecI b) { return _mm512_and_si512(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
template <int BITS>
INKHORN_INLINE VecI shiftRightU(VecI a) {
  return _mm512_srli_epi32(a, BITS);
}
/** As in avx2.h. The parts have the first and the last two lanes of each four. */
struct Multiplicand {
  VecI parts[2];

  explicit Multiplicand(VecI a) : parts{_mm512_unpacklo_epi32(a, a), _mm512_unpackhi_epi32(a, a)} {}
  Multiplicand(VecI low, VecI high) : parts{low, high} {}
  VecI together() const {
    return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(parts[0]), _mm512_castsi512_ps(parts[1]), 0x88));
  }
  Multiplicand times(VecI b) const { return {_mm512_mul_epu32(parts[0], b), _mm512_mul_epu32(parts[1], b)}; }
  Multiplicand high() const {
    return {_mm512_shuffle_epi32(parts[0], _MM_PERM_DDBB), _mm512_shuffle_epi32(parts[1], _MM_PERM_DDBB)};
  }
  Multiplicand exclusiveOr(VecI b) const { return {_mm512_xor_si512(parts[0], b), _mm512_xor_si512(parts[1], b)}; }
  Multiplicand exclusiveOr(Multiplicand a, VecI b) const {
    return {xorI(a.parts[0], b, parts[0]), xorI(a.parts[1], b, parts[1])};  // first those known early
  }
};
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return _mm512_cmpge_epu32_mask(a, b); }
INKHORN_INLINE Vec toFloat(VecI a) { return _mm512_cvtepi32_ps(a); }
INKHORN_INLINE VecI toInt(Vec a) { return _mm512_cvtps_epi32(a); }
INKHORN_INLINE Vec ldexp(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
INKHORN_INLINE Vec roundBf16(Vec a) {
  const __m512i bits = _mm512_castps_si512(a);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const Vec rounded = _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(int(0xffff0000))));
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), rounded, a);
}

INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
INKHORN_INLINE VecI loadBytesU(const int8_t* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
  _mm_mask_storeu_epi8(p, firstLanes(n), _mm512_cvtepi32_epi8(a));
}

struct Words {
  using Bytes = __m512i;
  static constexpr Index BYTES = 32, TERMS = 2;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static Bytes everywhere(int32_t unit) { return _mm512_set1_epi32(unit); }
  static VecI add(VecI sum, Bytes x, Bytes w) { return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w)); }
};
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
  const auto fold = [](VecI v) { return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1)); };
  const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(fold(a), fold(b)), _mm256_hadd_epi32(fold(c), fold(d)));
  const __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), sums);
}

/** Products with codes of four bits by vpmaddubsw, for processors without AVX512-VNNI; as in avx2.h. */
struct FourBits {
  using Bytes = __m512i;
  static constexpr Index BYTES = 64;
  static bool supported() { return true; }
  static Bytes inputs(const int8_t* p) { return _mm512_loadu_si512(p); }
  static Bytes everywhere(int32_t unit) { return _mm512_set1_epi32(unit); }
  /** The lower and the upper four bits of each byte. */
  static Bytes lowCodes(Bytes pairs) { return _mm512_and_si512(pairs, _mm512_set1_epi8(15)); }
  static Bytes highCodes(Bytes pairs) { return lowCodes(_mm512_srli_epi16(pairs, 4)); }
  static VecI add(VecI sum, Bytes x, Bytes codes) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(codes, x), _mm512_set1_epi16(1)));
  }
};

/**
 * Dot products of bytes by vpdpbusd, four products at once, on processors with AVX512-VNNI. The instruction
 * multiplies unsigned by signed bytes, so weights are raised by 128 (their top bit is flipped): each sum is
 * too large by SURPLUS times the sum of the inputs. Written in assembly, because this file is also compiled
 * for processors without it.
 */
struct ByteDots {
  using Bytes = __m512i;
  static constexpr Index BYTES = 64, TERMS = 4;
  static constexpr int32_t SURPLUS = 128;
  static bool supported() { return cpu().avx512vnni; }
  static Bytes inputs(const int8_t* p) { return _mm512_loadu_si512(p); }
  static Bytes weights(const int8_t* p) { return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128)); }
  static Bytes everywhere(int32_t unit) { return _mm512_set1_epi32(unit); }
  static Bytes lowCodes(Bytes pairs) { return FourBits::lowCodes(pairs); }
  static Bytes highCodes(Bytes pairs) { return FourBits::highCodes(pairs); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
  }
};

struct ByteSquares;  // declared only

/**
 * Pairs of bfloat16 as elements of a product (number.h), by vdpbf16ps, on processors with AVX512-BF16.
 * Written in assembly, because this file is also compiled for processors without it.
 */
struct PairedBf16 {
  static constexpr Index TERMS = 2, STEP = 1;
  static constexpr bool ROUNDS = true;
  using Tiles = PairedBf16;
  struct Registers {};
  static bool supported() { return cpu().avx512bf16; }
  /** 32 floats, rounded: the 16 of `low`, then the 16 of `high`. */
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

/**
 * The same pairs for AMX, whose eight tile registers hold 16 rows of 64 bytes (Intel's Architecture
 * Instruction Set Extensions, chapter 3). Registers are named by number; strides are between rows, in floats.
 */
struct TiledBf16 : PairedBf16 {
  static constexpr Index STEP = 16;
  using Tiles = TiledBf16;
#if defined(__linux__)  // cpu.cpp knows how to ask there
  static bool supported() { return cpu().amx; }
#endif

  /** Makes the registers usable for a thread as long as it lives. */
  struct Registers {
    Registers() {
      struct {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
      } shape;
      __asm__ volatile("ldtilecfg %0" : : "m"(shape));
    }
    ~Registers() { __asm__ volatile("tilerelease"); }
    Registers(const Registers&) = delete;
    Registers& operator=(const Registers&) = delete;
  };

  template <int TO>
  static void clear() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(TO));
  }
  template <int TO>
  static void read(const float* p, Index stride) {
    __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(TO), "r"(p), "r"(stride * 4) : "memory");
  }
  template <int FROM>
  static void write(float* p, Index stride) {
    __asm__ volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(FROM), "r"(p), "r"(stride * 4) : "memory");
  }
  /** Register SUM += A B: 16 rows of A by 16 rows of pairs of B. */
  template <int SUM, int A, int B>
  static void multiply() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SUM), "i"(A), "i"(B));
  }
};

}  // namespace inkhorn::INKHORN_ISA
