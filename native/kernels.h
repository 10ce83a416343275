// Every kernel of the native engine, declared once. What each computes is written in src/backend/contract.ts.
// A kernel sees raw pointers whose lengths were checked by bindings/, and a Team to share the work with (parallel.h).
// Read next: simd.h, then kernels/matmul.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

namespace inkhorn {

using Index = std::ptrdiff_t;
class Team;

enum class Activation : int { relu, gelu, relu2, silu };
enum class Peak : int { f32, bf16, int8 };

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
  Index B, T, H, hs, start;
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

// The list of kernels: X(name, parameters). It becomes a struct of function pointers (one filled in per instruction
// set), and the declarations that kernels/*.cpp define. Pointers that may be null are marked so. `vocab` is the number
// of rows of a token table: an id outside [0, vocab) must never be followed (the row becomes NaN; a gradient is dropped).
#define INKHORN_KERNELS(X)                                                                                             \
  /* elementwise.cpp */                                                                                                \
  X(fill, (Team & team, void* out, uint32_t pattern, Index bytes))                                                     \
  X(copy, (Team & team, void* out, const void* x, Index bytes))                                                        \
  X(add, (Team & team, float* out, const float* a, const float* b, Index n))                                           \
  X(axpy, (Team & team, float* out, const float* x, float factor, Index n))                                            \
  X(scale, (Team & team, float* out, const float* x, float factor, Index n))                                           \
  X(sumSquares, (Team & team, float* out, const float* x, Index n, bool accumulate))                                   \
  X(normalize, (Team & team, float* out, const float* x, const float* squares, double eps, Index n))                    \
  X(sumRows, (Team & team, float* out, const float* x, Index rows, Index cols))                                        \
  /* mix.cpp */                                                                                                        \
  X(mix, (Team & team, float* out, const float* a, const float* b, const float* weight, const MixShape& shape))        \
  X(mixBackward, (Team & team, float* da, float* db, float* dWeight, const float* dOut, const float* a,                \
                  const float* b, const float* weight, const MixShape& shape, bool accumulate))                        \
  /* matmul.cpp; bias may be null */                                                                                   \
  X(matmul, (Team & team, float* out, const float* a, const float* b, const float* bias, const MatmulShape& shape))    \
  /* embedding.cpp; positions and dPositions may be null */                                                            \
  X(embedding, (Team & team, float* out, const int32_t* ids, const float* tokens, const float* positions, Index B,     \
                Index T, Index C, Index start, Index vocab))                                                           \
  X(embeddingBackward, (Team & team, float* dTokens, float* dPositions, const float* dOut, const int32_t* ids,         \
                        Index B, Index T, Index C, Index vocab))                                                       \
  /* layernorm.cpp; bias and dBias may be null */                                                                      \
  X(layernorm, (Team & team, float* out, float* mean, float* rstd, const float* x, const float* weight,                \
                const float* bias, Index rows, Index cols, float eps))                                                 \
  X(layernormBackward, (Team & team, float* dx, float* dWeight, float* dBias, const float* dOut, const float* x,       \
                        const float* weight, const float* mean, const float* rstd, Index rows, Index cols,             \
                        bool accumulate))                                                                              \
  X(rmsnorm, (Team & team, float* out, float* rrms, const float* x, const float* weight, Index rows, Index cols,       \
              float eps))                                                                                              \
  X(rmsnormBackward, (Team & team, float* dx, float* dWeight, const float* dOut, const float* x, const float* weight,  \
                      const float* rrms, Index rows, Index cols, bool accumulate))                                     \
  /* activation.cpp, dropout.cpp; residual may be null */                                                              \
  X(activation, (Team & team, float* out, const float* x, Activation kind, Index n))                                   \
  X(activationBackward, (Team & team, float* dx, const float* dOut, const float* x, Activation kind, Index n))         \
  X(dropout, (Team & team, float* out, const float* x, const float* residual, const Dropout& dropout, Index n))        \
  X(softcap, (Team & team, float* out, const float* x, float cap, Index n))                                            \
  X(softcapBackward, (Team & team, float* dx, const float* dOut, const float* y, float cap, Index n))                  \
  /* attention.cpp, qk-norm.cpp, rope.cpp */                                                                           \
  X(attention, (Team & team, float* out, float* lse, const float* qkv, const AttentionShape& shape,                    \
                const Dropout& dropout))                                                                               \
  X(attentionBackward, (Team & team, float* dqkv, const float* dOut, const float* out, const float* lse,               \
                        const float* qkv, const AttentionShape& shape, const Dropout& dropout))                        \
  X(attentionCached, (Team & team, float* out, float* keys, float* values, const float* qkv,                           \
                      const AttentionShape& shape, Index start, Index capacity))                                       \
  X(attentionProbabilities, (Team & team, float* probs, const float* qkv, const AttentionShape& shape))                \
  X(qkNorm, (Team & team, float* out, float* rrms, const float* qkv, const float* weight, Index rows, Index H,         \
             Index hs, float eps))                                                                                     \
  X(qkNormBackward, (Team & team, float* dqkv, float* dWeight, const float* dOut, const float* qkv,                    \
                     const float* weight, const float* rrms, Index rows, Index H, Index hs))                           \
  X(rope, (Team & team, float* out, const float* qkv, const RopeShape& shape))                                         \
  /* crossentropy.cpp; a target outside [0, cols) gives a NaN loss and NaN gradients */                                \
  X(crossEntropy, (Team & team, float* losses, float* lse, const float* logits, const int32_t* targets, Index rows,    \
                   Index cols, float smoothing))                                                                       \
  X(crossEntropyBackward, (Team & team, float* dLogits, const float* logits, const float* lse,                         \
                           const int32_t* targets, Index rows, Index cols, float factor, float smoothing))             \
  /* optimizers.cpp; velocity may be null */                                                                           \
  X(adamw, (Team & team, float* param, const float* grad, float* m, float* v, const AdamW& options, Index n))          \
  X(sgd, (Team & team, float* param, const float* grad, float* velocity, const Sgd& options, Index n))                 \
  X(nesterov, (Team & team, float* out, float* velocity, const float* grad, float momentum, float gradScale, Index n)) \
  /* statistics.cpp; active may be null; out has 6 + bins elements */                                                  \
  X(statistics, (Team & team, float* out, int32_t* active, const float* x, Index rows, Index cols, double lo,          \
                 double hi, Index bins))                                                                               \
  /* int8.cpp; bias and positions may be null */                                                                       \
  X(quantizeRows, (Team & team, int8_t* q, float* scale, const float* x, Index rows, Index cols))                      \
  X(dequantizeRows, (Team & team, float* x, const int8_t* q, const float* scale, Index rows, Index cols))              \
  X(linearInt8, (Team & team, float* out, const float* x, const int8_t* weight, const float* scale,                    \
                 const float* bias, Index m, Index n, Index k, bool int8Activations))                                  \
  X(embeddingInt8, (Team & team, float* out, const int32_t* ids, const int8_t* tokens, const float* scale,             \
                    const float* positions, Index B, Index T, Index C, Index start, Index vocab))                      \
  /* int4.cpp; bias and positions may be null */                                                                       \
  X(dequantizeInt4, (Team & team, float* x, const int8_t* codes, const float* scale, Index rows, Index cols,           \
                     Index groupSize))                                                                                 \
  X(linearInt4, (Team & team, float* out, const float* x, const int8_t* codes, const float* scale, const float* bias,  \
                 const Int4Shape& shape, bool int8Activations))                                                        \
  X(embeddingInt4, (Team & team, float* out, const int32_t* ids, const int8_t* codes, const float* scale,              \
                    const float* positions, Index B, Index T, Index C, Index start, Index vocab, Index groupSize))     \
  /* peak.cpp, not of the contract: out[0] = operations of a block, 0 where there is no such instruction */            \
  X(peak, (Team & team, float* out, Peak kind, Index blocks))

// Products with a packed weight [n, k], for programs (program.h). The room that packing takes: `rowFloats(n, k)` floats
// for `packRow`, `panelFloats` for `packPanels`, `rowBytes` bytes for `packRowInt8`, `rowHalfBytes` for
// `packRowInt4`. bias may be null.
#define INKHORN_PACKED_KERNELS(X)                                                                                      \
  /* row.cpp: one row, m = 1 */                                                                                        \
  X(packRow, (Team & team, float* packed, const float* weight, Index n, Index k, bool bf16))                           \
  X(matmulRow, (Team & team, float* out, const float* a, const float* packed, const float* bias,                       \
                const MatmulShape& shape))                                                                             \
  X(packRowInt8, (Team & team, int8_t* packed, const int8_t* weight, Index n, Index k))                                \
  X(linearRowInt8, (Team & team, float* out, const float* x, const int8_t* packed, const float* scale,                 \
                    const float* bias, Index n, Index k))                                                              \
  /* int4.cpp: one row */                                                                                              \
  X(packRowInt4, (Team & team, int8_t* packed, const int8_t* codes, Index n, Index k))                                 \
  X(linearRowInt4, (Team & team, float* out, const float* x, const int8_t* packed, const float* scale,                 \
                    const float* bias, const Int4Shape& shape))                                                        \
  /* matmul.cpp: many rows */                                                                                          \
  X(packPanels, (Team & team, float* packed, const float* weight, Index n, Index k))                                   \
  X(matmulPanels, (Team & team, float* out, const float* a, const float* packed, const float* bias,                    \
                   const MatmulShape& shape))

constexpr Index rowFloats(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 15) / 16 * 16); }
constexpr Index panelFloats(Index n, Index k) { return (n + 31) / 32 * 32 * k; }
constexpr Index rowBytes(Index n, Index k) { return (n + 15) / 16 * 16 * ((k + 3) / 4 * 4); }
constexpr Index rowHalfBytes(Index n, Index k) { return (n + 63) / 64 * 64 * ((k + 7) / 8 * 4); }

/** For fewer rows the matrix product takes b as it is: as many as are not worth packing it. */
constexpr Index manyRows = 16;

/** One instruction set's kernels. */
struct Kernels {
#define INKHORN_POINTER(name, parameters) void(*name) parameters;
  INKHORN_KERNELS(INKHORN_POINTER)
  INKHORN_PACKED_KERNELS(INKHORN_POINTER)
#undef INKHORN_POINTER
};

#ifdef INKHORN_ISA
// kernels/*.cpp is compiled once per instruction set, each time into the namespace named by the build.
namespace INKHORN_ISA {
#define INKHORN_DECLARATION(name, parameters) void name parameters;
INKHORN_KERNELS(INKHORN_DECLARATION)
INKHORN_PACKED_KERNELS(INKHORN_DECLARATION)
#undef INKHORN_DECLARATION
}  // namespace INKHORN_ISA
#endif

}  // namespace inkhorn
