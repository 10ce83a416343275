// How each kernel is called: most with the parameters of their row, some through a function of their own
// below. Read next: ../src/backend/signatures.ts.
#include <cstring>

#include "call.h"

namespace inkhorn {
namespace {

// ---- functions of their own ------------------------------------------------------------------------------

namespace entered {

void fill(Call& call, AnyBuffer<char> out, double value) {
  uint32_t pattern = uint32_t(int32_t(out.dtype == DType::f32 ? 0 : value));
  if (out.dtype == DType::i8) pattern = (pattern & 0xff) * 0x01010101u;
  if (out.dtype == DType::f32) {
    const float element = float(value);
    std::memcpy(&pattern, &element, sizeof pattern);
  }
  const Index bytes = out.length * bytesOf(out.dtype);
  call.launch([=](const Kernels& kernels, Team& team, Index) { kernels.fill(team, out.data, pattern, bytes); });
}

void copy(Call& call, AnyBuffer<char> out, AnyBuffer<const char> x, Index outOffset, Index xOffset, Index length) {
  const Index element = bytesOf(out.dtype);
  char* to = out.data + outOffset * element;
  const char* from = x.data + xOffset * element;
  call.launch([=](const Kernels& kernels, Team& team, Index) { kernels.copy(team, to, from, length * element); });
}

void matmul(Call& call, float* out, const float* a, const float* b, const float* bias, float* pre, const float* of,
            MatmulCall options) {
  MatmulShape s = options.shape;
  s.precision = call.precision();
  if (int(options.activation)) s.epilogue = {Epilogue::activation, options.activation, pre, nullptr};
  if (int(options.slope)) s.epilogue = {Epilogue::slope, options.slope, nullptr, of};
  if (s.transB && !s.transA && s.n > 0 && s.k > 0) {  // the weight [n, k] is on the right
    if (s.m == 1) {
      return call.launchPacked<float>(
          2, {Packing::row, s.n, s.k}, rowFloats(s.n, s.k) * Index(sizeof(float)),
          [=](const Kernels& kernels, Team& team, void* to) {
            kernels.packRow(team, static_cast<float*>(to), b, s.n, s.k, s.precision);
          },
          [=](const Kernels& kernels, Team& team, const float* packed) {
            packed ? kernels.matmulRow(team, out, a, packed, bias, s) : kernels.matmul(team, out, a, b, bias, s);
          });
    }
    if (s.m >= rowsToPackWeight && s.precision == Precision::f32) {
      return call.launchPacked<float>(
          2, {Packing::panels, s.n, s.k}, panelFloats(s.n, s.k) * Index(sizeof(float)),
          [=](const Kernels& kernels, Team& team, void* to) {
            kernels.packPanels(team, static_cast<float*>(to), b, s.n, s.k);
          },
          [=](const Kernels& kernels, Team& team, const float* packed) {
            packed ? kernels.matmulPanels(team, out, a, packed, bias, s) : kernels.matmul(team, out, a, b, bias, s);
          });
    }
  }
  call.launch([=](const Kernels& kernels, Team& team, Index) { kernels.matmul(team, out, a, b, bias, s); });
}

void linearInt8(Call& call, float* out, const float* x, const int8_t* weight, const float* scale, const float* bias,
                Index m, Index n, Index k, InputPrecision precision) {
  const bool int8Activations = precision == InputPrecision::int8;
  if (int8Activations && n > 0 && k > 0) {
    return call.launchPacked<int8_t>(
        2, {Packing::bytes, n, k}, panelBytes(n, k),
        [=](const Kernels& kernels, Team& team, void* to) {
          kernels.packInt8(team, static_cast<int8_t*>(to), weight, n, k);
        },
        [=](const Kernels& kernels, Team& team, const int8_t* packed) {
          packed ? kernels.linearPackedInt8(team, out, x, packed, scale, bias, m, n, k)
                 : kernels.linearInt8(team, out, x, weight, scale, bias, m, n, k, int8Activations);
        });
  }
  call.launch([=](const Kernels& kernels, Team& team, Index) {
    kernels.linearInt8(team, out, x, weight, scale, bias, m, n, k, int8Activations);
  });
}

void linearInt4(Call& call, float* out, const float* x, const int8_t* codes, const float* scale, const float* bias,
                Int4Shape s, InputPrecision precision) {
  const bool int8Activations = precision == InputPrecision::int8;
  if (s.m == 1 && int8Activations && s.n > 0 && s.k > 0) {
    return call.launchPacked<int8_t>(
        2, {Packing::halfBytes, s.n, s.k}, rowHalfBytes(s.n, s.k),
        [=](const Kernels& kernels, Team& team, void* to) {
          kernels.packRowInt4(team, static_cast<int8_t*>(to), codes, s.n, s.k);
        },
        [=](const Kernels& kernels, Team& team, const int8_t* packed) {
          packed ? kernels.linearRowInt4(team, out, x, packed, scale, bias, s)
                 : kernels.linearInt4(team, out, x, codes, scale, bias, s, int8Activations);
        });
  }
  call.launch([=](const Kernels& kernels, Team& team, Index) {
    kernels.linearInt4(team, out, x, codes, scale, bias, s, int8Activations);
  });
}

}  // namespace entered

// ---- all of them -----------------------------------------------------------------------------------------

/** A parameter, adapted to a replay that begins at `start`. */
template <class T>
T from(T value, Index start) {
  if constexpr (std::is_same_v<T, Position>) return {start};
  if constexpr (requires { value.start; }) value.start = {start};
  return value;
}

template <auto how>
struct Entry;

/** A kernel that is called with exactly the parameters of its row. */
template <class... P, void (*Kernels::*kernel)(Team&, P...)>
struct Entry<kernel> {
  static void enter(Call& call) {
    call.launch([p = std::tuple<std::decay_t<P>...>{call.take<std::decay_t<P>>()...}](const Kernels& kernels,
                                                                                      Team& team, Index start) {
      std::apply([&](const auto&... value) { (kernels.*kernel)(team, from(value, start)...); }, p);
    });
  }
  static constexpr Layout layout = (lettersOf<std::decay_t<P>>() + ...);
  static constexpr Words words = (wordsOf<std::decay_t<P>>() + ...);
};

/** A kernel that is called through its own function. */
template <class... P, void (*function)(Call&, P...)>
struct Entry<function> {
  static void enter(Call& call) {
    std::apply([&](auto... value) { function(call, value...); }, std::tuple<P...>{call.take<P>()...});
  }
  static constexpr Layout layout = (lettersOf<P>() + ...);
  static constexpr Words words = (wordsOf<P>() + ...);
};

template <auto how>
KernelEntry entryOf(const char* name) {
  return {name, Entry<how>::layout, Entry<how>::words, Entry<how>::enter};
}

}  // namespace

const std::vector<KernelEntry>& kernelEntries() {
  static const std::vector<KernelEntry> entries = {
#define KERNEL(name, ...) entryOf<&Kernels::name>(#name),
#define ENTERED(name, ...) entryOf<&entered::name>(#name),
#define INNER(name, ...)
#include "kernel-list.h"
  };
  return entries;
}

}  // namespace inkhorn
