// The activation functions and their derivatives (activation.h), element by element. Read next: dropout.cpp.
#include "activation.h"

#include "../parallel.h"

namespace inkhorn::INKHORN_ISA {

namespace {

constexpr Index SIZE = 1 << 13;  // elements of one block

/** out = value(x) */
template <class Value>
void map(Team& team, float* out, const float* x, Index n, Value value) {
  forRanges(team, n, SIZE, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin,
               [&](Index i, auto lanes) { store(out + begin + i, value(load(x + begin + i, lanes)), lanes); });
  });
}

/** dx = dOut * slope(x) */
template <class Slope>
void chain(Team& team, float* dx, const float* dOut, const float* x, Index n, Slope slope) {
  forRanges(team, n, SIZE, [=](Index begin, Index end, Index, int) {
    eachVector(end - begin, [&](Index i, auto lanes) {
      store(dx + begin + i, mul(load(dOut + begin + i, lanes), slope(load(x + begin + i, lanes))), lanes);
    });
  });
}

}  // namespace

void activation(Team& team, float* out, const float* x, Activation kind, Index n) {
  withCurve(kind, [&](auto curve) { map(team, out, x, n, [=](Vec v) { return curve.value(v); }); });
}

void activationBackward(Team& team, float* dx, const float* dOut, const float* x, Activation kind, Index n) {
  withCurve(kind, [&](auto curve) { chain(team, dx, dOut, x, n, [=](Vec v) { return curve.slope(v); }); });
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
