// Rotary position embedding (Su et al. 2021): rotates pairs of columns of q and k by an angle proportional to
// the position.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

void rope(Team& team, float* out, const float* qkv, const int32_t* starts, const RopeShape& shape) {
  const Index T = shape.T, H = shape.H, hs = shape.hs;
  const Index half = hs / 2, row = 3 * H * hs;
  // Each sequence has its own angles where it has its own start.
  const Index angles = starts != nullptr ? shape.B * T : T;
  double* frequencies = reinterpret_cast<double*>(team.shared(1, 2 * half));
  for (Index i = 0; i < half; i++) frequencies[i] = __builtin_pow(shape.base, -double(i) / double(half));
  float* turns = team.shared(0, angles * 2 * half);  // [angles, 2, half]: cosines, then sines
  forRanges(team, angles, 16, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const Index position = shape.start + r % T + (starts != nullptr ? Index(starts[r / T]) : 0);
      float *cosines = turns + r * 2 * half, *sines = cosines + half;
      for (Index i = 0; i < half; i++) {
        const double angle = double(position) * frequencies[i];
        cosines[i] = float(__builtin_cos(angle));
        sines[i] = float(shape.inverse ? -__builtin_sin(angle) : __builtin_sin(angle));
      }
    }
  });
  forRanges(team, shape.B * T, 16, [=](Index begin, Index end, Index, int) {
    for (Index r = begin; r < end; r++) {
      const float *cosines = turns + r % angles * 2 * half, *sines = cosines + half;
      const float* in = qkv + r * row;
      float* to = out + r * row;
      for (Index head = 0; head < 2 * H; head++, in += hs, to += hs) {  // of q, then of k
        eachVector(half, [&](Index i, auto lanes) {
          const Vec a = load(in + i, lanes), b = load(in + half + i, lanes);
          const Vec c = load(cosines + i, lanes), s = load(sines + i, lanes);
          store(to + i, fnma(b, s, mul(a, c)), lanes);
          store(to + half + i, fma(a, s, mul(b, c)), lanes);
        });
        if (hs % 2) to[hs - 1] = in[hs - 1];
      }
      if (out != qkv) eachVector(H * hs, [&](Index i, auto lanes) { store(to + i, load(in + i, lanes), lanes); });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
