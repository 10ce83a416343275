// The random numbers of dropout: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
// 3", 2011), with counters and order as written at `Dropout` in src/backend/contract.ts. Used by dropout.cpp
// and attention.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

/** 64 neighbouring elements use 16 counters, four words of each. */
constexpr Index KEEP_GROUP = 64;

/** A `Dropout`, prepared for drawing. */
struct KeepRule {
  uint32_t key0, key1, site, step;
  uint32_t threshold;  // words below it drop their element
  float factor;        // 1 / (1 - p)
};

INKHORN_INLINE KeepRule keepRule(const Dropout& dropout) {
  return {
      .key0 = uint32_t(dropout.seed),
      .key1 = uint32_t(dropout.seed >> 32),
      .site = dropout.site,
      .step = dropout.step,
      .threshold = uint32_t(dropout.p * 4294967296.0),
      .factor = float(1.0 / (1.0 - dropout.p)),
  };
}

/**
 * The factors of `count` groups from group `number` on, 64 floats each: 1 / (1 - p) where kept, 0 where
 * dropped.
 */
static inline void keepFactors(float* factors, const KeepRule& rule, uint64_t group, Index count) {
  const VecI multiplier0 = splatI(0xd2511f53), multiplier1 = splatI(0xcd9e8d57), threshold = splatI(rule.threshold);
  const Vec factor = splat(rule.factor);
  for (; count > 0; count--, group++, factors += KEEP_GROUP) {
    const uint64_t counter = group * 16;
    for (Index lane = 0; lane < 16; lane += LANES) {
      VecI x0 = addI(splatI(uint32_t(counter) + uint32_t(lane)), laneNumbers());  // never carries
      VecI x1 = splatI(uint32_t(counter >> 32)), x2 = splatI(rule.site), x3 = splatI(rule.step);
      uint32_t key0 = rule.key0, key1 = rule.key1;
#pragma GCC unroll 10
      for (int round = 0; round < 10; round++, key0 += 0x9e3779b9, key1 += 0xbb67ae85) {
        const VecI high0 = mulHighU(x0, multiplier0), low0 = mulI(x0, multiplier0);
        const VecI high1 = mulHighU(x2, multiplier1), low1 = mulI(x2, multiplier1);
        x0 = xorI(high1, x1, splatI(key0));
        x2 = xorI(high0, x3, splatI(key1));
        x1 = low1;
        x3 = low0;
      }
      store(factors + lane, select(greaterEqualU(x0, threshold), factor, zero()));
      store(factors + 16 + lane, select(greaterEqualU(x1, threshold), factor, zero()));
      store(factors + 32 + lane, select(greaterEqualU(x2, threshold), factor, zero()));
      store(factors + 48 + lane, select(greaterEqualU(x3, threshold), factor, zero()));
    }
  }
}

}  // namespace inkhorn::INKHORN_ISA
