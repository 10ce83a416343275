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
  s.symmetric = in.flag("symmetric");
  s.bf16 = in.bf16();
  const Index step = in.size("epilogue", 0);
  if (step > Index(Epilogue::slope)) in.fail("there is no epilogue number " + std::to_string(step));
  s.epilogue.step = Epilogue::Step(int(step));
  s.epilogue.kind = in.activation();
  float* out = in.f32("out", {s.m, s.n});
  const float* a = in.f32("a", {s.m, s.k});
  const Elements<float> weight = in.f32("b", {s.k, s.n});
  const float* b = weight;
  const float* bias = in.f32OrNull("bias", {s.n});
  s.epilogue.pre = in.f32OrNull("pre", {s.m, s.n});
  s.epilogue.of = in.f32OrNull("x", {s.m, s.n});
  if (step != 0 && (s.accumulate || s.symmetric)) in.fail("activation and slope do not go with accumulate or symmetric");
  if (s.epilogue.pre != nullptr && step != Epilogue::activation) in.fail("pre goes with activation");
  if ((step == Epilogue::slope) != (s.epilogue.of != nullptr)) in.fail("slope takes an x, and nothing else does");
  if (s.symmetric && (s.m != s.n || bias != nullptr)) in.fail("symmetric takes m = n and no bias");
  if (s.transB && !s.transA && s.n > 0 && s.k > 0) {  // by a weight [n, k]
    if (s.m == 1) {
      return in.launchPacked(
          weight, {Packing::row, s.n, s.k}, rowFloats(s.n, s.k) * Index(sizeof(float)),
          [=](const Kernels& kernels, Team& team, void* to) {
            kernels.packRow(team, static_cast<float*>(to), b, s.n, s.k, s.bf16);
          },
          [=](const Kernels& kernels, Team& team, const float* packed) {
            packed ? kernels.matmulRow(team, out, a, packed, bias, s) : kernels.matmul(team, out, a, b, bias, s);
          });
    }
    if (s.m >= manyRows && !s.bf16) {
      return in.launchPacked(
          weight, {Packing::panels, s.n, s.k}, panelFloats(s.n, s.k) * Index(sizeof(float)),
          [=](const Kernels& kernels, Team& team, void* to) { kernels.packPanels(team, static_cast<float*>(to), b, s.n, s.k); },
          [=](const Kernels& kernels, Team& team, const float* packed) {
            packed ? kernels.matmulPanels(team, out, a, packed, bias, s) : kernels.matmul(team, out, a, b, bias, s);
          });
    }
  }
  in.launch([=](const Kernels& kernels, Team& team) { kernels.matmul(team, out, a, b, bias, s); });
}

}  // namespace inkhorn::bindings
