// A vector of floats and what kernels do with it, for the instruction set this file is compiled for.
// Kernels use these names only; the intrinsics live here. All of it is inlined into namespace INKHORN_ISA, so that code
// for a wide instruction set never ends up in the path of a narrow one: kernel files use no std:: templates.
#pragma once
#include "kernels.h"

#if defined(INKHORN_AVX512) || defined(INKHORN_AVX2)
#include <immintrin.h>
#endif

#define INKHORN_INLINE static inline __attribute__((always_inline))

namespace inkhorn::INKHORN_ISA {

#if defined(INKHORN_AVX512)
// ---- AVX-512: 16 lanes, a bit per lane as mask -------------------------------------------------------------------

using Vec = __m512;    // floats
using VecI = __m512i;  // 32-bit integers
using Mask = __mmask16;
constexpr Index LANES = 16;

/** The first n lanes; n may be negative or more than LANES. */
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
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }    // a * b + c
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a * b
INKHORN_INLINE Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }                // b where either is NaN
INKHORN_INLINE Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }                // b where either is NaN
INKHORN_INLINE Vec sqrt(Vec a) { return _mm512_sqrt_ps(a); }
INKHORN_INLINE Vec abs(Vec a) { return _mm512_abs_ps(a); }
INKHORN_INLINE Vec roundEven(Vec a) { return _mm512_roundscale_ps(a, 8); }
INKHORN_INLINE Mask greater(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }  // m ? a : b
INKHORN_INLINE float reduceAdd(Vec a) { return _mm512_reduce_add_ps(a); }
INKHORN_INLINE float reduceMax(Vec a) { return _mm512_reduce_max_ps(a); }
INKHORN_INLINE float reduceMin(Vec a) { return _mm512_reduce_min_ps(a); }
/** a * 2^n for whole n. */
INKHORN_INLINE Vec ldexp(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
/** The nearest bfloat16, ties to even: the upper half of a float after adding just under half of its last place. */
INKHORN_INLINE Vec roundBf16(Vec a) {
  const __m512i bits = _mm512_castps_si512(a),
                odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const Vec rounded = _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(int(0xffff0000))));
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), rounded, a);  // NaN stays
}

INKHORN_INLINE VecI splatI(uint32_t x) { return _mm512_set1_epi32(int(x)); }
INKHORN_INLINE VecI laneNumbers() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
INKHORN_INLINE VecI loadI(const int32_t* p) { return _mm512_loadu_si512(p); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { _mm512_storeu_si512(p, v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return _mm512_add_epi32(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return _mm512_mullo_epi32(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
/** The upper 32 bits of the unsigned products. */
INKHORN_INLINE VecI mulHighU(VecI a, VecI b) {
  const VecI even = _mm512_mul_epu32(a, b);  // 64-bit products of the lanes of even number
  const VecI odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_CDAB);
}
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return _mm512_cmpge_epu32_mask(a, b); }
INKHORN_INLINE Vec toFloat(VecI a) { return _mm512_cvtepi32_ps(a); }
INKHORN_INLINE VecI toInt(Vec a) { return _mm512_cvtps_epi32(a); }  // nearest, ties to even
/** LANES signed bytes as floats. */
INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

/** Rows become columns, in place: first within quarters of the vectors, then the quarters themselves. */
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

#elif defined(INKHORN_AVX2)
// ---- AVX2 and FMA: 8 lanes, a full lane of ones as mask ------------------------------------------------------------

using Vec = __m256;
using VecI = __m256i;
using Mask = __m256i;
constexpr Index LANES = 8;

INKHORN_INLINE Mask firstLanes(Index n) {
  const int count = n >= LANES ? int(LANES) : n <= 0 ? 0 : int(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INKHORN_INLINE Vec zero() { return _mm256_setzero_ps(); }
INKHORN_INLINE Vec splat(float x) { return _mm256_set1_ps(x); }
INKHORN_INLINE Vec load(const float* p) { return _mm256_loadu_ps(p); }
INKHORN_INLINE Vec load(const float* p, Mask m) { return _mm256_maskload_ps(p, m); }
INKHORN_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
INKHORN_INLINE void store(float* p, Vec v, Mask m) { _mm256_maskstore_ps(p, m, v); }

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

INKHORN_INLINE VecI splatI(uint32_t x) { return _mm256_set1_epi32(int(x)); }
INKHORN_INLINE VecI laneNumbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
INKHORN_INLINE VecI loadI(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return _mm256_add_epi32(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return _mm256_mullo_epi32(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
INKHORN_INLINE VecI mulHighU(VecI a, VecI b) {
  const VecI even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
  const VecI odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  return _mm256_blend_epi32(even, odd, 0xaa);
}
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI bits = _mm256_castps_si256(a), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const VecI up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const Vec rounded = _mm256_castsi256_ps(_mm256_and_si256(up, _mm256_set1_epi32(int(0xffff0000))));
  return _mm256_blendv_ps(rounded, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a); }
INKHORN_INLINE Vec toFloat(VecI a) { return _mm256_cvtepi32_ps(a); }
INKHORN_INLINE VecI toInt(Vec a) { return _mm256_cvtps_epi32(a); }
INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
/** a * 2^n for whole n in [-126, 127]. */
INKHORN_INLINE Vec ldexp(Vec a, Vec n) {
  const VecI exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(a, _mm256_castsi256_ps(exponent));
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

#else
// ---- Portable: 4 lanes in the compiler's own vector type (SSE2, NEON, ...) -----------------------------------------

using Vec = float __attribute__((vector_size(16)));
using VecI = uint32_t __attribute__((vector_size(16)));
using Mask = int32_t __attribute__((vector_size(16)));
constexpr Index LANES = 4;

INKHORN_INLINE Mask firstLanes(Index n) {
  const int32_t count = n >= LANES ? int32_t(LANES) : n <= 0 ? 0 : int32_t(n);
  return Mask{0, 1, 2, 3} < Mask{count, count, count, count};
}

INKHORN_INLINE Vec zero() { return Vec{0, 0, 0, 0}; }
INKHORN_INLINE Vec splat(float x) { return Vec{x, x, x, x}; }
INKHORN_INLINE Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
INKHORN_INLINE Vec load(const float* p, Mask m) {
  Vec v = zero();
  for (int i = 0; i < LANES; i++) {
    if (m[i]) v[i] = p[i];
  }
  return v;
}
INKHORN_INLINE void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
INKHORN_INLINE void store(float* p, Vec v, Mask m) {
  for (int i = 0; i < LANES; i++) {
    if (m[i]) p[i] = v[i];
  }
}

INKHORN_INLINE Vec add(Vec a, Vec b) { return a + b; }
INKHORN_INLINE Vec sub(Vec a, Vec b) { return a - b; }
INKHORN_INLINE Vec mul(Vec a, Vec b) { return a * b; }
INKHORN_INLINE Vec div(Vec a, Vec b) { return a / b; }
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return c - a * b; }
INKHORN_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }
INKHORN_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }
INKHORN_INLINE Vec sqrt(Vec a) {
  return Vec{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
INKHORN_INLINE Vec abs(Vec a) { return Vec(VecI(a) & VecI{0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}); }
/** Adding and taking away 1.5 * 2^23 leaves no bits for a fraction; larger values have none. */
INKHORN_INLINE Vec roundEven(Vec a) {
  const Vec magic = splat(12582912.0f);
  Vec shifted = a + magic;
  __asm__("" : "+m"(shifted));  // keeps the compiler from folding the two
  return abs(a) < splat(4194304.0f) ? shifted - magic : a;
}
INKHORN_INLINE Mask greater(Vec a, Vec b) { return a > b; }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return m ? a : b; }
INKHORN_INLINE float reduceAdd(Vec a) { return (a[0] + a[2]) + (a[1] + a[3]); }
INKHORN_INLINE float reduceMax(Vec a) {
  const float x = a[0] > a[2] ? a[0] : a[2], y = a[1] > a[3] ? a[1] : a[3];
  return x > y ? x : y;
}
INKHORN_INLINE float reduceMin(Vec a) {
  const float x = a[0] < a[2] ? a[0] : a[2], y = a[1] < a[3] ? a[1] : a[3];
  return x < y ? x : y;
}

INKHORN_INLINE VecI splatI(uint32_t x) { return VecI{x, x, x, x}; }
INKHORN_INLINE VecI laneNumbers() { return VecI{0, 1, 2, 3}; }
INKHORN_INLINE VecI loadI(const int32_t* p) {
  VecI v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
INKHORN_INLINE void storeI(int32_t* p, VecI v) { __builtin_memcpy(p, &v, sizeof v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return a + b; }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return a * b; }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return a ^ b ^ c; }
INKHORN_INLINE VecI mulHighU(VecI a, VecI b) {
  VecI high;
  for (int i = 0; i < LANES; i++) high[i] = uint32_t((uint64_t(a[i]) * b[i]) >> 32);
  return high;
}
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI bits = VecI(a), up = bits + splatI(0x7fff) + ((bits >> 16) & splatI(1));
  return a == a ? Vec(up & splatI(0xffff0000)) : a;
}
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return a >= b; }
INKHORN_INLINE Vec toFloat(VecI a) { return __builtin_convertvector(Mask(a), Vec); }
INKHORN_INLINE VecI toInt(Vec a) { return VecI(__builtin_convertvector(roundEven(a), Mask)); }
INKHORN_INLINE Vec loadBytes(const int8_t* p) { return Vec{float(p[0]), float(p[1]), float(p[2]), float(p[3])}; }
INKHORN_INLINE Vec ldexp(Vec a, Vec n) { return a * Vec((toInt(n) + splatI(127)) << 23); }
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  Vec t[LANES];
  for (int i = 0; i < LANES; i++) t[i] = Vec{v[0][i], v[1][i], v[2][i], v[3][i]};
  for (int i = 0; i < LANES; i++) v[i] = t[i];
}

#endif

// ---- The same for all ------------------------------------------------------------------------------------------------

/** Asks for the cache line at p, which need not be readable. */
INKHORN_INLINE void prefetch(const void* p) { __builtin_prefetch(p); }
/** The same into the L2 cache. */
INKHORN_INLINE void prefetchFar(const void* p) { __builtin_prefetch(p, 0, 2); }

/** The mask that lets everything through, and costs nothing. */
struct AllLanes {};
INKHORN_INLINE Vec load(const float* p, AllLanes) { return load(p); }
INKHORN_INLINE void store(float* p, Vec v, AllLanes) { store(p, v); }
INKHORN_INLINE Vec select(AllLanes, Vec a, Vec) { return a; }

/** The first n of the whole numbers a, each within -128 .. 127, as bytes. */
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
#if defined(INKHORN_AVX512)
  _mm_mask_storeu_epi8(p, firstLanes(n), _mm512_cvtepi32_epi8(a));
#else
  int32_t whole[LANES];
  storeI(whole, a);
  for (Index lane = 0; lane < (n < LANES ? n : LANES); lane++) p[lane] = int8_t(whole[lane]);
#endif
}

/** Calls body(i, lanes) for i = 0, LANES, ... below n; `lanes` masks what lies beyond n in the last, partial vector. */
template <class Body>
INKHORN_INLINE void eachVector(Index n, Body&& body) {
  Index i = 0;
  for (; i + LANES <= n; i += LANES) body(i, AllLanes{});
  if (i < n) body(i, firstLanes(n - i));
}

/** Sum of each vector's lanes, as one vector; v is overwritten. Lanes are added in halves, the order of `reduceAdd`. */
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
#if defined(INKHORN_AVX512)
  Vec quarter[4];  // lane 4 j + p: the sum of every fourth lane from p on of v[4 j + i]; then pairs of these, then one
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
#else
  transpose(v);
#pragma GCC unroll 4
  for (Index step = LANES / 2; step > 0; step /= 2) {
#pragma GCC unroll 8
    for (Index i = 0; i < step; i++) v[i] = add(v[i], v[i + step]);
  }
  return v[0];
#endif
}

/**
 * e^x to about 1e-7 relative: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor polynomial of degree 7, scaled by
 * 2^n. Results below 2^-126 become 0, above 2^127 they stay at the largest scale; NaN stays NaN.
 */
INKHORN_INLINE Vec exp(Vec x) {
  const Vec lowest = splat(-87.33654f), highest = splat(88.02969f);
  const Vec clamped = min(highest, max(lowest, x));  // the operand order keeps NaN
  const Vec n = roundEven(mul(clamped, splat(1.44269504f)));
  Vec r = fnma(n, splat(0.693145752f), clamped);  // ln 2 in two parts, the first exact in few bits
  r = fnma(n, splat(1.42860677e-6f), r);
  Vec p = splat(1.0f / 5040);
  p = fma(p, r, splat(1.0f / 720));
  p = fma(p, r, splat(1.0f / 120));
  p = fma(p, r, splat(1.0f / 24));
  p = fma(p, r, splat(1.0f / 6));
  p = fma(p, r, splat(0.5f));
  p = fma(p, r, splat(1.0f));
  p = fma(p, r, splat(1.0f));
  return select(greater(lowest, x), zero(), ldexp(p, n));
}

}  // namespace inkhorn::INKHORN_ISA
