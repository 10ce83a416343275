// The most that the processor can do: multiply-adds between registers, without loads or stores. For
// bench/peaks.ts.
#include "../parallel.h"
#include "int8-dot.h"
#include "number.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index ROUNDS = 1 << 16;
constexpr int CHAINS = 12;  // enough to hide the latency of an addition

/**
 * Runs `step`, which must use the sum that it is given, in independent chains. Returns a value that depends
 * on all sums.
 */
template <class Sum, class Step>
float chains(Sum start, Step step) {
  Sum sum[CHAINS];
  for (int i = 0; i < CHAINS; i++) {
    sum[i] = start;
    __asm__ volatile("" : "+m"(sum[i]));  // hides from the compiler that all chains are the same
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

/** Operations of a block with `terms` multiply-adds per vector. A multiply-add counts as two operations. */
float operations(Index terms) { return float(2 * terms * CHAINS * ROUNDS); }

/** Products of tile registers in four chains: an instruction takes 16 rows by 16 columns of STEP elements. */
template <class Number>
void tilePeak(Team& team, float* out, Index blocks) {
  forBlocks(team, blocks, [&](Index block, int) {
    const typename Number::Registers registers;
    for (Index round = 0; round < ROUNDS; round++) {
      Number::template multiply<0, 4, 6>();
      Number::template multiply<1, 4, 7>();
      Number::template multiply<2, 5, 6>();
      Number::template multiply<3, 5, 7>();
    }
    out[1 + block] = 0;
  });
  out[0] = float(2 * 16 * 16 * Number::STEP * Number::TERMS * 4 * ROUNDS);
}

}  // namespace

void peak(Team& team, float* out, Peak kind, Index blocks) {
  out[0] = 0;
  const auto measure = [&](Index terms, auto start, auto step) {
    forBlocks(team, blocks, [&](Index block, int) { out[1 + block] = chains(start, step); });
    out[0] = operations(terms);
  };
  const Vec x = splat(0.5f), y = splat(0.25f);
  if (kind == Peak::f32) measure(LANES, zero(), [=](Vec sum) { return fma(sum, x, y); });
  if (kind == Peak::bf16 && !withExtra<TiledBf16>([&]<class Number>() { tilePeak<Number>(team, out, blocks); })) {
    withExtra<PairedBf16>([&]<class Number>() {
      measure(Number::TERMS * LANES, zero(), [=](Vec sum) { return Number::multiplyAdd(x, y, sum); });
    });
  }
  if (kind == Peak::int8) {
    withExtra<ByteDots>([&]<class Dot>() {
      const typename Dot::Bytes ones = Dot::everywhere(0x01010101);
      measure(Dot::BYTES, splatI(0), [=](VecI sum) { return Dot::add(sum, ones, ones); });
    });
  }
}

}  // namespace inkhorn::INKHORN_ISA
