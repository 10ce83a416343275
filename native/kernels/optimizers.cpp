// One optimizer step, element by element. Read next: statistics.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index SIZE = 1 << 13;  // elements of one block

}  // namespace

// AdamW (Loshchilov & Hutter 2019). The bias corrections are computed once, in double precision.
void adamw(Team& team, float* param, const float* grad, float* m, float* v, const AdamW& options, Index n) {
  const Vec gradScale = splat(float(options.gradScale)), eps = splat(float(options.eps));
  const Vec beta1 = splat(float(options.beta1)), rest1 = splat(float(1 - options.beta1));
  const Vec beta2 = splat(float(options.beta2)), rest2 = splat(float(1 - options.beta2));
  const Vec decay = splat(float(1 - options.lr * options.weightDecay));
  const Vec rate = splat(float(-options.lr / (1 - __builtin_pow(options.beta1, options.t))));
  const Vec correction2 = splat(float(1 / (1 - __builtin_pow(options.beta2, options.t))));
  forRanges(team, n, SIZE, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index offset, auto lanes) {
      const Index i = begin + offset;
      const Vec g = mul(gradScale, load(grad + i, lanes));
      const Vec m1 = fma(beta1, load(m + i, lanes), mul(rest1, g));
      const Vec v1 = fma(beta2, load(v + i, lanes), mul(rest2, mul(g, g)));
      const Vec step = div(mul(rate, m1), add(sqrt(mul(v1, correction2)), eps));
      store(m + i, m1, lanes);
      store(v + i, v1, lanes);
      store(param + i, fma(decay, load(param + i, lanes), step), lanes);
    });
  });
}

void sgd(Team& team, float* param, const float* grad, float* velocity, const Sgd& options, Index n) {
  const Vec gradScale = splat(float(options.gradScale)), decay = splat(float(options.weightDecay));
  const Vec momentum = splat(float(options.momentum)), lr = splat(float(options.lr));
  forRanges(team, n, SIZE, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index offset, auto lanes) {
      const Index i = begin + offset;
      const Vec p = load(param + i, lanes);
      Vec step = fma(decay, p, mul(gradScale, load(grad + i, lanes)));
      if (velocity) {
        step = fma(momentum, load(velocity + i, lanes), step);
        store(velocity + i, step, lanes);
      }
      store(param + i, fnma(lr, step, p), lanes);
    });
  });
}

void nesterov(Team& team, float* out, float* velocity, const float* grad, float momentum, float gradScale, Index n) {
  const Vec mu = splat(momentum), factor = splat(gradScale);
  forRanges(team, n, SIZE, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index offset, auto lanes) {
      const Index i = begin + offset;
      const Vec g = mul(factor, load(grad + i, lanes)), u = fma(mu, load(velocity + i, lanes), g);
      store(velocity + i, u, lanes);
      store(out + i, fma(mu, u, g), lanes);
    });
  });
}

}  // namespace inkhorn::INKHORN_ISA
