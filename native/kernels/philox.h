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
  uint32_t keys[20];  // two of each round; in memory, from which a processor splats at no cost
  uint32_t site, step;
  uint32_t threshold;  // words below it drop their element
  float factor;        // 1 / (1 - p)
};

INKHORN_INLINE KeepRule keepRule(const Dropout& dropout) {
  KeepRule rule{
      .keys = {},
      .site = dropout.site,
      .step = dropout.step,
      .threshold = uint32_t(dropout.p * 4294967296.0),
      .factor = float(1.0 / (1.0 - dropout.p)),
  };
  uint32_t key0 = uint32_t(dropout.seed), key1 = uint32_t(dropout.seed >> 32);
  for (int i = 0; i < 20; i += 2, key0 += 0x9e3779b9, key1 += 0xbb67ae85) {
    rule.keys[i] = key0;
    rule.keys[i + 1] = key1;
  }
  return rule;
}

/**
 * Philox of the counters from `counter` + `lane` on; `counter` is a multiple of 16. They differ in their
 * first word only, so that half of each of the first two rounds is the same for all.
 */
INKHORN_INLINE void philox(VecI (&words)[4], const KeepRule& rule, uint64_t counter, Index lane) {
  constexpr uint32_t multiplier0 = 0xd2511f53, multiplier1 = 0xcd9e8d57;
  const auto high = [](uint64_t product) { return uint32_t(product >> 32); };
  const uint32_t* const keys = rule.keys;
  const uint64_t same1 = uint64_t(rule.site) * multiplier1;
  const uint64_t same0 = uint64_t(high(same1) ^ high(counter) ^ keys[0]) * multiplier0;

  const VecI first = addI(splatI(uint32_t(counter) + uint32_t(lane)), laneNumbers());  // never carries
  Multiplicand x3 = Multiplicand(first).times(splatI(multiplier0));
  Multiplicand x1 = x3.high().exclusiveOr(splatI(rule.step ^ keys[1])).times(splatI(multiplier1));
  Multiplicand x0 = x1.high().exclusiveOr(splatI(uint32_t(same1) ^ keys[2]));
  Multiplicand x2 = x3.exclusiveOr(splatI(high(same0) ^ keys[3]));
  x3 = Multiplicand(splatI(uint32_t(same0)));
#pragma GCC unroll 8
  for (int round = 2; round < 10; round++) {
    const Multiplicand product0 = x0.times(splatI(multiplier0)), product1 = x2.times(splatI(multiplier1));
    x0 = product1.high().exclusiveOr(x1, splatI(keys[2 * round]));
    x2 = product0.high().exclusiveOr(x3, splatI(keys[2 * round + 1]));
    x1 = product1;
    x3 = product0;
  }
  words[0] = x0.together();
  words[1] = x1.together();
  words[2] = x2.together();
  words[3] = x3.together();
}

/**
 * The factors of `count` groups from `group` on, 64 floats each: 1 / (1 - p) where kept, 0 where dropped.
 */
static inline void keepFactors(float* factors, const KeepRule& rule, uint64_t group, Index count) {
  const VecI threshold = splatI(rule.threshold);
  const Vec factor = splat(rule.factor);
  for (; count > 0; count--, group++, factors += KEEP_GROUP) {
    for (Index lane = 0; lane < 16; lane += LANES) {
      VecI words[4];
      philox(words, rule, group * 16, lane);
#pragma GCC unroll 4
      for (int w = 0; w < 4; w++) {
        store(factors + w * 16 + lane, select(greaterEqualU(words[w], threshold), factor, zero()));
      }
    }
  }
}

}  // namespace inkhorn::INKHORN_ISA
