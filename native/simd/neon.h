// NEON, which every 64-bit ARM processor has: 4 lanes. The primitives are documented in portable.h.
#pragma once
#include <arm_neon.h>

#include "../cpu.h"

namespace inkhorn::INKHORN_ISA {

using Vec = float32x4_t;
using VecI = uint32x4_t;
using Mask = uint32x4_t;  // selected lanes: all bits of a lane are ones
constexpr Index LANES = 4;
constexpr int REGISTERS = 32;
constexpr bool MULTIPLIES_BY_LANE = true;

INKHORN_INLINE Mask firstLanes(Index n) {
  const uint32_t count = n >= LANES ? uint32_t(LANES) : n <= 0 ? 0 : uint32_t(n);
  return vcltq_u32(VecI{0, 1, 2, 3}, vdupq_n_u32(count));
}

INKHORN_INLINE Vec zero() { return vdupq_n_f32(0); }
INKHORN_INLINE Vec splat(float x) { return vdupq_n_f32(x); }
INKHORN_INLINE Vec load(const float* p) { return vld1q_f32(p); }
/** The mask must be one of `firstLanes`, as in `store`. */
INKHORN_INLINE Vec load(const float* p, Mask m) {
  if (m[3]) return vld1q_f32(p);
  if (m[2]) return vld1q_lane_f32(p + 2, vcombine_f32(vld1_f32(p), vdup_n_f32(0)), 2);
  if (m[1]) return vcombine_f32(vld1_f32(p), vdup_n_f32(0));
  return m[0] ? vld1q_lane_f32(p, zero(), 0) : zero();
}
INKHORN_INLINE void store(float* p, Vec v) { vst1q_f32(p, v); }
INKHORN_INLINE void store(float* p, Vec v, Mask m) {
  if (m[3]) return vst1q_f32(p, v);
  if (m[1]) vst1_f32(p, vget_low_f32(v));
  if (m[2]) return vst1q_lane_f32(p + 2, v, 2);
  if (m[0] & ~m[1]) vst1q_lane_f32(p, v, 0);
}

INKHORN_INLINE Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
INKHORN_INLINE Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
INKHORN_INLINE Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
INKHORN_INLINE Vec div(Vec a, Vec b) { return vdivq_f32(a, b); }
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) { return vfmsq_f32(c, a, b); }
// Not fmin and fmax, which return NaN where either is NaN.
INKHORN_INLINE Vec min(Vec a, Vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
INKHORN_INLINE Vec max(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
INKHORN_INLINE Vec sqrt(Vec a) { return vsqrtq_f32(a); }
INKHORN_INLINE Vec abs(Vec a) { return vabsq_f32(a); }
INKHORN_INLINE Vec roundEven(Vec a) { return vrndnq_f32(a); }
INKHORN_INLINE Mask greater(Vec a, Vec b) { return vcgtq_f32(a, b); }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return vbslq_f32(m, a, b); }
INKHORN_INLINE float reduceAdd(Vec a) { return vpadds_f32(vadd_f32(vget_low_f32(a), vget_high_f32(a))); }
INKHORN_INLINE float reduceMax(Vec a) {
  const Vec pairs = max(a, vextq_f32(a, a, 2));
  return vgetq_lane_f32(max(pairs, vrev64q_f32(pairs)), 0);
}
INKHORN_INLINE float reduceMin(Vec a) {
  const Vec pairs = min(a, vextq_f32(a, a, 2));
  return vgetq_lane_f32(min(pairs, vrev64q_f32(pairs)), 0);
}
/** First within pairs of lanes, then the pairs. */
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  const auto pairs = [](Vec x) { return vreinterpretq_f64_f32(x); };
  const auto a = pairs(vtrn1q_f32(v[0], v[1])), b = pairs(vtrn2q_f32(v[0], v[1]));
  const auto c = pairs(vtrn1q_f32(v[2], v[3])), d = pairs(vtrn2q_f32(v[2], v[3]));
  v[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
  v[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
  v[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
  v[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
  transpose(v);
  return add(add(v[0], v[2]), add(v[1], v[3]));
}

INKHORN_INLINE VecI splatI(uint32_t x) { return vdupq_n_u32(x); }
INKHORN_INLINE VecI laneNumbers() { return VecI{0, 1, 2, 3}; }
INKHORN_INLINE VecI loadI(const int32_t* p) { return vreinterpretq_u32_s32(vld1q_s32(p)); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { vst1q_s32(p, vreinterpretq_s32_u32(v)); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return vaddq_u32(a, b); }
INKHORN_INLINE VecI subI(VecI a, VecI b) { return vsubq_u32(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return vmulq_u32(a, b); }
INKHORN_INLINE VecI andI(VecI a, VecI b) { return vandq_u32(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return veorq_u32(veorq_u32(a, b), c); }
template <int BITS>
INKHORN_INLINE VecI shiftRightU(VecI a) {
  return vshrq_n_u32(a, BITS);
}
struct Multiplicand {
  VecI lower, upper;

  explicit Multiplicand(VecI a) : lower(a), upper(a) {}
  Multiplicand(VecI low, VecI high) : lower(low), upper(high) {}
  VecI together() const { return lower; }
  Multiplicand times(VecI b) const {
    const VecI low = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(lower), vget_low_u32(b)));
    const VecI high = vreinterpretq_u32_u64(vmull_high_u32(lower, b));
    return {vuzp1q_u32(low, high), vuzp2q_u32(low, high)};
  }
  Multiplicand high() const { return Multiplicand(upper); }
  Multiplicand exclusiveOr(VecI b) const { return Multiplicand(veorq_u32(lower, b)); }
  Multiplicand exclusiveOr(Multiplicand a, VecI b) const { return Multiplicand(xorI(lower, a.lower, b)); }
};
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return vcgeq_u32(a, b); }
INKHORN_INLINE Vec toFloat(VecI a) { return vcvtq_f32_s32(vreinterpretq_s32_u32(a)); }
INKHORN_INLINE VecI toInt(Vec a) { return vreinterpretq_u32_s32(vcvtnq_s32_f32(a)); }
INKHORN_INLINE Vec ldexp(Vec a, Vec n) {
  return mul(a, vreinterpretq_f32_u32(vshlq_n_u32(addI(toInt(n), splatI(127)), 23)));
}
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI bits = vreinterpretq_u32_f32(a), odd = andI(vshrq_n_u32(bits, 16), splatI(1));
  const VecI up = addI(bits, addI(odd, splatI(0x7fff)));
  return select(vceqq_f32(a, a), vreinterpretq_f32_u32(andI(up, splatI(0xffff0000))), a);
}

/** Four bytes, in the low half of a register. */
INKHORN_INLINE auto fourBytes(const int8_t* p) -> uint32x2_t {
  uint32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return vdup_n_u32(four);
}
INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  const int16x8_t words = vmovl_s8(vreinterpret_s8_u32(fourBytes(p)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
}
INKHORN_INLINE VecI loadBytesU(const int8_t* p) {
  const uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(fourBytes(p)));
  return vmovl_u16(vget_low_u16(words));
}
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
  const int16x4_t words = vmovn_s32(vreinterpretq_s32_u32(a));
  const uint32_t bytes = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
  if (n >= LANES) {
    __builtin_memcpy(p, &bytes, sizeof bytes);
  } else {
    for (Index lane = 0; lane < n; lane++) p[lane] = int8_t(bytes >> (8 * lane));
  }
}

/**
 * Dot products of bytes, of four neighbours in a lane, in 16 bits for two of them: at most 2 * 127 * 128.
 */
struct Words {
  using Bytes = int8x16_t;
  static constexpr Index BYTES = 16, TERMS = 4;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) { return vld1q_s8(p); }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  static Bytes everywhere(int32_t unit) { return vreinterpretq_s8_s32(vdupq_n_s32(unit)); }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w)), high = vmull_high_s8(x, w);
    return vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum), vpaddq_s16(low, high)));
  }
};
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
  vst1q_s32(to, vreinterpretq_s32_u32(vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d))));
}

/** As Words, for weights that are codes of four bits, in pairs. */
struct FourBits : Words {
  static bool supported() { return true; }
  /** The lower and the upper four bits of each byte. */
  static Bytes lowCodes(Bytes pairs) { return vandq_s8(pairs, vdupq_n_s8(15)); }
  static Bytes highCodes(Bytes pairs) { return vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(pairs), 4)); }
};

/**
 * The same by sdot, four products at once, on processors with FEAT_DotProd. In assembly, because this file is
 * also compiled for processors without it.
 */
struct ByteDots : FourBits {
  static bool supported() { return cpu().dotprod; }
  static VecI add(VecI sum, Bytes x, Bytes w) {
    __asm__(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(x));
    return sum;
  }
};

/**
 * Sums of two rows by two columns, of eight products each, by smmla, on processors with FEAT_I8MM. A step of
 * a panel has eight bytes for each column.
 */
struct ByteSquares : Words {
  static constexpr Index TERMS = 8;
#if defined(__clang__) || __GNUC__ >= 10  // whose assemblers know the instruction
  static bool supported() { return cpu().i8mm; }
#endif
  static Bytes twoRows(const int8_t* a, const int8_t* b) { return vcombine_s8(vld1_s8(a), vld1_s8(b)); }
  static VecI add(VecI sum, Bytes rows, Bytes columns) {
    __asm__(".arch armv8.2-a+i8mm\n\tsmmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(rows), "w"(columns));
    return sum;
  }
  /** The first or the second row of two neighbouring squares: four columns. */
  static VecI row(Index which, VecI left, VecI right) {
    const uint64x2_t a = vreinterpretq_u64_u32(left), b = vreinterpretq_u64_u32(right);
    return vreinterpretq_u32_u64(which == 0 ? vzip1q_u64(a, b) : vzip2q_u64(a, b));
  }
};

struct PairedBf16;
struct TiledBf16;

}  // namespace inkhorn::INKHORN_ISA
