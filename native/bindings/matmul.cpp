#include "../args.h"

namespace inkhorn::bindings {

void matmul(Args& in) {
  MatmulShape s;
  s.m = in.size("m", 0);
  s.n = in.size("n", 0);
  s.k = in.size("k", 0);
  s.transA = in.flag("transA");
  s.transB = in.flag("transB");
  s.accumulate = in.flag("accumulate");
  float* out = in.f32("out", {s.m, s.n});
  const float* a = in.f32("a", {s.m, s.k});
  const float* b = in.f32("b", {s.k, s.n});
  const float* bias = in.f32OrNull("bias", {s.n});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.matmul(team, out, a, b, bias, s); });
}

}  // namespace inkhorn::bindings
