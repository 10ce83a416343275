// The parameters of kernels, and the kernels of one instruction set as a struct of pointers. They are listed
// in kernel-list.h. A kernel gets raw pointers, whose lengths were checked in JavaScript
// (src/backend/call.ts), and a Team to share the work with (parallel.h). Read next: kernel-list.h, simd.h,
// then kernels/matmul.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

#define INKHORN_INLINE static inline __attribute__((always_inline))
// Before a call that must be inlined, too. g++, which cannot be told, inlines these by itself.
#if defined(__clang__) && __has_cpp_attribute(clang::always_inline)
#define INKHORN_INLINED [[clang::always_inline]]
#else
#define INKHORN_INLINED
#endif

namespace inkhorn {

using Index = std::ptrdiff_t;
using Work = int64_t;  // multiply-adds, which an Index of 32 bits could not count
class Team;

enum class DType : uint8_t { f32, i32, i8 };
constexpr Index bytesOf(DType dtype) { return dtype == DType::i8 ? 1 : 4; }
constexpr const char* nameOf(DType dtype) { return dtype == DType::f32 ? "f32" : dtype == DType::i32 ? "i32" : "i8"; }

/**
 * A choice between words is passed as the word's place in the row of src/backend/signatures.ts, from 1 on; 0:
 * absent. `wordsIn` reports the words, so that JavaScript can compare them with its own (call.h).
 */
#define INKHORN_CHOICE(Name, ...)              \
  enum class Name : int { none, __VA_ARGS__ }; \
  constexpr const char* wordsIn(Name) { return #__VA_ARGS__; }
INKHORN_CHOICE(Activation, relu, gelu, relu2, silu, geluTanh)
INKHORN_CHOICE(InputPrecision, f32, int8)
#undef INKHORN_CHOICE
enum class Peak : int { f32, bf16, int8 };

/** The position of the first token. Each replay of a program may have another one. */
struct Position {
  Index index;
  operator Index() const { return index; }
};

/** The fields of the contract's `Dropout`. p = 0 keeps everything and draws nothing. */
struct Dropout {
  double p;
  uint64_t seed;
  uint32_t step;
  uint32_t site;
  uint64_t offset;
};

/** The end of a product: an activation function is applied, or in the backward its derivative. */
struct Epilogue {
  enum Step : int { none, activation, slope } step = none;
  Activation kind = Activation::relu;
  float* pre = nullptr;       // [m, n], receives the function's argument; may be null
  const float* of = nullptr;  // [m, n], the argument of the derivative
};

/**
 * What products are computed in: floats; or their inputs are rounded to bfloat16, and then multiplied as
 * floats, in pairs by one instruction, or in tiles (AMX).
 */
enum class Precision : int { f32, bf16, bf16Pairs, bf16Tiles };

struct MatmulShape {
  Index m, n, k;
  bool transA, transB, accumulate;
  Precision precision;
  bool symmetric = false;  // m = n; the part above the diagonal may be copied from below
  Epilogue epilogue = {};  // cannot be combined with accumulate or symmetric
};

struct AttentionShape {
  Index B, T, H, hs;
  float scale;
  Precision precision;  // used by `attention` and `attentionBackward` only
};

/** The columns [from, to) of each row are mixed, the others are not. */
struct MixShape {
  Index rows, cols, from, to;
};

/** The first `cols` of C columns come from the position before. */
struct ShiftShape {
  Index B, T, C, cols;
};

struct RopeShape {
  Index B, T, H, hs;
  Position start;
  double base;
  bool inverse;
};

/** out[m, n] = x[m, k] weight[n, k]^T, the weight in groups of `groupSize` columns. */
struct Int4Shape {
  Index m, n, k, groupSize;
};

struct AdamW {
  double lr, beta1, beta2, eps, weightDecay, t, gradScale;
};

struct Sgd {
  double lr, momentum, weightDecay, gradScale;
};

/** The packed order of a weight [rows, cols]: see row.cpp, matmul.cpp, int8-panels.cpp and int4.cpp. */
struct Packing {
  enum Order { row, panels, bytes, halfBytes } order;
  Index rows, cols;

  bool operator==(const Packing&) const = default;
};

// The room that each order takes.
constexpr Index rowFloats(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 15) / 16 * 16); }
constexpr Index panelFloats(Index n, Index k) { return (n + 31) / 32 * 32 * k; }
constexpr Index panelBytes(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 7) / 8 * 8); }
constexpr Index rowHalfBytes(Index n, Index k) { return (n + 63) / 64 * 64 * ((k + 7) / 8 * 4); }

// Many rows share the cost of converting an operand first; for few rows the conversion would cost more than
// it saves. The numbers of rows from which it pays, measured:
constexpr Index rowsToPackWeight = 16;     // matmul by a weight [n, k], into panels
constexpr Index rowsToPackMatrix = 8;      // matmul by a matrix [k, n]: b into panels
constexpr Index rowsToPackKeys = 5;        // attentionCached: all keys and values, for this many new tokens
constexpr Index rowsToConvertWeights = 4;  // linearInt8, linearInt4: all weights to floats

/** The kernels of one instruction set. */
struct Kernels {
#define KERNEL(name, ...) void (*name)(Team&, __VA_ARGS__);
#include "kernel-list.h"
};

#ifdef INKHORN_ISA
// kernels/*.cpp is compiled once per instruction set, each time into the namespace given by the build.
namespace INKHORN_ISA {
#define KERNEL(name, ...) void name(Team&, __VA_ARGS__);
#include "kernel-list.h"
}  // namespace INKHORN_ISA
#endif

}  // namespace inkhorn
