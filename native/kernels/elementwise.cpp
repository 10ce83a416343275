// Copying and elementwise kernels, and the two sums that the optimizer and the biases need. Read next:
// matmul.cpp.
#include <cstring>

#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index blockSize = 16384;  // elements: a few microseconds; three operands fit in the L2 cache

/** Calls body(i, lanes) for each vector of [0, n). */
template <class Body>
void forVectors(Team& team, Index n, Body body) {
  forRanges(team, n, blockSize, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index i, auto lanes) { body(begin + i, lanes); });
  });
}

}  // namespace

void fill(Team& team, void* out, uint32_t pattern, Index bytes) {
  forRanges(team, bytes, blockSize * 4, [=](Index begin, Index end, Index, int) {
    char* to = static_cast<char*>(out);
    for (Index i = begin; i + 4 <= end; i += 4) memcpy(to + i, &pattern, 4);
    memcpy(to + (end & ~Index{3}), &pattern, size_t(end & 3));  // `begin` is a multiple of 4
  });
}

void copy(Team& team, void* out, const void* x, Index bytes) {
  char* to = static_cast<char*>(out);
  const char* from = static_cast<const char*>(x);
  const bool overlap = to < from + bytes && from < to + bytes;
  forRanges(team, bytes, overlap ? bytes : blockSize * 4,
            [=](Index begin, Index end, Index, int) { memmove(to + begin, from + begin, size_t(end - begin)); });
}

void add(Team& team, float* out, const float* a, const float* b, Index n) {
  forVectors(team, n, [=](Index i, auto m) { store(out + i, add(load(a + i, m), load(b + i, m)), m); });
}

void axpy(Team& team, float* out, const float* x, float factor, Index n) {
  const Vec f = splat(factor);
  forVectors(team, n, [=](Index i, auto m) { store(out + i, fma(f, load(x + i, m), load(out + i, m)), m); });
}

void scale(Team& team, float* out, const float* x, float factor, Index n) {
  const Vec f = splat(factor);
  forVectors(team, n, [=](Index i, auto m) { store(out + i, mul(f, load(x + i, m)), m); });
}

/**
 * Each block is summed in single precision over many lanes. The sums of blocks are added in double precision,
 * in order.
 */
void sumSquares(Team& team, float* out, const float* x, bool accumulate, Index n) {
  const Index blocks = (n + blockSize - 1) / blockSize;
  float* partial = team.shared(0, blocks);
  forRanges(team, n, blockSize, [=](Index begin, Index end, Index block, int) {
    Vec sum[4] = {zero(), zero(), zero(), zero()};
    Index i = begin;
    for (; i + 4 * LANES <= end; i += 4 * LANES) {
      for (int j = 0; j < 4; j++) {
        const Vec v = load(x + i + j * LANES);
        sum[j] = fma(v, v, sum[j]);
      }
    }
    for (; i < end; i += LANES) {
      const Vec v = load(x + i, firstLanes(end - i));
      sum[0] = fma(v, v, sum[0]);
    }
    partial[block] = reduceAdd(add(add(sum[0], sum[1]), add(sum[2], sum[3])));
  });
  double total = accumulate ? double(out[0]) : 0;
  for (Index block = 0; block < blocks; block++) total += double(partial[block]);
  out[0] = float(total);
}

void normalize(Team& team, float* out, const float* x, const float* squares, double eps, Index n) {
  scale(team, out, x, float(1 / (__builtin_sqrt(double(squares[0])) + eps)), n);
}

/** Each block of rows is summed into a row of its own. These rows are then added in order. */
void sumRows(Team& team, float* out, const float* x, Index rows, Index cols) {
  constexpr Index rowsPerBlock = 128, STRIP = 8 * LANES;
  const Index blocks = (rows + rowsPerBlock - 1) / rowsPerBlock;
  float* partial = team.shared(0, blocks * cols);
  forRanges(team, rows, rowsPerBlock, [=](Index begin, Index end, Index block, int) {
    float* sums = partial + block * cols;
    Index c = 0;
    for (; c + STRIP <= cols; c += STRIP) {  // wide enough that memory is read in order
      Vec sum[STRIP / LANES];
      for (Vec& v : sum) v = zero();
      for (Index r = begin; r < end; r++) {
#pragma GCC unroll 16
        for (Index v = 0; v < STRIP / LANES; v++) sum[v] = add(sum[v], load(x + r * cols + c + v * LANES));
      }
      for (Index v = 0; v < STRIP / LANES; v++) store(sums + c + v * LANES, sum[v]);
    }
    eachVector(cols - c, [&](Index i, auto m) {
      Vec sum = zero();
      for (Index r = begin; r < end; r++) sum = add(sum, load(x + r * cols + c + i, m));
      store(sums + c + i, sum, m);
    });
  });
  eachVector(cols, [&](Index c, auto m) {
    Vec sum = load(out + c, m);
    for (Index block = 0; block < blocks; block++) sum = add(sum, load(partial + block * cols + c, m));
    store(out + c, sum, m);
  });
}

}  // namespace inkhorn::INKHORN_ISA
