// Dot products of bytes, for int8.cpp, summed in 32-bit integers. Exact: nothing saturates. Read next:
// int8.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

struct QuantizedRow {
  float scale;
  int32_t sum;  // of the bytes
};

/**
 * q = x / scale in float32, rounded half to even, within -127 .. 127, 0 for NaN. The scale is max |x| / 127,
 * or 0 with all of q where that is below 2^-125: no denormal, flushed or not, is half a step of it.
 */
INKHORN_INLINE QuantizedRow quantizeRow(int8_t* q, const float* x, Index n) {
  Vec largest = zero();
  eachVector(n, [&](Index i, auto lanes) { largest = max(largest, abs(load(x + i, lanes))); });
  const float scale = reduceMax(largest) / 127;
  if (scale < 0x1p-125f) {
    __builtin_memset(q, 0, size_t(n));
    return {0, 0};
  }
  // Whole numbers, exact up to 2^24: at least for n up to 132,104. Adding the stored bytes would take longer
  // than all the rest.
  Vec sum = zero();
  eachVector(n, [&](Index i, auto lanes) {
    const Vec steps = min(splat(127), max(splat(-127), div(load(x + i, lanes), splat(scale))));
    const Vec whole = select(greater(splat(128), steps), roundEven(steps), zero());  // NaN becomes 0
    sum = add(sum, whole);
    storeBytes(q + i, toInt(whole), n - i);
  });
  return {scale, int32_t(reduceAdd(sum))};
}

// Each way of multiplying is a struct (`Words`, `ByteDots` in simd/): BYTES per step, how a step loads, and
// how it adds to a vector of sums. The sums end up too large by SURPLUS times the sum of the inputs. Where a
// lane of sums adds up the products of TERMS neighbouring bytes, int8-panels.cpp can use it: `everywhere`
// fills a vector with the inputs of one lane.

/** Calls body.operator()<Dot>() with the fastest way of multiplying that this processor has. */
template <class Body>
INKHORN_INLINE void withDot(const Body& body) {
  if (!withExtra<ByteDots>(body)) body.template operator()<Words>();
}

}  // namespace inkhorn::INKHORN_ISA
