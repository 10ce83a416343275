#include "../args.h"

namespace inkhorn::bindings {

void crossEntropy(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  float* losses = in.f32("losses", {rows});
  float* lse = in.f32("lse", {rows});
  const float* logits = in.f32("logits", {rows, cols});
  const int32_t* targets = in.i32("targets", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.crossEntropy(team, losses, lse, logits, targets, rows, cols);
  });
}

void crossEntropyBackward(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  const float factor = float(in.number("factor"));
  float* dLogits = in.f32("dLogits", {rows, cols});
  const float* logits = in.f32("logits", {rows, cols});
  const float* lse = in.f32("lse", {rows});
  const int32_t* targets = in.i32("targets", {rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.crossEntropyBackward(team, dLogits, logits, lse, targets, rows, cols, factor);
  });
}

}  // namespace inkhorn::bindings
