// Sums, extremes and a histogram of a matrix, and which of its columns are active. Read next: int8.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index HEADER = 6;
constexpr Index STRIP = 256;  // elements whose bins are computed at a time

/** The header of `out` in double precision, for a block of rows or for all. */
struct Totals {
  double sum = 0, squares = 0, min = __builtin_inf(), max = -__builtin_inf(), notPositive = 0, notFinite = 0;

  void include(const Totals& more) {
    sum += more.sum;
    squares += more.squares;
    min = more.min < min ? more.min : min;
    max = more.max > max ? more.max : max;
    notPositive += more.notPositive;
    notFinite += more.notFinite;
  }
};

Totals totalsOfRow(const float* row, Index cols) {
  const Vec infinity = splat(__builtin_inff()), one = splat(1);
  Vec sum = zero(), squares = zero(), low = infinity, high = splat(-__builtin_inff()), finites = zero(), ups = zero();
  eachVector(cols, [&](Index i, auto lanes) {
    const Vec x = select(lanes, load(row + i, lanes), infinity);
    const Mask finite = greater(infinity, abs(x));
    const Vec kept = select(finite, x, zero());
    sum = add(sum, kept);
    squares = fma(kept, kept, squares);
    low = min(low, select(finite, x, infinity));
    high = max(high, select(finite, x, high));
    finites = add(finites, select(finite, one, zero()));
    ups = add(ups, select(greater(kept, zero()), one, zero()));
  });
  const double finite = reduceAdd(finites);
  return {
      .sum = reduceAdd(sum),
      .squares = reduceAdd(squares),
      .min = reduceMin(low),
      .max = reduceMax(high),
      .notPositive = finite - reduceAdd(ups),
      .notFinite = double(cols) - finite,
  };
}

/**
 * Counts the values of a row in each bin. counts[bins] is the number of values that are not finite.
 */
void countBins(int32_t* counts, const float* row, Index cols, double lo, double hi, Index bins) {
  const double width = hi - lo, scale = double(bins), last = double(bins - 1);
  int32_t bin[STRIP];
  for (Index begin = 0; begin < cols; begin += STRIP) {
    const Index n = cols - begin < STRIP ? cols - begin : STRIP;
    for (Index i = 0; i < n; i++) {
      const double value = double(row[begin + i]), at = (value - lo) / width * scale;
      const double inside = !(at > 0) ? 0 : at < last ? at : last;
      bin[i] = __builtin_fabs(value) < __builtin_inf() ? int32_t(inside) : int32_t(bins);
    }
    for (Index i = 0; i < n; i++) counts[bin[i]]++;
  }
}

}  // namespace

void statistics(Team& team, float* out, int32_t* active, const float* x, Index rows, Index cols, double lo, double hi,
                Index bins) {
  const Index size = rows > 64 * 16 ? (rows + 63) / 64 : 16, blocks = (rows + size - 1) / size;
  const Index counts = bins + 1 + (active ? cols : 0);  // histogram, then active rows per column
  Totals* totals = reinterpret_cast<Totals*>(team.shared(0, 2 * blocks * HEADER));
  int32_t* counters = reinterpret_cast<int32_t*>(team.shared(1, blocks * counts));

  forRanges(team, rows, size, [=](Index begin, Index end, Index block, int) {
    Totals sums;
    int32_t *histogram = counters + block * counts, *firing = histogram + bins + 1;
    __builtin_memset(histogram, 0, size_t(counts) * sizeof(int32_t));
    for (Index r = begin; r < end; r++) {
      const float* row = x + r * cols;
      sums.include(totalsOfRow(row, cols));
      if (bins > 0) countBins(histogram, row, cols, lo, hi, bins);
      if (!active) continue;
      for (Index c = 0; c < cols; c++) firing[c] += row[c] > 0;
    }
    totals[block] = sums;
  });

  Totals all;
  for (Index block = 0; block < blocks; block++) all.include(totals[block]);
  const double header[HEADER] = {all.sum, all.squares, all.min, all.max, all.notPositive, all.notFinite};
  for (Index i = 0; i < HEADER; i++) out[i] = float(header[i]);
  for (Index bin = 0; bin < bins; bin++) {
    int64_t count = 0;
    for (Index block = 0; block < blocks; block++) count += counters[block * counts + bin];
    out[HEADER + bin] = float(count);
  }
  if (!active) return;
  for (Index block = 0; block < blocks; block++) {
    const int32_t* firing = counters + block * counts + bins + 1;
    for (Index c = 0; c < cols; c++) active[c] += firing[c];
  }
}

}  // namespace inkhorn::INKHORN_ISA
