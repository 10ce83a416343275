// The activation functions and their derivatives, element by element. Read next: dropout.cpp.
#include "../parallel.h"
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index SIZE = 1 << 13;  // elements that a thread takes at a time

/**
 * Phi(x), the distribution function of the standard normal: half of erfc(-x / sqrt 2). For z >= 0,
 * erfc(z) = exp(-z^2) t P(t) with t = 1 / (1 + 0.4 z), where P is the polynomial of degree 8 that comes closest
 * (relative error 6e-8, found by Remez' exchange); erfc(-z) = 2 - erfc(z).
 */
INKHORN_INLINE Vec normalCdf(Vec x) {
  const Vec z = mul(abs(x), splat(0.707106781f));
  const Vec t = div(splat(1), fma(splat(0.4f), z, splat(1)));
  Vec p = splat(0.0412530124f);
  p = fma(p, t, splat(-0.140319107f));
  p = fma(p, t, splat(0.0839870247f));
  p = fma(p, t, splat(0.0879646336f));
  p = fma(p, t, splat(0.0797562926f));
  p = fma(p, t, splat(0.193393291f));
  p = fma(p, t, splat(0.20188757f));
  p = fma(p, t, splat(0.226443114f));
  p = fma(p, t, splat(0.225634231f));
  const Vec tail = mul(splat(0.5f), mul(mul(p, t), exp(mul(splat(-0.5f), mul(x, x)))));
  return select(greater(x, zero()), sub(splat(1), tail), tail);
}

INKHORN_INLINE Vec sigmoid(Vec x) { return div(splat(1), add(splat(1), exp(sub(zero(), x)))); }

// `max(zero(), x)` in this order keeps NaN.
INKHORN_INLINE Vec relu(Vec x) { return max(zero(), x); }
INKHORN_INLINE Vec reluSlope(Vec x) { return select(greater(x, zero()), splat(1), zero()); }
INKHORN_INLINE Vec gelu(Vec x) { return mul(x, normalCdf(x)); }
INKHORN_INLINE Vec geluSlope(Vec x) {
  const Vec density = mul(splat(0.398942280f), exp(mul(splat(-0.5f), mul(x, x))));  // 1 / sqrt(2 pi)
  return fma(x, density, normalCdf(x));
}
INKHORN_INLINE Vec relu2(Vec x) { return mul(relu(x), relu(x)); }
INKHORN_INLINE Vec relu2Slope(Vec x) { return mul(splat(2), relu(x)); }
INKHORN_INLINE Vec silu(Vec x) { return mul(x, sigmoid(x)); }
INKHORN_INLINE Vec siluSlope(Vec x) {
  const Vec s = sigmoid(x);
  return mul(s, fma(x, sub(splat(1), s), splat(1)));
}

/** out = value(x) */
template <class Value>
void map(Team& team, float* out, const float* x, Index n, Value value) {
  forRanges(team, n, SIZE, [&](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index i, auto lanes) {
      store(out + begin + i, value(load(x + begin + i, lanes)), lanes);
    });
  });
}

/** dx = dOut * slope(x) */
template <class Slope>
void chain(Team& team, float* dx, const float* dOut, const float* x, Index n, Slope slope) {
  forRanges(team, n, SIZE, [&](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index i, auto lanes) {
      store(dx + begin + i, mul(load(dOut + begin + i, lanes), slope(load(x + begin + i, lanes))), lanes);
    });
  });
}

}  // namespace

void activation(Team& team, float* out, const float* x, Activation kind, Index n) {
  switch (kind) {
    case Activation::relu: return map(team, out, x, n, [](Vec v) { return relu(v); });
    case Activation::gelu: return map(team, out, x, n, [](Vec v) { return gelu(v); });
    case Activation::relu2: return map(team, out, x, n, [](Vec v) { return relu2(v); });
    case Activation::silu: return map(team, out, x, n, [](Vec v) { return silu(v); });
  }
}

void activationBackward(Team& team, float* dx, const float* dOut, const float* x, Activation kind, Index n) {
  switch (kind) {
    case Activation::relu: return chain(team, dx, dOut, x, n, [](Vec v) { return reluSlope(v); });
    case Activation::gelu: return chain(team, dx, dOut, x, n, [](Vec v) { return geluSlope(v); });
    case Activation::relu2: return chain(team, dx, dOut, x, n, [](Vec v) { return relu2Slope(v); });
    case Activation::silu: return chain(team, dx, dOut, x, n, [](Vec v) { return siluSlope(v); });
  }
}

// cap * tanh(x / cap), tanh(z) = 1 - 2 / (e^2z + 1).
void softcap(Team& team, float* out, const float* x, float cap, Index n) {
  const Vec scale = splat(2 / cap), top = splat(cap), twice = splat(2 * cap);
  map(team, out, x, n, [=](Vec v) { return sub(top, div(twice, add(exp(mul(v, scale)), splat(1)))); });
}

void softcapBackward(Team& team, float* dx, const float* dOut, const float* y, float cap, Index n) {
  const Vec scale = splat(1 / cap);
  chain(team, dx, dOut, y, n, [=](Vec v) {
    const Vec z = mul(v, scale);
    return fnma(z, z, splat(1));
  });
}

}  // namespace inkhorn::INKHORN_ISA
