// Vectors of floats, for the instruction set that a kernel file is compiled for. simd/ has one header per
// instruction set, all with the same primitives (documented in simd/portable.h). This file chooses one, and
// has what is the same for all. Kernels use these names only. Everything is inlined into namespace
// INKHORN_ISA, so that code for a wide instruction set never runs on a narrow one; kernel files therefore use
// no std:: templates.
#pragma once
#include "kernels.h"

#if defined(INKHORN_AVX512)
#include "simd/avx512.h"
#elif defined(INKHORN_AVX2)
#include "simd/avx2.h"
#elif defined(INKHORN_NEON)
#include "simd/neon.h"
#elif defined(__wasm_simd128__)
#include "simd/wasm.h"
#else
#include "simd/portable.h"
#endif

namespace inkhorn::INKHORN_ISA {

/** Prefetches the cache line at p, which need not be readable. */
INKHORN_INLINE void prefetch(const void* p) { __builtin_prefetch(p); }
/** Prefetches into the L2 cache. */
INKHORN_INLINE void prefetchFar(const void* p) { __builtin_prefetch(p, 0, 2); }

/** The mask of all lanes; using it costs nothing. */
struct AllLanes {};
INKHORN_INLINE Vec load(const float* p, AllLanes) { return load(p); }
INKHORN_INLINE void store(float* p, Vec v, AllLanes) { store(p, v); }
INKHORN_INLINE Vec select(AllLanes, Vec a, Vec) { return a; }

/**
 * Calls body(i, lanes) for i = 0, LANES, ... below n. In the last vector `lanes` masks what is beyond n.
 */
template <class Body>
INKHORN_INLINE void eachVector(Index n, Body&& body) {
  Index i = 0;
  for (; i + LANES <= n; i += LANES) INKHORN_INLINED body(i, AllLanes{});
  if (i < n) INKHORN_INLINED body(i, firstLanes(n - i));
}

/**
 * Calls body.operator()<Extra>() where the instruction set and the processor have `Extra` (`ByteDots`,
 * `ByteSquares`, `FourBits`, `PairedBf16` or `TiledBf16`). Returns whether they have it.
 */
template <class Extra, class Body>
INKHORN_INLINE bool withExtra(const Body& body) {
  if constexpr (requires { Extra::supported(); }) {
    if (Extra::supported()) {
      body.template operator()<Extra>();
      return true;
    }
  }
  return false;
}

/**
 * e^x to about 1e-7 relative: x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree 7,
 * scaled by 2^n. Results below 2^-126 become 0. Above 2^127 the scale stays at its largest. NaN stays NaN.
 */
INKHORN_INLINE Vec exp(Vec x) {
  const Vec lowest = splat(-87.33654f), highest = splat(88.02969f);
  const Vec clamped = min(highest, max(lowest, x));  // the operand order keeps NaN
  const Vec n = roundEven(mul(clamped, splat(1.44269504f)));
  Vec r = fnma(n, splat(0.693145752f), clamped);  // the first part of ln 2: few bits
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
