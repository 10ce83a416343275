// A learned mixture of two values, in some columns or all, forward and backward.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index BLOCK_ROWS = 32;  // rows of one block

void copyColumns(float* out, const float* x, Index n) {
  eachVector(n, [&](Index i, auto lanes) { store(out + i, load(x + i, lanes), lanes); });
}

}  // namespace

void mix(Team& team, float* out, const float* a, const float* b, const float* weight, const MixShape& shape) {
  const Index cols = shape.cols, from = shape.from, to = shape.to;
  const Vec w = splat(weight[0]);
  forRanges(team, shape.rows, BLOCK_ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float *x = a + r * cols, *y = b + r * cols;
      float* o = out + r * cols;
      if (out != a) {
        copyColumns(o, x, from);
        copyColumns(o + to, x + to, cols - to);
      }
      eachVector(to - from, [&](Index i, auto lanes) {
        const Vec v = load(x + from + i, lanes);
        store(o + from + i, fma(w, sub(load(y + from + i, lanes), v), v), lanes);
      });
    }
  });
}

void mixBackward(Team& team, float* da, float* db, float* dWeight, const float* dOut, const float* a, const float* b,
                 const float* weight, const MixShape& shape, bool accumulate) {
  const Index cols = shape.cols, from = shape.from, to = shape.to;
  const Vec w = splat(weight[0]), rest = splat(1 - weight[0]);
  float* partial = team.shared(0, (shape.rows + BLOCK_ROWS - 1) / BLOCK_ROWS);
  forRanges(team, shape.rows, BLOCK_ROWS, [=](Index begin, Index end, Index block, int) {
    Vec sum = zero();
    for (Index r = begin; r < end; r++) {
      const float *x = a + r * cols, *y = b + r * cols, *d = dOut + r * cols;
      float *dx = da + r * cols, *dy = db + r * cols;
      if (da != dOut) {
        copyColumns(dx, d, from);
        copyColumns(dx + to, d + to, cols - to);
      }
      if (!accumulate) {
        eachVector(from, [&](Index i, auto lanes) { store(dy + i, zero(), lanes); });
        eachVector(cols - to, [&](Index i, auto lanes) { store(dy + to + i, zero(), lanes); });
      }
      eachVector(to - from, [&](Index i, auto lanes) {
        const Index c = from + i;
        const Vec up = load(d + c, lanes);
        sum = fma(up, sub(load(y + c, lanes), load(x + c, lanes)), sum);
        const Vec before = accumulate ? load(dy + c, lanes) : zero();
        store(dx + c, mul(rest, up), lanes);
        store(dy + c, fma(w, up, before), lanes);
      });
    }
    partial[block] = reduceAdd(sum);
  });
  double total = double(dWeight[0]);
  for (Index block = 0; block * BLOCK_ROWS < shape.rows; block++) total += double(partial[block]);
  dWeight[0] = float(total);
}

}  // namespace inkhorn::INKHORN_ISA
