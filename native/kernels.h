// What kernels take, and the kernels of one instruction set as a struct of pointers. kernel-list.h has the
// list. A kernel sees raw pointers, whose lengths were checked in JavaScript (src/backend/call.ts), and a
// Team to share the work with (parallel.h). Read next: kernel-list.h, simd.h, then kernels/matmul.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

namespace inkhorn {

using Index = std::ptrdiff_t;
class Team;

// A word of a call is passed as its place in the row of src/backend/signatures.ts, from 1 on; 0: left out.
enum class Activation : int { relu = 1, gelu, relu2, silu, geluTanh };
enum class InputPrecision : int { f32 = 1, int8 };
enum class Peak : int { f32, bf16, int8 };

/** Where the first token stands: what each replay of a program may have another of. */
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

/** What a product goes through at its end: a function, or on the way back the function's slope. */
struct Epilogue {
  enum Step : int { none, activation, slope } step = none;
  Activation kind = Activation::relu;
  float* pre = nullptr;       // [m, n], gets what the function is taken of; may be null
  const float* of = nullptr;  // [m, n], what the slope is taken of
};

struct MatmulShape {
  Index m, n, k;
  bool transA, transB, accumulate;
  bool bf16;               // a and b rounded to bfloat16
  bool symmetric = false;  // m = n, and what lies above the diagonal may be copied from below
  Epilogue epilogue = {};  // not with accumulate, not with symmetric
};

struct AttentionShape {
  Index B, T, H, hs;
  float scale;
  bool bf16;  // the products' inputs rounded to bfloat16; read by `attention` and `attentionBackward` only
};

/** The columns [from, to) of each row are mixed, the others are not. */
struct MixShape {
  Index rows, cols, from, to;
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

constexpr Index rowFloats(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 15) / 16 * 16); }
constexpr Index panelFloats(Index n, Index k) { return (n + 31) / 32 * 32 * k; }
constexpr Index rowBytes(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 3) / 4 * 4); }
constexpr Index rowHalfBytes(Index n, Index k) { return (n + 63) / 64 * 64 * ((k + 7) / 8 * 4); }

// Many rows share what is made of an operand first; few rows do without, for it would take longer than it
// saves. From how many rows on it pays, measured:
constexpr Index rowsToPackWeight = 16;     // matmul by a weight [n, k], into panels
constexpr Index rowsToPackMatrix = 8;      // matmul by a matrix [k, n], into panels
constexpr Index rowsToPackKeys = 5;        // attentionCached: all keys and values, for that many new tokens
constexpr Index rowsToConvertWeights = 4;  // linearInt8, linearInt4: all weights into floats

/** One instruction set's kernels. */
struct Kernels {
#define KERNEL(name, ...) void (*name)(Team&, __VA_ARGS__);
#include "kernel-list.h"
};

#ifdef INKHORN_ISA
// kernels/*.cpp is compiled once per instruction set, each time into the namespace named by the build.
namespace INKHORN_ISA {
#define KERNEL(name, ...) void name(Team&, __VA_ARGS__);
#include "kernel-list.h"
}  // namespace INKHORN_ISA
#endif

}  // namespace inkhorn
