// Dot products of bytes, for int8.cpp, summed in 32-bit integers. Exact: nothing saturates. Read next: int8.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

struct QuantizedRow {
  float scale;
  int32_t sum;  // of the bytes
};

/** q = x / scale in float32, rounded half to even, within -127 .. 127, 0 for NaN; the scale is max |x| / 127. */
INKHORN_INLINE QuantizedRow quantizeRow(int8_t* q, const float* x, Index n) {
  Vec largest = zero();
  eachVector(n, [&](Index i, auto lanes) { largest = max(largest, abs(load(x + i, lanes))); });
  const float scale = reduceMax(largest) / 127;
  if (scale == 0) {
    __builtin_memset(q, 0, size_t(n));
    return {0, 0};
  }
  // Whole numbers, exact up to 2^24: for n up to 132,104 at least. Adding up the bytes just stored would take longer than
  // all the rest.
  Vec sum = zero();
  eachVector(n, [&](Index i, auto lanes) {
    const Vec steps = min(splat(127), max(splat(-127), div(load(x + i, lanes), splat(scale))));
    const Vec whole = select(greater(splat(128), steps), roundEven(steps), zero());  // NaN is greater than nothing
    sum = add(sum, whole);
    storeBytes(q + i, toInt(whole), n - i);
  });
  return {scale, int32_t(reduceAdd(sum))};
}

// Each way of multiplying is a struct: BYTES to a step, what a step loads, and what it adds to a vector of sums.

/** By multiplying and adding pairs of 16-bit integers. */
#if defined(INKHORN_AVX512)
struct Words {
  using Bytes = __m512i;  // widened to 16 bits
  static constexpr Index BYTES = 32;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static VecI add(VecI sum, Bytes x, Bytes w) { return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w)); }
};

/**
 * By vpdpbusd, four products at once, on processors that have AVX512-VNNI. It multiplies unsigned by signed bytes, so
 * weights are raised by 128 (their top bit flipped): each sum is too large by SURPLUS times the sum of the inputs. As
 * assembly, because this file is compiled for processors without it too.
 */
struct Vnni {
  using Bytes = __m512i;
  static constexpr Index BYTES = 64;
  static constexpr int32_t SURPLUS = 128;
  static bool supported() { return __builtin_cpu_supports("avx512vnni"); }
  static Bytes inputs(const int8_t* p) { return _mm512_loadu_si512(p); }
  static Bytes weights(const int8_t* p) { return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128)); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
  }
};

#elif defined(INKHORN_AVX2)
struct Words {
  using Bytes = __m256i;  // widened to 16 bits
  static constexpr Index BYTES = 16;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static VecI add(VecI sum, Bytes x, Bytes w) { return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w)); }
};

#else
struct Words {
  using Bytes = int16_t __attribute__((vector_size(16)));  // a product of two bytes fits in 16 bits
  static constexpr Index BYTES = 8;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) {
    int8_t __attribute__((vector_size(8))) bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(bytes, Bytes);
  }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    const Bytes product = x * w;
    int16_t __attribute__((vector_size(8))) half[2];
    __builtin_memcpy(half, &product, sizeof product);
    return sum + VecI(__builtin_convertvector(half[0], Mask)) + VecI(__builtin_convertvector(half[1], Mask));
  }
};
#endif

/** to[0..3] = the sums over the lanes of a, b, c, d. */
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
#if defined(INKHORN_AVX512) || defined(INKHORN_AVX2)
#if defined(INKHORN_AVX512)
  const auto fold = [](VecI v) { return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1)); };
#else
  const auto fold = [](VecI v) { return v; };
#endif
  const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(fold(a), fold(b)), _mm256_hadd_epi32(fold(c), fold(d)));
  const __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), sums);
#else
  to[0] = int32_t(a[0] + a[1] + a[2] + a[3]);
  to[1] = int32_t(b[0] + b[1] + b[2] + b[3]);
  to[2] = int32_t(c[0] + c[1] + c[2] + c[3]);
  to[3] = int32_t(d[0] + d[1] + d[2] + d[3]);
#endif
}

}  // namespace inkhorn::INKHORN_ISA
