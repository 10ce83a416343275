// Token shift (Peng et al. 2023): the first columns of each row are those of the row before.
#include <cstring>

#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index BLOCK_ROWS = 32;  // rows of one block

void copy(float* out, const float* x, Index n) { memcpy(out, x, sizeof(float) * size_t(n)); }

/** out [C] = the first `cols` of `other`, zeros where there is none, then the rest of `x`. */
void join(float* out, const float* other, const float* x, const ShiftShape& shape) {
  other != nullptr ? copy(out, other, shape.cols) : (void)memset(out, 0, sizeof(float) * size_t(shape.cols));
  copy(out + shape.cols, x + shape.cols, shape.C - shape.cols);
}

}  // namespace

void shift(Team& team, float* out, const float* x, const ShiftShape& shape) {
  const Index T = shape.T, C = shape.C;
  forRanges(team, shape.B * T, BLOCK_ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) join(out + r * C, r % T > 0 ? x + (r - 1) * C : nullptr, x + r * C, shape);
  });
}

void shiftBackward(Team& team, float* dx, const float* dOut, const ShiftShape& shape, bool accumulate) {
  const Index T = shape.T, C = shape.C;
  forRanges(team, shape.B * T, BLOCK_ROWS, [=, &team](Index begin, Index end, Index, int thread) {
    float* sum = team.scratch(thread, 0, C);
    for (Index r = begin; r < end; r++) {
      float* to = dx + r * C;
      float* row = accumulate ? sum : to;
      join(row, r % T + 1 < T ? dOut + (r + 1) * C : nullptr, dOut + r * C, shape);
      if (!accumulate) continue;
      eachVector(C, [&](Index i, auto lanes) { store(to + i, add(load(to + i, lanes), load(row + i, lanes)), lanes); });
    }
  });
}

void shiftCached(Team& team, float* out, float* history, const float* x, const int32_t* starts, const ShiftShape& shape,
                 Position first, Index capacity) {
  const Index T = shape.T, C = shape.C, cols = shape.cols;
  forBlocks(team, shape.B, Work{2} * shape.B * T * C, [&](Index b, int) {
    const Index start = first + (starts != nullptr ? Index(starts[b]) : 0);
    const bool fits = start >= 0 && start + T <= capacity;  // `starts` has been checked by nobody
    float* row = history + (b * capacity + start) * cols;
    for (Index r = b * T, position = start; r < (b + 1) * T; r++, position++, row += cols) {
      if (fits) {
        copy(row, x + r * C, cols);
        join(out + r * C, position > 0 ? row - cols : nullptr, x + r * C, shape);
      } else {
        for (Index c = 0; c < C; c++) out[r * C + c] = __builtin_nanf("");
      }
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
