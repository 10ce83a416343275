// Dropout. The mask is never stored; it is drawn again wherever it is needed. Read next: philox.h,
// attention.cpp.
#include "../parallel.h"
#include "philox.h"

namespace inkhorn::INKHORN_ISA {

void dropout(Team& team, float* out, const float* x, const float* residual, const Dropout& dropout, Index n) {
  if (dropout.p == 0) {
    if (residual != nullptr) return add(team, out, residual, x, n);
    if (out != x) copy(team, out, x, n * Index(sizeof(float)));
    return;
  }
  const KeepRule rule = keepRule(dropout);
  constexpr Index groups = 8, span = groups * KEEP_GROUP;
  const Index lead = Index(dropout.offset % KEEP_GROUP);  // elements of the first group before x[0]
  forRanges(team, lead + n, 16 * span, [=](Index begin, Index end, Index, int) {
    float factors[span];
    for (Index at = begin; at < end; at += span) {
      keepFactors(factors, rule, (dropout.offset - lead + at) / KEEP_GROUP, groups);
      const Index first = at < lead ? lead : at, last = at + span < end ? at + span : end;
      eachVector(last - first, [&](Index i, auto lanes) {
        const Index e = first - lead + i;
        // Drawing takes so long that the processor does not prefetch this far ahead by itself.
        prefetch(x + e + 2 * span);
        if (residual != nullptr) prefetch(residual + e + 2 * span);
        if (out != x) prefetch(out + e + 2 * span);
        const Vec keep = load(factors + (first - at) + i, lanes);
        const Vec before = residual != nullptr ? load(residual + e, lanes) : zero();
        const Vec kept = fma(load(x + e, lanes), keep, before);
        store(out + e, select(greater(keep, zero()), kept, before), lanes);  // 0 even for infinities
      });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
