// Looks up rows of tokens and positions and adds them. The backward adds gradients to the rows that were
// used. A token outside the table gives a row of NaN, and its gradient is dropped. Read next: layernorm.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

bool inRange(int32_t id, Index vocab) { return id >= 0 && id < vocab; }

}  // namespace

void embedding(Team& team, float* out, const int32_t* ids, const float* tokens, const float* positions, Index B,
               Index T, Index C, Position start, Index vocab) {
  forRanges(team, B * T, 64, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const bool known = inRange(ids[r], vocab);
      const float* token = tokens + (known ? ids[r] : 0) * C;
      const float* position = positions ? positions + (start + r % T) * C : nullptr;
      float* to = out + r * C;
      eachVector(C, [&](Index i, auto lanes) {
        const Vec row = known ? load(token + i, lanes) : splat(__builtin_nanf(""));
        store(to + i, position ? add(row, load(position + i, lanes)) : row, lanes);
      });
    }
  });
}

// Each thread owns a range of columns, so that rows are added in order, whatever the number of threads.
void embeddingBackward(Team& team, float* dTokens, float* dPositions, const float* dOut, const int32_t* ids, Index B,
                       Index T, Index C, Index vocab) {
  forRanges(team, C, 64, [=](Index begin, Index end, Index, int) {
    for (Index r = 0; r < B * T; r++) {
      const float* d = dOut + r * C + begin;
      float* token = inRange(ids[r], vocab) ? dTokens + ids[r] * C + begin : nullptr;
      float* position = dPositions ? dPositions + (r % T) * C + begin : nullptr;
      eachVector(end - begin, [&](Index i, auto lanes) {
        const Vec up = load(d + i, lanes);
        if (token) store(token + i, add(load(token + i, lanes), up), lanes);
        if (position) store(position + i, add(load(position + i, lanes), up), lanes);
      });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
