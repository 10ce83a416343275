#include <cmath>

#include "../args.h"

namespace inkhorn::bindings {

void fill(Args& in) {
  const double value = in.number("value");
  const Buffer& out = in.buffer("out");
  uint32_t pattern;
  if (out.dtype == DType::f32) {
    const float element = float(value);
    std::memcpy(&pattern, &element, sizeof pattern);
  } else {
    const double limit = out.dtype == DType::i32 ? 2147483648.0 : 128.0;
    if (!(value >= -limit && value < limit) || value != std::trunc(value)) {
      in.fail("value " + Args::show(value) + " does not fit " + nameOf(out.dtype));
    }
    pattern = uint32_t(int32_t(value));
    if (out.dtype == DType::i8) pattern = (pattern & 0xff) * 0x01010101u;
  }
  void* data = in.changed(out);
  const Index bytes = out.length * bytesOf(out.dtype);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.fill(team, data, pattern, bytes); });
}

void copy(Args& in) {
  const Index outOffset = in.size("outOffset", 0), xOffset = in.size("xOffset", 0), length = in.size("length", 0);
  const Buffer& out = in.buffer("out");
  const Buffer& x = in.buffer("x");
  if (out.dtype != x.dtype) in.fail(std::string("out is ") + nameOf(out.dtype) + " and x is " + nameOf(x.dtype));
  const auto inside = [&](const char* name, const Buffer& buffer, Index offset) {
    if (offset <= buffer.length && length <= buffer.length - offset) return;
    in.fail(std::string(name) + " has " + std::to_string(buffer.length) + " elements, " + std::to_string(length) +
            " from " + std::to_string(offset) + " on do not fit");
  };
  inside("out", out, outOffset);
  inside("x", x, xOffset);
  const Index element = bytesOf(out.dtype);
  void* to = in.changed(out) + outOffset * element;
  const void* from = in.read(x) + xOffset * element;
  in.launch([=](const Kernels& kernels, Team& team) { kernels.copy(team, to, from, length * element); });
}

void add(Args& in) {
  const Index n = in.size("length", 0);
  float* out = in.f32OfLength("out", n);
  const float* a = in.f32OfLength("a", n);
  const float* b = in.f32OfLength("b", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.add(team, out, a, b, n); });
}

void axpy(Args& in) {
  const Index n = in.size("length", 0);
  const float factor = float(in.number("factor"));
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.axpy(team, out, x, factor, n); });
}

void scale(Args& in) {
  const Index n = in.size("length", 0);
  const float factor = float(in.number("factor"));
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.scale(team, out, x, factor, n); });
}

void sumSquares(Args& in) {
  const Index n = in.size("length", 0);
  const bool accumulate = in.flag("accumulate");
  float* out = in.f32("out", {1});
  const float* x = in.f32OfLength("x", n);
  in.launch([=](const Kernels& kernels, Team& team) { kernels.sumSquares(team, out, x, n, accumulate); });
}

void normalize(Args& in) {
  const Index n = in.size("length", 0);
  const double eps = in.number("eps");
  float* out = in.f32OfLength("out", n);
  const float* x = in.f32OfLength("x", n);
  const float* squares = in.f32("squares", {1});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.normalize(team, out, x, squares, eps, n); });
}

void sumRows(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols", 0);
  float* out = in.f32("out", {cols});
  const float* x = in.f32("x", {rows, cols});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.sumRows(team, out, x, rows, cols); });
}

}  // namespace inkhorn::bindings
