// LayerNorm (Ba et al. 2016) and RMSNorm (Zhang & Sennrich 2019), forward and backward, one row at a time: a
// row is read from memory once and stays in the cache for the following passes. Read next: attention.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index FORWARD_ROWS = 64;  // rows of one block
constexpr Index AHEAD = 4;          // rows that a backward prefetches

/** Rows per block of a backward. At most 64 blocks, so that few sums must be combined at the end. */
Index backwardRows(Index rows) { return rows > 64 * 16 ? (rows + 63) / 64 : 16; }

/** out[c] += partial[0, c] + partial[1, c] + ... in the order of the blocks. */
void addPartials(float* out, const float* partial, Index blocks, Index stride, Index cols) {
  eachVector(cols, [&](Index i, auto lanes) {
    Vec sum = load(partial + i, lanes);
    for (Index block = 1; block < blocks; block++) sum = add(sum, load(partial + block * stride + i, lanes));
    store(out + i, add(load(out + i, lanes), sum), lanes);
  });
}

void clear(float* x, Index n) {
  eachVector(n, [&](Index i, auto lanes) { store(x + i, zero(), lanes); });
}

}  // namespace

void layernorm(Team& team, float* out, float* mean, float* rstd, const float* x, const float* weight, const float* bias,
               Index rows, Index cols, float eps) {
  forRanges(team, rows, FORWARD_ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float* in = x + r * cols;
      float* to = out + r * cols;
      Vec sum = zero(), squares = zero();
      eachVector(cols, [&](Index i, auto lanes) { sum = add(sum, load(in + i, lanes)); });
      const float m = reduceAdd(sum) / float(cols);
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec centred = select(lanes, sub(load(in + i, lanes), splat(m)), zero());
        squares = fma(centred, centred, squares);
      });
      const float s = 1 / __builtin_sqrtf(reduceAdd(squares) / float(cols) + eps);
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec normalised = mul(sub(load(in + i, lanes), splat(m)), splat(s));
        const Vec shift = bias ? load(bias + i, lanes) : zero();
        store(to + i, fma(normalised, load(weight + i, lanes), shift), lanes);
      });
      mean[r] = m;
      rstd[r] = s;
    }
  });
}

// With n = (x - mean) * rstd and g = dOut * weight: dx = rstd * (g - mean(g) - n * mean(g * n)).
void layernormBackward(Team& team, float* dx, float* dWeight, float* dBias, const float* dOut, const float* x,
                       const float* weight, const float* mean, const float* rstd, Index rows, Index cols,
                       bool accumulate) {
  if (rows == 0) return;
  const Index size = backwardRows(rows), blocks = (rows + size - 1) / size;
  float* partials = team.shared(0, blocks * 2 * cols);
  forRanges(team, rows, size, [=](Index begin, Index end, Index block, int) {
    float *weights = partials + block * 2 * cols, *biases = weights + cols;
    clear(weights, 2 * cols);
    for (Index r = begin; r < end; r++) {
      const float *in = x + r * cols, *d = dOut + r * cols;
      float* to = dx + r * cols;
      const Vec m = splat(mean[r]), s = splat(rstd[r]);
      Vec sumG = zero(), sumGN = zero();
      eachVector(cols, [&](Index i, auto lanes) {
        prefetch(d + AHEAD * cols + i);
        prefetch(in + AHEAD * cols + i);
        prefetch(to + AHEAD * cols + i);
        const Vec up = load(d + i, lanes), n = mul(sub(load(in + i, lanes), m), s);
        const Vec g = mul(up, load(weight + i, lanes));
        sumG = add(sumG, g);
        sumGN = fma(g, n, sumGN);
        store(weights + i, fma(up, n, load(weights + i, lanes)), lanes);
        store(biases + i, add(up, load(biases + i, lanes)), lanes);
      });
      const Vec meanG = splat(reduceAdd(sumG) / float(cols)), meanGN = splat(reduceAdd(sumGN) / float(cols));
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec n = mul(sub(load(in + i, lanes), m), s);
        const Vec g = mul(load(d + i, lanes), load(weight + i, lanes));
        const Vec before = accumulate ? load(to + i, lanes) : zero();
        store(to + i, fma(s, fnma(n, meanGN, sub(g, meanG)), before), lanes);
      });
    }
  });
  addPartials(dWeight, partials, blocks, 2 * cols, cols);
  if (dBias) addPartials(dBias, partials + cols, blocks, 2 * cols, cols);
}

void rmsnorm(Team& team, float* out, float* rrms, const float* x, const float* weight, Index rows, Index cols,
             float eps) {
  forRanges(team, rows, FORWARD_ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float* in = x + r * cols;
      float* to = out + r * cols;
      Vec squares = zero();
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec v = load(in + i, lanes);
        squares = fma(v, v, squares);
      });
      const float s = 1 / __builtin_sqrtf(reduceAdd(squares) / float(cols) + eps);
      eachVector(cols, [&](Index i, auto lanes) {
        store(to + i, mul(mul(load(in + i, lanes), splat(s)), load(weight + i, lanes)), lanes);
      });
      rrms[r] = s;
    }
  });
}

// With n = x * rrms and g = dOut * weight: dx = rrms * (g - n * mean(g * n)).
void rmsnormBackward(Team& team, float* dx, float* dWeight, const float* dOut, const float* x, const float* weight,
                     const float* rrms, Index rows, Index cols, bool accumulate) {
  if (rows == 0) return;
  const Index size = backwardRows(rows), blocks = (rows + size - 1) / size;
  float* partials = team.shared(0, blocks * cols);
  forRanges(team, rows, size, [=](Index begin, Index end, Index block, int) {
    float* weights = partials + block * cols;
    clear(weights, cols);
    for (Index r = begin; r < end; r++) {
      const float *in = x + r * cols, *d = dOut + r * cols;
      float* to = dx + r * cols;
      const Vec s = splat(rrms[r]);
      Vec sumGN = zero();
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec up = load(d + i, lanes), n = mul(load(in + i, lanes), s);
        sumGN = fma(mul(up, load(weight + i, lanes)), n, sumGN);
        store(weights + i, fma(up, n, load(weights + i, lanes)), lanes);
      });
      const Vec meanGN = splat(reduceAdd(sumGN) / float(cols));
      eachVector(cols, [&](Index i, auto lanes) {
        const Vec n = mul(load(in + i, lanes), s);
        const Vec g = mul(load(d + i, lanes), load(weight + i, lanes));
        const Vec before = accumulate ? load(to + i, lanes) : zero();
        store(to + i, fma(s, fnma(n, meanGN, g), before), lanes);
      });
    }
  });
  addPartials(dWeight, partials, blocks, cols, cols);
}

}  // namespace inkhorn::INKHORN_ISA
