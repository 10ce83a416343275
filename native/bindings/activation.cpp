#include "../args.h"

namespace inkhorn::bindings {

void activation(Args& in) {
  const Index n = in.size("length", 0);
  const Activation kind = in.activation();
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.activation(team, out, x, kind, n); });
}

void activationBackward(Args& in) {
  const Index n = in.size("length", 0);
  const Activation kind = in.activation();
  float* dx = in.f32OfLength("dx", n);
  const float* dOut = in.f32OfLength("dOut", n);
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.activationBackward(team, dx, dOut, x, kind, n); });
}

void softcap(Args& in) {
  const Index n = in.size("length", 0);
  const float cap = float(in.number("cap"));
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.softcap(team, out, x, cap, n); });
}

void softcapBackward(Args& in) {
  const Index n = in.size("length", 0);
  const float cap = float(in.number("cap"));
  float* dx = in.f32OfLength("dx", n);
  const float* dOut = in.f32OfLength("dOut", n);
  const float* y = in.f32OfLength("y", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.softcapBackward(team, dx, dOut, y, cap, n); });
}

void dropout(Args& in) {
  const Index n = in.size("length", 0);
  const Dropout dropout = in.dropout();
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  const float* residual = in.f32OfLengthOrNull("residual", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.dropout(team, out, x, residual, dropout, n); });
}

}  // namespace inkhorn::bindings
