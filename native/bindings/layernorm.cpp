#include "../args.h"

namespace inkhorn::bindings {

void layernorm(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const float eps = float(in.number("eps"));
  float* out = in.f32("out", {rows, cols});
  float* mean = in.f32("mean", {rows});
  float* rstd = in.f32("rstd", {rows});
  const float* x = in.f32("x", {rows, cols});
  const float* weight = in.f32("weight", {cols});
  const float* bias = in.f32OrNull("bias", {cols});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.layernorm(team, out, mean, rstd, x, weight, bias, rows, cols, eps);
  });
}

void layernormBackward(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const bool accumulate = in.flag("accumulate");
  float* dx = in.f32("dx", {rows, cols});
  float* dWeight = in.f32("dWeight", {cols});
  float* dBias = in.f32OrNull("dBias", {cols});
  const float* dOut = in.f32("dOut", {rows, cols});
  const float* x = in.f32("x", {rows, cols});
  const float* weight = in.f32("weight", {cols});
  const float* mean = in.f32("mean", {rows});
  const float* rstd = in.f32("rstd", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.layernormBackward(team, dx, dWeight, dBias, dOut, x, weight, mean, rstd, rows, cols, accumulate);
  });
}

void rmsnorm(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const float eps = float(in.number("eps"));
  float* out = in.f32("out", {rows, cols});
  float* rrms = in.f32("rrms", {rows});
  const float* x = in.f32("x", {rows, cols});
  const float* weight = in.f32("weight", {cols});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.rmsnorm(team, out, rrms, x, weight, rows, cols, eps);
  });
}

void rmsnormBackward(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const bool accumulate = in.flag("accumulate");
  float* dx = in.f32("dx", {rows, cols});
  float* dWeight = in.f32("dWeight", {cols});
  const float* dOut = in.f32("dOut", {rows, cols});
  const float* x = in.f32("x", {rows, cols});
  const float* weight = in.f32("weight", {cols});
  const float* rrms = in.f32("rrms", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.rmsnormBackward(team, dx, dWeight, dOut, x, weight, rrms, rows, cols, accumulate);
  });
}

}  // namespace inkhorn::bindings
