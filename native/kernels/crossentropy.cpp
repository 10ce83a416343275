// Cross-entropy of each row of logits with its target, and the gradient. Read next: optimizers.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index ROWS = 32;  // rows of one block

bool inRange(int32_t target, Index cols) { return target >= 0 && target < cols; }

}  // namespace

void crossEntropy(Team& team, float* losses, float* lse, const float* logits, const int32_t* targets, Index rows,
                  Index cols, float smoothing) {
  forRanges(team, rows, ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float* row = logits + r * cols;
      Vec highest = splat(-__builtin_inff()), sum = zero();
      eachVector(cols,
                 [&](Index i, auto lanes) { highest = max(highest, select(lanes, load(row + i, lanes), highest)); });
      const float top = reduceMax(highest);
      eachVector(cols, [&](Index i, auto lanes) {
        sum = add(sum, select(lanes, exp(sub(load(row + i, lanes), splat(top))), zero()));
      });
      lse[r] = top + __builtin_logf(reduceAdd(sum));
      losses[r] = inRange(targets[r], cols) ? lse[r] - (1 - smoothing) * row[targets[r]] : __builtin_nanf("");
      if (smoothing == 0) continue;
      Vec logitSum = zero();
      eachVector(cols, [&](Index i, auto lanes) { logitSum = add(logitSum, load(row + i, lanes)); });
      losses[r] -= smoothing * (reduceAdd(logitSum) / float(cols));
    }
  });
}

void crossEntropyBackward(Team& team, float* dLogits, const float* logits, const float* lse, const int32_t* targets,
                          Index rows, Index cols, float factor, float smoothing) {
  forRanges(team, rows, ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float* row = logits + r * cols;
      float* d = dLogits + r * cols;
      const bool known = inRange(targets[r], cols);
      const Vec scale = splat(known ? factor : __builtin_nanf("")), rest = splat(smoothing / float(cols));
      eachVector(cols, [&](Index i, auto lanes) {
        store(d + i, mul(sub(exp(sub(load(row + i, lanes), splat(lse[r]))), rest), scale), lanes);
      });
      if (known) d[targets[r]] -= factor * (1 - smoothing);
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
