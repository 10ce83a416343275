// RMSNorm of every query and key separately (Henry et al. 2020), forward and backward. Read next: rope.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index FORWARD_ROWS = 32;  // rows of one block

}  // namespace

void qkNorm(Team& team, float* out, float* rrms, const float* qkv, const float* weight, Index rows, Index H, Index hs,
            float eps) {
  forRanges(team, rows, FORWARD_ROWS, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float* in = qkv + r * 3 * H * hs;
      float* to = out + r * 3 * H * hs;
      for (Index j = 0; j < 2 * H; j++, in += hs, to += hs) {  // queries, then keys
        const float* w = weight + (j < H ? 0 : hs);
        Vec squares = zero();
        eachVector(hs, [&](Index i, auto lanes) {
          const Vec v = load(in + i, lanes);
          squares = fma(v, v, squares);
        });
        const float s = 1 / __builtin_sqrtf(reduceAdd(squares) / float(hs) + eps);
        eachVector(hs, [&](Index i, auto lanes) {
          store(to + i, mul(mul(load(in + i, lanes), splat(s)), load(w + i, lanes)), lanes);
        });
        rrms[r * 2 * H + j] = s;
      }
      if (out != qkv) eachVector(H * hs, [&](Index i, auto lanes) { store(to + i, load(in + i, lanes), lanes); });
    }
  });
}

// With n = x * rrms and g = dOut * weight: dx = rrms * (g - n * mean(g * n)).
void qkNormBackward(Team& team, float* dqkv, float* dWeight, const float* dOut, const float* qkv, const float* weight,
                    const float* rrms, Index rows, Index H, Index hs) {
  if (rows == 0) return;
  const Index size = rows > 64 * 16 ? (rows + 63) / 64 : 16;  // at most 64 blocks, for few sums
  const Index blocks = (rows + size - 1) / size;
  float* partials = team.shared(0, blocks * 2 * hs);
  forRanges(team, rows, size, [=](Index begin, Index end, Index block, int) {
    float* weights = partials + block * 2 * hs;
    eachVector(2 * hs, [&](Index i, auto lanes) { store(weights + i, zero(), lanes); });
    for (Index r = begin; r < end; r++) {
      const float *in = qkv + r * 3 * H * hs, *d = dOut + r * 3 * H * hs;
      float* to = dqkv + r * 3 * H * hs;
      for (Index j = 0; j < 2 * H; j++, in += hs, d += hs, to += hs) {
        const float* w = weight + (j < H ? 0 : hs);
        float* sums = weights + (j < H ? 0 : hs);
        const Vec s = splat(rrms[r * 2 * H + j]);
        Vec sumGN = zero();
        eachVector(hs, [&](Index i, auto lanes) {
          const Vec up = load(d + i, lanes), n = mul(load(in + i, lanes), s);
          sumGN = fma(mul(up, load(w + i, lanes)), n, sumGN);
          store(sums + i, fma(up, n, load(sums + i, lanes)), lanes);
        });
        const Vec meanGN = splat(reduceAdd(sumGN) / float(hs));
        eachVector(hs, [&](Index i, auto lanes) {
          const Vec n = mul(load(in + i, lanes), s);
          const Vec g = mul(load(d + i, lanes), load(w + i, lanes));
          store(to + i, mul(s, fnma(n, meanGN, g)), lanes);
        });
      }
      if (dqkv != dOut) eachVector(H * hs, [&](Index i, auto lanes) { store(to + i, load(d + i, lanes), lanes); });
    }
  });
  eachVector(2 * hs, [&](Index i, auto lanes) {
    Vec sum = load(dWeight + i, lanes);
    for (Index block = 0; block < blocks; block++) sum = add(sum, load(partials + block * 2 * hs + i, lanes));
    store(dWeight + i, sum, lanes);
  });
}

}  // namespace inkhorn::INKHORN_ISA
