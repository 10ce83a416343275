// Sums, extremes and a histogram of a matrix, and which of its columns are active. Read next: int8.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index HEADER = 6;

/** What one block of rows adds; the layout of `out`, in double precision. */
struct Partial {
  double sum, squares, min, max, notPositive, notFinite;
};
static_assert(sizeof(Partial) == HEADER * sizeof(double));

}  // namespace

void statistics(Team& team, float* out, int32_t* active, const float* x, Index rows, Index cols, double lo, double hi,
                Index bins) {
  const Index size = rows > 64 * 16 ? (rows + 63) / 64 : 16, blocks = (rows + size - 1) / size;
  const Index counts = bins + (active ? cols : 0);  // of a block: histogram, then active rows of each column
  double* partials = reinterpret_cast<double*>(team.shared(0, 2 * blocks * HEADER));
  int32_t* counters = reinterpret_cast<int32_t*>(team.shared(1, blocks * counts));

  forRanges(team, rows, size, [&](Index begin, Index end, Index block, int) {
    Partial p{0, 0, __builtin_inf(), -__builtin_inf(), 0, 0};
    int32_t *histogram = counters + block * counts, *firing = histogram + bins;
    __builtin_memset(histogram, 0, size_t(counts) * sizeof(int32_t));
    for (Index r = begin; r < end; r++) {
      const float* row = x + r * cols;
      if (active) {
        for (Index c = 0; c < cols; c++) firing[c] += row[c] > 0;
      }
      for (Index c = 0; c < cols; c++) {
        const double value = row[c];
        if (!__builtin_isfinite(row[c])) {
          p.notFinite++;
          continue;
        }
        p.sum += value;
        p.squares += value * value;
        p.min = value < p.min ? value : p.min;
        p.max = value > p.max ? value : p.max;
        p.notPositive += value <= 0;
        if (bins > 0) {
          const double at = (value - lo) / (hi - lo) * double(bins);
          histogram[!(at > 0) ? 0 : at >= double(bins) ? bins - 1 : Index(at)]++;
        }
      }
    }
    __builtin_memcpy(partials + block * HEADER, &p, sizeof p);
  });

  Partial total{0, 0, __builtin_inf(), -__builtin_inf(), 0, 0};
  for (Index block = 0; block < blocks; block++) {
    Partial p;
    __builtin_memcpy(&p, partials + block * HEADER, sizeof p);
    total.sum += p.sum;
    total.squares += p.squares;
    total.min = p.min < total.min ? p.min : total.min;
    total.max = p.max > total.max ? p.max : total.max;
    total.notPositive += p.notPositive;
    total.notFinite += p.notFinite;
  }
  const double header[HEADER] = {total.sum, total.squares, total.min, total.max, total.notPositive, total.notFinite};
  for (Index i = 0; i < HEADER; i++) out[i] = float(header[i]);
  for (Index bin = 0; bin < bins; bin++) {
    int64_t count = 0;
    for (Index block = 0; block < blocks; block++) count += counters[block * counts + bin];
    out[HEADER + bin] = float(count);
  }
  if (!active) return;
  for (Index block = 0; block < blocks; block++) {
    const int32_t* firing = counters + block * counts + bins;
    for (Index c = 0; c < cols; c++) active[c] += firing[c];
  }
}

}  // namespace inkhorn::INKHORN_ISA
