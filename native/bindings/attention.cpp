#include "../args.h"

namespace inkhorn::bindings {

static AttentionShape readShape(Args& in) {
  AttentionShape s;
  s.B = in.size("B", 0);
  s.T = in.size("T", 0);
  s.H = in.size("H");
  s.hs = in.size("hs");
  s.scale = float(in.number("scale"));
  s.bf16 = in.bf16();
  return s;
}

void attention(Args& in) {
  const AttentionShape s = readShape(in);
  const Dropout dropout = in.dropout();
  float* out = in.f32("out", {s.B, s.T, s.H, s.hs});
  float* lse = in.f32("lse", {s.B, s.H, s.T});
  const float* qkv = in.f32("qkv", {s.B, s.T, 3, s.H, s.hs});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.attention(team, out, lse, qkv, s, dropout); });
}

void attentionBackward(Args& in) {
  const AttentionShape s = readShape(in);
  const Dropout dropout = in.dropout();
  float* dqkv = in.f32("dqkv", {s.B, s.T, 3, s.H, s.hs});
  const float* dOut = in.f32("dOut", {s.B, s.T, s.H, s.hs});
  const float* out = in.f32("out", {s.B, s.T, s.H, s.hs});
  const float* lse = in.f32("lse", {s.B, s.H, s.T});
  const float* qkv = in.f32("qkv", {s.B, s.T, 3, s.H, s.hs});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.attentionBackward(team, dqkv, dOut, out, lse, qkv, s, dropout);
  });
}

void attentionCached(Args& in) {
  const AttentionShape s = readShape(in);
  const Index start = in.size("start", 0), capacity = in.size("capacity");
  if (start + s.T > capacity) {
    in.fail(std::to_string(s.T) + " tokens from position " + std::to_string(start) + " on do not fit the capacity " +
            std::to_string(capacity));
  }
  float* out = in.f32("out", {s.B, s.T, s.H, s.hs});
  float* keys = in.f32("keys", {s.B, s.H, capacity, s.hs});
  float* values = in.f32("values", {s.B, s.H, capacity, s.hs});
  const float* qkv = in.f32("qkv", {s.B, s.T, 3, s.H, s.hs});
  in.launchFrom(start, capacity - s.T, [=](const Kernels& kernels, Team& team, Index start) {
    kernels.attentionCached(team, out, keys, values, qkv, s, start, capacity);
  });
}

void attentionProbabilities(Args& in) {
  const AttentionShape s = readShape(in);
  float* probs = in.f32("probs", {s.B, s.H, s.T, s.T});
  const float* qkv = in.f32("qkv", {s.B, s.T, 3, s.H, s.hs});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.attentionProbabilities(team, probs, qkv, s); });
}

void qkNorm(Args& in) {
  const Index rows = in.size("rows", 0), H = in.size("H"), hs = in.size("hs");
  const float eps = float(in.number("eps"));
  float* out = in.f32("out", {rows, 3, H, hs});
  float* rrms = in.f32("rrms", {rows, 2, H});
  const float* qkv = in.f32("qkv", {rows, 3, H, hs});
  const float* weight = in.f32("weight", {2, hs});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.qkNorm(team, out, rrms, qkv, weight, rows, H, hs, eps); });
}

void qkNormBackward(Args& in) {
  const Index rows = in.size("rows", 0), H = in.size("H"), hs = in.size("hs");
  float* dqkv = in.f32("dqkv", {rows, 3, H, hs});
  float* dWeight = in.f32("dWeight", {2, hs});
  const float* dOut = in.f32("dOut", {rows, 3, H, hs});
  const float* qkv = in.f32("qkv", {rows, 3, H, hs});
  const float* weight = in.f32("weight", {2, hs});
  const float* rrms = in.f32("rrms", {rows, 2, H});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.qkNormBackward(team, dqkv, dWeight, dOut, qkv, weight, rrms, rows, H, hs);
  });
}

void rope(Args& in) {
  RopeShape s;
  s.B = in.size("B", 0);
  s.T = in.size("T", 0);
  s.H = in.size("H");
  s.hs = in.size("hs");
  s.start = in.size("start", 0);
  s.base = in.number("base");
  s.inverse = in.flag("inverse");
  float* out = in.f32("out", {s.B, s.T, 3, s.H, s.hs});
  const float* qkv = in.f32("qkv", {s.B, s.T, 3, s.H, s.hs});
  in.launchFrom(s.start, std::numeric_limits<Index>::max(), [=](const Kernels& kernels, Team& team, Index start) {
    RopeShape at = s;
    at.start = start;
    kernels.rope(team, out, qkv, at);
  });
}

}  // namespace inkhorn::bindings
