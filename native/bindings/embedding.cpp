#include "../args.h"

namespace inkhorn::bindings {

void embedding(Args& in) {
  const Index B = in.size("B", 0), T = in.size("T", 0), C = in.size("C"), start = in.size("start", 0),
              vocab = in.size("vocab", 0);
  float* out = in.f32("out", {B, T, C});
  const int32_t* ids = in.i32("ids", {B, T});
  const float* tokens = in.f32("tokens", {vocab, C});
  Index lastStart = start;
  const float* positions = in.rowsFrom("positions", start, T, C, lastStart);
  in.launchFrom(start, lastStart, [=](const Kernels& kernels, Team& team, Index start) {
    kernels.embedding(team, out, ids, tokens, positions, B, T, C, start, vocab);
  });
}

void embeddingBackward(Args& in) {
  const Index B = in.size("B", 0), T = in.size("T", 0), C = in.size("C"), vocab = in.size("vocab", 0);
  float* dTokens = in.f32("dTokens", {vocab, C});
  float* dPositions = in.f32OrNull("dPositions", {T, C});
  const float* dOut = in.f32("dOut", {B, T, C});
  const int32_t* ids = in.i32("ids", {B, T});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.embeddingBackward(team, dTokens, dPositions, dOut, ids, B, T, C, vocab);
  });
}

}  // namespace inkhorn::bindings
