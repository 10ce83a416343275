#include "../args.h"

namespace inkhorn::bindings {

static MixShape readShape(Args& in) {
  MixShape s;
  s.rows = in.size("rows", 0);
  s.cols = in.size("cols");
  s.from = in.size("from", 0);
  s.to = in.size("to");
  if (s.from >= s.to || s.to > s.cols) {
    in.fail("columns " + std::to_string(s.from) + " to " + std::to_string(s.to) + " are not among " +
            std::to_string(s.cols));
  }
  return s;
}

void mix(Args& in) {
  const MixShape s = readShape(in);
  float* out = in.f32("out", {s.rows, s.cols});
  const float* a = in.f32("a", {s.rows, s.cols});
  const float* b = in.f32("b", {s.rows, s.cols});
  const float* weight = in.f32("weight", {1});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.mix(team, out, a, b, weight, s); });
}

void mixBackward(Args& in) {
  const MixShape s = readShape(in);
  const bool accumulate = in.flag("accumulate");
  float* da = in.f32("da", {s.rows, s.cols});
  float* db = in.f32("db", {s.rows, s.cols});
  float* dWeight = in.f32("dWeight", {1});
  const float* dOut = in.f32("dOut", {s.rows, s.cols});
  const float* a = in.f32("a", {s.rows, s.cols});
  const float* b = in.f32("b", {s.rows, s.cols});
  const float* weight = in.f32("weight", {1});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.mixBackward(team, da, db, dWeight, dOut, a, b, weight, s, accumulate);
  });
}

}  // namespace inkhorn::bindings
