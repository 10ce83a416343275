#include "../args.h"

namespace inkhorn::bindings {

void quantizeRows(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  int8_t* q = in.i8("q", {rows, cols});
  float* scale = in.f32("scale", {rows});
  const float* x = in.f32("x", {rows, cols});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.quantizeRows(team, q, scale, x, rows, cols); });
}

void dequantizeRows(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols");
  float* x = in.f32("x", {rows, cols});
  const int8_t* q = in.i8("q", {rows, cols});
  const float* scale = in.f32("scale", {rows});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.dequantizeRows(team, x, q, scale, rows, cols); });
}

void linearInt8(Args& in) {
  const Index m = in.size("m", 0), n = in.size("n", 0), k = in.size("k", 0);
  const bool int8Activations = in.flag("int8Activations");
  float* out = in.f32("out", {m, n});
  const float* x = in.f32("x", {m, k});
  const Elements<int8_t> elements = in.i8("weight", {n, k});
  const int8_t* weight = elements;
  const float* scale = in.f32("scale", {n});
  const float* bias = in.f32OrNull("bias", {n});
  if (m == 1 && int8Activations && n > 0 && k > 0) {
    return in.launchPacked(
        elements, {Packing::row, n, k}, rowBytes(n, k),
        [=](const Kernels& kernels, Team& team, void* to) {
          kernels.packRowInt8(team, static_cast<int8_t*>(to), weight, n, k);
        },
        [=](const Kernels& kernels, Team& team, const int8_t* packed) {
          packed ? kernels.linearRowInt8(team, out, x, packed, scale, bias, n, k)
                 : kernels.linearInt8(team, out, x, weight, scale, bias, m, n, k, int8Activations);
        });
  }
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.linearInt8(team, out, x, weight, scale, bias, m, n, k, int8Activations);
  });
}

void embeddingInt8(Args& in) {
  const Index B = in.size("B", 0), T = in.size("T", 0), C = in.size("C"), start = in.size("start", 0),
              vocab = in.size("vocab", 0);
  float* out = in.f32("out", {B, T, C});
  const int32_t* ids = in.i32("ids", {B, T});
  const int8_t* tokens = in.i8("tokens", {vocab, C});
  const float* scale = in.f32("scale", {vocab});
  Index lastStart = start;
  const float* positions = in.rowsFrom("positions", start, T, C, lastStart);
  in.launchFrom(start, lastStart, [=](const Kernels& kernels, Team& team, Index start) {
    kernels.embeddingInt8(team, out, ids, tokens, scale, positions, B, T, C, start, vocab);
  });
}

}  // namespace inkhorn::bindings
