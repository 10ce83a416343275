// What the processor could do at most: multiply-adds between registers, nothing loaded or stored. For
// bench/peaks.ts.
#include "../parallel.h"
#include "int8-dot.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index ROUNDS = 1 << 16;
constexpr int CHAINS = 12;  // as many as hide the latency of an addition

/**
 * Runs `step`, which must need the sum that it is given, in independent chains; returns something of the
 * sums.
 */
template <class Sum, class Step>
float chains(Sum start, Step step) {
  Sum sum[CHAINS];
  for (int i = 0; i < CHAINS; i++) {
    sum[i] = start;
    __asm__ volatile("" : "+m"(sum[i]));  // keeps the compiler from seeing that all chains are the same
  }
  for (Index round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) sum[i] = step(sum[i]);
  }
  float total = 0;
  for (int i = 0; i < CHAINS; i++) {
    float lane;
    __builtin_memcpy(&lane, &sum[i], sizeof lane);
    total += lane;
  }
  return total;
}

/** Operations of a block, a multiplication and an addition being two, with `terms` of them in a vector. */
float operations(Index terms) { return float(2 * terms * CHAINS * ROUNDS); }

}  // namespace

void peak(Team& team, float* out, Peak kind, Index blocks) {
  out[0] = 0;
  const auto measure = [&](Index terms, auto start, auto step) {
    forBlocks(team, blocks, [&](Index block, int) { out[1 + block] = chains(start, step); });
    out[0] = operations(terms);
  };
  const Vec x = splat(0.5f), y = splat(0.25f);
  if (kind == Peak::f32) measure(LANES, zero(), [=](Vec sum) { return fma(sum, x, y); });
  if (kind == Peak::bf16) {
    withExtra<PairedBf16>([&]<class Number>() {
      measure(Number::TERMS * LANES, zero(), [=](Vec sum) { return Number::multiplyAdd(x, y, sum); });
    });
  }
  const VecI bytes = splatI(0x01010101);
  if (kind == Peak::int8) {
    withExtra<Vnni>(
        [&]<class Dot>() { measure(Dot::BYTES, splatI(0), [=](VecI sum) { return Dot::add(sum, bytes, bytes); }); });
  }
}

}  // namespace inkhorn::INKHORN_ISA
