#include "../args.h"

namespace inkhorn::bindings {

static float share(Args& in) {
  const double value = in.number("smoothing");
  if (!(value >= 0 && value <= 1)) in.fail("smoothing " + Args::show(value) + " is not from 0 to 1");
  return float(value);
}

void crossEntropy(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const float smoothing = share(in);
  float* losses = in.f32("losses", {rows});
  float* lse = in.f32("lse", {rows});
  const float* logits = in.f32("logits", {rows, cols});
  const int32_t* targets = in.i32("targets", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.crossEntropy(team, losses, lse, logits, targets, rows, cols, smoothing);
  });
}

void crossEntropyBackward(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const float factor = float(in.number("factor"));
  const float smoothing = share(in);
  float* dLogits = in.f32("dLogits", {rows, cols});
  const float* logits = in.f32("logits", {rows, cols});
  const float* lse = in.f32("lse", {rows});
  const int32_t* targets = in.i32("targets", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.crossEntropyBackward(team, dLogits, logits, lse, targets, rows, cols, factor, smoothing);
  });
}

}  // namespace inkhorn::bindings
