// WebAssembly's 128 bits: 4 lanes. Compiled twice, with and without the relaxed instructions, which multiply
// and add in one step where the processor can. The primitives are documented in portable.h.
#pragma once
#include <wasm_simd128.h>

namespace inkhorn::INKHORN_ISA {

using Vec = v128_t;
using VecI = v128_t;
using Mask = v128_t;  // selected lanes: all bits of a lane are ones
constexpr Index LANES = 4;
constexpr int REGISTERS = 12;  // of 16: V8 keeps some, and a tile that fills them all spills
constexpr bool MULTIPLIES_BY_LANE = false;

INKHORN_INLINE Mask firstLanes(Index n) {
  const int32_t count = n >= LANES ? int32_t(LANES) : n <= 0 ? 0 : int32_t(n);
  return wasm_i32x4_lt(wasm_i32x4_const(0, 1, 2, 3), wasm_i32x4_splat(count));
}

INKHORN_INLINE Vec zero() { return wasm_f32x4_const_splat(0); }
INKHORN_INLINE Vec splat(float x) { return wasm_f32x4_splat(x); }
INKHORN_INLINE Vec load(const float* p) { return wasm_v128_load(p); }
INKHORN_INLINE Vec load(const float* p, Mask m) {
  switch (wasm_i32x4_bitmask(m)) {
    case 15: return wasm_v128_load(p);
    case 7: return wasm_v128_load32_lane(p + 2, wasm_v128_load64_zero(p), 2);
    case 3: return wasm_v128_load64_zero(p);
    case 1: return wasm_v128_load32_zero(p);
    default: return zero();
  }
}
INKHORN_INLINE void store(float* p, Vec v) { wasm_v128_store(p, v); }
INKHORN_INLINE void store(float* p, Vec v, Mask m) {
  switch (wasm_i32x4_bitmask(m)) {
    case 15: return wasm_v128_store(p, v);
    case 7: wasm_v128_store32_lane(p + 2, v, 2); [[fallthrough]];
    case 3: return wasm_v128_store64_lane(p, v, 0);
    case 1: return wasm_v128_store32_lane(p, v, 0);
  }
}

INKHORN_INLINE Vec add(Vec a, Vec b) { return wasm_f32x4_add(a, b); }
INKHORN_INLINE Vec sub(Vec a, Vec b) { return wasm_f32x4_sub(a, b); }
INKHORN_INLINE Vec mul(Vec a, Vec b) { return wasm_f32x4_mul(a, b); }
INKHORN_INLINE Vec div(Vec a, Vec b) { return wasm_f32x4_div(a, b); }
INKHORN_INLINE Vec fma(Vec a, Vec b, Vec c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}
INKHORN_INLINE Vec fnma(Vec a, Vec b, Vec c) {
#if defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_nmadd(a, b, c);
#else
  return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b));
#endif
}
INKHORN_INLINE Vec min(Vec a, Vec b) { return wasm_f32x4_pmin(b, a); }
INKHORN_INLINE Vec max(Vec a, Vec b) { return wasm_f32x4_pmax(b, a); }
INKHORN_INLINE Vec sqrt(Vec a) { return wasm_f32x4_sqrt(a); }
INKHORN_INLINE Vec abs(Vec a) { return wasm_f32x4_abs(a); }
INKHORN_INLINE Vec roundEven(Vec a) { return wasm_f32x4_nearest(a); }
INKHORN_INLINE Mask greater(Vec a, Vec b) { return wasm_f32x4_gt(a, b); }
INKHORN_INLINE Vec select(Mask m, Vec a, Vec b) { return wasm_v128_bitselect(a, b, m); }
INKHORN_INLINE float reduceAdd(Vec a) {
  const Vec pairs = wasm_f32x4_add(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(pairs, 0) + wasm_f32x4_extract_lane(pairs, 1);
}
INKHORN_INLINE float reduceMax(Vec a) {
  const Vec pairs = max(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(max(pairs, wasm_i32x4_shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}
INKHORN_INLINE float reduceMin(Vec a) {
  const Vec pairs = min(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(min(pairs, wasm_i32x4_shuffle(pairs, pairs, 1, 0, 3, 2)), 0);
}
INKHORN_INLINE void transpose(Vec (&v)[LANES]) {
  const Vec a = wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7);
  const Vec c = wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5), d = wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7);
  v[0] = wasm_i64x2_shuffle(a, c, 0, 2);
  v[1] = wasm_i64x2_shuffle(a, c, 1, 3);
  v[2] = wasm_i64x2_shuffle(b, d, 0, 2);
  v[3] = wasm_i64x2_shuffle(b, d, 1, 3);
}
INKHORN_INLINE Vec sumEach(Vec (&v)[LANES]) {
  transpose(v);
  return add(add(v[0], v[2]), add(v[1], v[3]));
}

INKHORN_INLINE VecI splatI(uint32_t x) { return wasm_u32x4_splat(x); }
INKHORN_INLINE VecI laneNumbers() { return wasm_i32x4_const(0, 1, 2, 3); }
INKHORN_INLINE VecI loadI(const int32_t* p) { return wasm_v128_load(p); }
INKHORN_INLINE void storeI(int32_t* p, VecI v) { wasm_v128_store(p, v); }
INKHORN_INLINE VecI addI(VecI a, VecI b) { return wasm_i32x4_add(a, b); }
INKHORN_INLINE VecI subI(VecI a, VecI b) { return wasm_i32x4_sub(a, b); }
INKHORN_INLINE VecI mulI(VecI a, VecI b) { return wasm_i32x4_mul(a, b); }
INKHORN_INLINE VecI andI(VecI a, VecI b) { return wasm_v128_and(a, b); }
INKHORN_INLINE VecI xorI(VecI a, VecI b, VecI c) { return wasm_v128_xor(wasm_v128_xor(a, b), c); }
template <int BITS>
INKHORN_INLINE VecI shiftRightU(VecI a) {
  return wasm_u32x4_shr(a, BITS);
}
struct Multiplicand {
  VecI lower, upper;

  explicit Multiplicand(VecI a) : lower(a), upper(a) {}
  Multiplicand(VecI low, VecI high) : lower(low), upper(high) {}
  VecI together() const { return lower; }
  Multiplicand times(VecI b) const {
    const VecI low = wasm_u64x2_extmul_low_u32x4(lower, b), high = wasm_u64x2_extmul_high_u32x4(lower, b);
    return {mulI(lower, b), wasm_i32x4_shuffle(low, high, 1, 3, 5, 7)};
  }
  Multiplicand high() const { return Multiplicand(upper); }
  Multiplicand exclusiveOr(VecI b) const { return Multiplicand(xorI(lower, b, splatI(0))); }
  Multiplicand exclusiveOr(Multiplicand a, VecI b) const { return Multiplicand(xorI(lower, a.lower, b)); }
};
INKHORN_INLINE Mask greaterEqualU(VecI a, VecI b) { return wasm_u32x4_ge(a, b); }
INKHORN_INLINE Vec toFloat(VecI a) { return wasm_f32x4_convert_i32x4(a); }
INKHORN_INLINE VecI toInt(Vec a) { return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(a)); }
INKHORN_INLINE Vec ldexp(Vec a, Vec n) { return mul(a, wasm_i32x4_shl(addI(toInt(n), splatI(127)), 23)); }
INKHORN_INLINE Vec roundBf16(Vec a) {
  const VecI odd = andI(wasm_u32x4_shr(a, 16), splatI(1)), up = addI(a, addI(odd, splatI(0x7fff)));
  return select(wasm_f32x4_eq(a, a), andI(up, splatI(0xffff0000)), a);
}

INKHORN_INLINE Vec loadBytes(const int8_t* p) {
  const v128_t words = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p));
  return wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(words));
}
INKHORN_INLINE VecI loadBytesU(const int8_t* p) {
  return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}
INKHORN_INLINE void storeBytes(int8_t* p, VecI a, Index n) {
  const VecI words = wasm_i16x8_narrow_i32x4(a, a), bytes = wasm_i8x16_narrow_i16x8(words, words);
  if (n >= LANES) return wasm_v128_store32_lane(p, bytes, 0);
  int8_t all[4];
  wasm_v128_store32_lane(all, bytes, 0);
  for (Index lane = 0; lane < n; lane++) p[lane] = all[lane];
}

struct Words {
  using Bytes = v128_t;
  static constexpr Index BYTES = 8;
  static constexpr int32_t SURPLUS = 0;
  static Bytes inputs(const int8_t* p) { return wasm_i16x8_load8x8(p); }
  static Bytes weights(const int8_t* p) { return inputs(p); }
  // Not the relaxed product of bytes: its second operand must be in 0 .. 127.
  static VecI add(VecI sum, Bytes x, Bytes w) { return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(x, w)); }
};
INKHORN_INLINE void reduceFour(int32_t* to, VecI a, VecI b, VecI c, VecI d) {
  VecI v[LANES] = {a, b, c, d};
  transpose(v);
  wasm_v128_store(to, addI(addI(v[0], v[1]), addI(v[2], v[3])));
}

struct FourBits;
struct ByteDots;
struct ByteSquares;
struct PairedBf16;
struct TiledBf16;

}  // namespace inkhorn::INKHORN_ISA
