#include "../args.h"

namespace inkhorn::bindings {

namespace {

constexpr Index ceilDiv(Index a, Index b) { return (a + b - 1) / b; }

Index groupSizeOf(Args& in) {
  const Index groupSize = in.size("groupSize");
  if (groupSize % 32 != 0) in.fail("groupSize " + std::to_string(groupSize) + " is not a multiple of 32");
  return groupSize;
}

}  // namespace

void dequantizeInt4(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols"), groupSize = groupSizeOf(in);
  float* x = in.f32("x", {rows, cols});
  const int8_t* codes = in.i8("codes", {rows, ceilDiv(cols, 2)});
  const float* scale = in.f32("scale", {ceilDiv(cols, groupSize), rows});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.dequantizeInt4(team, x, codes, scale, rows, cols, groupSize);
  });
}

void linearInt4(Args& in) {
  const Index m = in.size("m", 0), n = in.size("n", 0), k = in.size("k", 0), groupSize = groupSizeOf(in);
  const bool int8Activations = in.flag("int8Activations");
  const Int4Shape shape{m, n, k, groupSize};
  float* out = in.f32("out", {m, n});
  const float* x = in.f32("x", {m, k});
  const Elements<int8_t> elements = in.i8("codes", {n, ceilDiv(k, 2)});
  const int8_t* codes = elements;
  const float* scale = in.f32("scale", {ceilDiv(k, groupSize), n});
  const float* bias = in.f32OrNull("bias", {n});
  if (m == 1 && int8Activations && n > 0 && k > 0) {
    return in.launchPacked(
        elements, {Packing::halfBytes, n, k}, rowHalfBytes(n, k),
        [=](const Kernels& kernels, Team& team, void* to) {
          kernels.packRowInt4(team, static_cast<int8_t*>(to), codes, n, k);
        },
        [=](const Kernels& kernels, Team& team, const int8_t* packed) {
          packed ? kernels.linearRowInt4(team, out, x, packed, scale, bias, shape)
                 : kernels.linearInt4(team, out, x, codes, scale, bias, shape, int8Activations);
        });
  }
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.linearInt4(team, out, x, codes, scale, bias, shape, int8Activations);
  });
}

void embeddingInt4(Args& in) {
  const Index B = in.size("B", 0), T = in.size("T", 0), C = in.size("C"), start = in.size("start", 0),
              vocab = in.size("vocab", 0), groupSize = groupSizeOf(in);
  float* out = in.f32("out", {B, T, C});
  const int32_t* ids = in.i32("ids", {B, T});
  const int8_t* codes = in.i8("codes", {vocab, ceilDiv(C, 2)});
  const float* scale = in.f32("scale", {ceilDiv(C, groupSize), vocab});
  Index lastStart = start;
  const float* positions = in.rowsFrom("positions", start, T, C, lastStart);
  in.launchFrom(start, lastStart, [=](const Kernels& kernels, Team& team, Index start) {
    kernels.embeddingInt4(team, out, ids, codes, scale, positions, B, T, C, start, vocab, groupSize);
  });
}

}  // namespace inkhorn::bindings
