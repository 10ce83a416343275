// The activation functions and their derivatives, for vectors; and their use by a product while its result is
// still in the cache. Used by activation.cpp, matmul.cpp and row.cpp.
#pragma once
#include "../simd.h"

namespace inkhorn::INKHORN_ISA {

/**
 * Phi(x), the distribution function of the standard normal: half of erfc(-x / sqrt 2). For z >= 0, erfc(z) =
 * exp(-z^2) t P(t) with t = 1 / (1 + 0.4 z), where P is the best polynomial of degree 8 (relative error 6e-8,
 * found by the Remez exchange). For z < 0, erfc(z) = 2 - erfc(-z).
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

struct Relu {
  static Vec value(Vec x) { return max(zero(), x); }  // this order keeps NaN
  static Vec slope(Vec x) { return select(greater(x, zero()), splat(1), zero()); }
};

struct Gelu {
  static Vec value(Vec x) { return mul(x, normalCdf(x)); }
  static Vec slope(Vec x) {
    const Vec density = mul(splat(0.398942280f), exp(mul(splat(-0.5f), mul(x, x))));  // 1 / sqrt(2 pi)
    return fma(x, density, normalCdf(x));
  }
};

struct Relu2 {
  static Vec value(Vec x) { return mul(Relu::value(x), Relu::value(x)); }
  static Vec slope(Vec x) { return mul(splat(2), Relu::value(x)); }
};

struct Silu {
  static Vec value(Vec x) { return mul(x, sigmoid(x)); }
  static Vec slope(Vec x) {
    const Vec s = sigmoid(x);
    return mul(s, fma(x, sub(splat(1), s), splat(1)));
  }
};

/**
 * gelu-tanh: x / 2 (1 + tanh(u)) = x sigmoid(2u) with 2u = 2 sqrt(2 / pi) (x + 0.044715 x^3). From |x| = 10
 * on the sigmoid is 0 or 1. x^2 is capped there, so that nothing overflows.
 */
struct GeluTanh {
  static constexpr float SLOPE = 1.59576912f, CUBIC = 0.0713548163f;  // 2 sqrt(2 / pi); 0.044715 of it
  static Vec square(Vec x) { return min(splat(100), mul(x, x)); }     // this order keeps NaN
  static Vec share(Vec x) { return sigmoid(mul(x, fma(splat(CUBIC), square(x), splat(SLOPE)))); }
  static Vec value(Vec x) { return mul(x, share(x)); }
  static Vec slope(Vec x) {
    const Vec s = share(x), rise = fma(splat(3 * CUBIC), square(x), splat(SLOPE));
    return mul(s, fma(x, mul(rise, sub(splat(1), s)), splat(1)));
  }
};

/** Calls body(curve) with the struct of the function `kind`. */
template <class Body>
static inline void withCurve(Activation kind, const Body& body) {
  switch (kind) {
    case Activation::relu: return body(Relu{});
    case Activation::gelu: return body(Gelu{});
    case Activation::relu2: return body(Relu2{});
    case Activation::silu: return body(Silu{});
    case Activation::geluTanh: return body(GeluTanh{});
    case Activation::none: return;
  }
}

/**
 * The epilogue of a block of a product: `rows` rows of `cols` elements. In out, `pre` and `of` the block
 * begins at element `first`, with rows `stride` apart; in x rows are `xStride` apart. `out` and `x` may be
 * the same memory.
 */
static inline void finish(const Epilogue& e, float* out, const float* x, Index xStride, Index first, Index rows,
                          Index cols, Index stride) {
  if (e.step == Epilogue::none) return;
  withCurve(e.kind, [&](auto curve) {
    for (Index r = 0; r < rows; r++, x += xStride) {
      const Index at = first + r * stride;
      eachVector(cols, [&](Index c, auto lanes) {
        const Vec value = load(x + c, lanes);
        if (e.step == Epilogue::slope) {
          store(out + at + c, mul(value, curve.slope(load(e.of + at + c, lanes))), lanes);
        } else {
          if (e.pre != nullptr) store(e.pre + at + c, value, lanes);
          store(out + at + c, curve.value(value), lanes);
        }
      });
    }
  });
}

}  // namespace inkhorn::INKHORN_ISA
