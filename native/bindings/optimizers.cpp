#include "../args.h"

namespace inkhorn::bindings {

void adamw(Args& in) {
  const Index n = in.size("length", 0);
  AdamW o;
  o.lr = in.number("lr");
  o.beta1 = in.number("beta1");
  o.beta2 = in.number("beta2");
  o.eps = in.number("eps");
  o.weightDecay = in.number("weightDecay");
  o.t = in.number("t");
  o.gradScale = in.number("gradScale");
  float* param = in.f32OfLength("param", n);
  const float* grad = in.f32OfLength("grad", n);
  float* m = in.f32OfLength("m", n);
  float* v = in.f32OfLength("v", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.adamw(team, param, grad, m, v, o, n); });
}

void sgd(Args& in) {
  const Index n = in.size("length", 0);
  Sgd o;
  o.lr = in.number("lr");
  o.momentum = in.number("momentum");
  o.weightDecay = in.number("weightDecay");
  o.gradScale = in.number("gradScale");
  float* param = in.f32OfLength("param", n);
  const float* grad = in.f32OfLength("grad", n);
  float* velocity = in.f32OfLengthOrNull("velocity", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.sgd(team, param, grad, velocity, o, n); });
}

void nesterov(Args& in) {
  const Index n = in.size("length", 0);
  const float momentum = float(in.number("momentum")), gradScale = float(in.number("gradScale"));
  float* out = in.f32OfLength("out", n);
  float* velocity = in.f32OfLength("velocity", n);
  const float* grad = in.f32OfLength("grad", n);
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.nesterov(team, out, velocity, grad, momentum, gradScale, n);
  });
}

}  // namespace inkhorn::bindings
