// 4 lanes in the compiler's own vector type: SSE2, NEON and others. The simplest of the instruction sets, and
// so the one where the primitives are documented. The other headers have the same names in the same order.
#pragma once

namespace inkhorn::INKHORN_ISA {

using Vec = float __attribute__((vector_size(16)));      // floats
using VecI = uint32_t __attribute__((vector_size(16)));  // 32-bit integers
using Mask = int32_t __attribute__((vector_size(16)));   // selected lanes: all bits of a lane are ones
constexpr Index LANES = 4;
constexpr int REGISTERS = 16;               // number of vector registers; NEON has more
constexpr bool MULTIPLIES_BY_LANE = false;  // whether fma takes one lane of a vector as well as a splat

/** The first n lanes; n may be negative or more than LANES. */
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
/** Loads the lanes of the mask. The other lanes become 0 and are not read from memory. */
INKHORN_INLINE Vec load(const float* p, Mask m) {
  Vec v = zero();
  for (int i = 0; i < LANES; i++) {
    if (m[i]) v[i] = p[i];
  }
  return v;
}
INKHORN_INLINE void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
/** Stores the first lanes: the mask must be one of `firstLanes`. The other lanes are not written. */
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
INKHORN_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }  // b where either is NaN
INKHORN_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }  // b where either is NaN
INKHORN_INLINE Vec sqrt(Vec a) {
  return Vec{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
INKHORN_INLINE Vec abs(Vec a) { return Vec(VecI(a) & VecI{0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}); }
/**
 * The nearest whole number, ties to even. Adding 1.5 * 2^23 leaves no bits for a fraction. Larger values have
 * no fraction.
 */
INKHORN_INLINE Vec roundEven(Vec a) {
  const Vec magic = splat(12582912.0f);
  Vec shifted = a + magic;
  __asm__("" : "+m"(shifted));  // keeps the compiler from cancelling the addition and subtraction
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
/** Transposes, in place. */
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  Vec t[LANES];
  for (int i = 0; i < LANES; i++) t[i] = Vec{v[0][i], v[1][i], v[2][i], v[3][i]};
  for (int i = 0; i < LANES; i++) v[i] = t[i];
}
/**
 * The sum of each vector's lanes, as one vector. Overwrites v. Adds lanes in the order of `reduceAdd`.
 */
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
  transpose(v);
  return add(add(v[0], v[2]), add(v[1], v[3]));
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
INKHORN_INLINE VecI subI(VecI a, VecI b) { return a - b; }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return a * b; }
INKHORN_INLINE VecI andI(VecI a, VecI b) { return a & b; }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return a ^ b ^ c; }
template <int BITS>
INKHORN_INLINE VecI shiftRightU(VecI a) {
  return a >> BITS;
}
/**
 * LANES unsigned numbers that are multiplied to products of 64 bits, in a form for which the processor has
 * instructions. A product serves as its lower half; `high` is its upper half.
 */
struct Multiplicand {
  VecI lower, upper;

  explicit Multiplicand(VecI a) : lower(a), upper(a) {}
  Multiplicand(VecI low, VecI high) : lower(low), upper(high) {}
  VecI together() const { return lower; }
  Multiplicand times(VecI b) const {
    VecI product;
    for (int i = 0; i < LANES; i++) product[i] = uint32_t((uint64_t(lower[i]) * b[i]) >> 32);
    return {mulI(lower, b), product};
  }
  Multiplicand high() const { return Multiplicand(upper); }
  Multiplicand exclusiveOr(VecI b) const { return Multiplicand(xorI(lower, b, splatI(0))); }
  Multiplicand exclusiveOr(Multiplicand a, VecI b) const { return Multiplicand(xorI(lower, a.lower, b)); }
};
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return a >= b; }
INKHORN_INLINE Vec toFloat(VecI a) { return __builtin_convertvector(Mask(a), Vec); }
/** The nearest integer, ties to even. */
INKHORN_INLINE VecI toInt(Vec a) { return VecI(__builtin_convertvector(roundEven(a), Mask)); }
/** a * 2^n for whole n in [-126, 127]. */
INKHORN_INLINE Vec ldexp(Vec a, Vec n) { return a * Vec((toInt(n) + splatI(127)) << 23); }
/**
 * The nearest bfloat16, ties to even: the upper half of a float, after adding just under half of the last
 * kept bit.
 */
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI bits = VecI(a), up = bits + splatI(0x7fff) + ((bits >> 16) & splatI(1));
  return a == a ? Vec(up & splatI(0xffff0000)) : a;  // NaN stays
}

/** LANES signed bytes as floats. */
INKHORN_INLINE Vec loadBytes(const int8_t* p) { return Vec{float(p[0]), float(p[1]), float(p[2]), float(p[3])}; }
/** LANES unsigned bytes as integers. */
INKHORN_INLINE VecI loadBytesU(const int8_t* p) {
  return VecI{uint8_t(p[0]), uint8_t(p[1]), uint8_t(p[2]), uint8_t(p[3])};
}
/** The first n of the whole numbers a, each within -128 .. 127, as bytes. */
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
  for (Index lane = 0; lane < (n < LANES ? n : LANES); lane++) p[lane] = int8_t(a[lane]);
}

/** Dot products of signed bytes (int8-dot.h): BYTES per step, widened to 16 bits, summed in 32 bits. */
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
/** to[0..3] = the sums over the lanes of a, b, c, d. */
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
  to[0] = int32_t(a[0] + a[1] + a[2] + a[3]);
  to[1] = int32_t(b[0] + b[1] + b[2] + b[3]);
  to[2] = int32_t(c[0] + c[1] + c[2] + c[3]);
  to[3] = int32_t(d[0] + d[1] + d[2] + d[3]);
}

// Features that only some processors of an instruction set have (`withExtra` in simd.h). Here: none.
struct FourBits;
struct ByteDots;
struct ByteSquares;
struct PairedBf16;
struct TiledBf16;

}  // namespace inkhorn::INKHORN_ISA
