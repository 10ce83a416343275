// Every kernel of the native engine, declared once: KERNEL(name, parameters after the team).
// src/backend/contract.ts says what each computes. The parameters of a kernel that JavaScript calls are in
// the order of its row in src/backend/signatures.ts: buffers, the numbers of the call, derived numbers.
// `float*` is written, `const float*` read.
// - KERNEL: called with exactly these (call.h).
// - ENTERED: called through a function of the same name in entries.cpp.
// - INNER: not called from JavaScript.
// A file that includes this one defines KERNEL, and the other two where they differ from it. All three are
// undefined afterwards. `vocab` is the number of rows of a token table: an id outside [0, vocab) must never
// be used as an index (its row becomes NaN; its gradient is dropped).
#ifndef ENTERED
#define ENTERED KERNEL
#endif
#ifndef INNER
#define INNER KERNEL
#endif

// elementwise.cpp
ENTERED(fill, void* out, uint32_t pattern, Index bytes)
ENTERED(copy, void* out, const void* x, Index bytes)
KERNEL(add, float* out, const float* a, const float* b, Index n)
KERNEL(axpy, float* out, const float* x, float factor, Index n)
KERNEL(scale, float* out, const float* x, float factor, Index n)
KERNEL(sumSquares, float* out, const float* x, bool accumulate, Index n)
KERNEL(normalize, float* out, const float* x, const float* squares, double eps, Index n)
KERNEL(sumRows, float* out, const float* x, Index rows, Index cols)

// mix.cpp
KERNEL(mix, float* out, const float* a, const float* b, const float* weight, const MixShape& shape)
KERNEL(mixBackward, float* da, float* db, float* dWeight, const float* dOut, const float* a, const float* b,
       const float* weight, const MixShape& shape, bool accumulate)

// shift.cpp; starts [B], added to start, may be null
KERNEL(shift, float* out, const float* x, const ShiftShape& shape)
KERNEL(shiftBackward, float* dx, const float* dOut, const ShiftShape& shape, bool accumulate)
KERNEL(shiftCached, float* out, float* history, const float* x, const int32_t* starts, const ShiftShape& shape,
       Position start, Index capacity)

// matmul.cpp; bias may be null
ENTERED(matmul, float* out, const float* a, const float* b, const float* bias, const MatmulShape& shape)

// embedding.cpp; positions and dPositions may be null
KERNEL(embedding, float* out, const int32_t* ids, const float* tokens, const float* positions, Index B, Index T,
       Index C, Position start, Index vocab)
KERNEL(embeddingBackward, float* dTokens, float* dPositions, const float* dOut, const int32_t* ids, Index B, Index T,
       Index C, Index vocab)

// layernorm.cpp; bias and dBias may be null
KERNEL(layernorm, float* out, float* mean, float* rstd, const float* x, const float* weight, const float* bias,
       Index rows, Index cols, float eps)
KERNEL(layernormBackward, float* dx, float* dWeight, float* dBias, const float* dOut, const float* x,
       const float* weight, const float* mean, const float* rstd, Index rows, Index cols, bool accumulate)
KERNEL(rmsnorm, float* out, float* rrms, const float* x, const float* weight, Index rows, Index cols, float eps)
KERNEL(rmsnormBackward, float* dx, float* dWeight, const float* dOut, const float* x, const float* weight,
       const float* rrms, Index rows, Index cols, bool accumulate)

// activation.cpp, dropout.cpp; residual may be null
KERNEL(activation, float* out, const float* x, Activation kind, Index n)
KERNEL(activationBackward, float* dx, const float* dOut, const float* x, Activation kind, Index n)
KERNEL(softcap, float* out, const float* x, float cap, Index n)
KERNEL(softcapBackward, float* dx, const float* dOut, const float* y, float cap, Index n)
KERNEL(dropout, float* out, const float* x, const float* residual, const Dropout& dropout, Index n)

// attention.cpp, qk-norm.cpp, rope.cpp; starts [B], added to start, may be null
KERNEL(attention, float* out, float* lse, const float* qkv, const AttentionShape& shape, const Dropout& dropout)
KERNEL(attentionBackward, float* dqkv, const float* dOut, const float* out, const float* lse, const float* qkv,
       const AttentionShape& shape, const Dropout& dropout)
KERNEL(attentionCached, float* out, float* keys, float* values, const float* qkv, const int32_t* starts,
       const AttentionShape& shape, Position start, Index capacity)
KERNEL(attentionProbabilities, float* probs, const float* qkv, const AttentionShape& shape)
KERNEL(qkNorm, float* out, float* rrms, const float* qkv, const float* weight, Index rows, Index H, Index hs, float eps)
KERNEL(qkNormBackward, float* dqkv, float* dWeight, const float* dOut, const float* qkv, const float* weight,
       const float* rrms, Index rows, Index H, Index hs)
KERNEL(rope, float* out, const float* qkv, const int32_t* starts, const RopeShape& shape)

// crossentropy.cpp; a target outside [0, cols) gives a NaN loss and NaN gradients
KERNEL(crossEntropy, float* losses, float* lse, const float* logits, const int32_t* targets, Index rows, Index cols,
       float smoothing)
KERNEL(crossEntropyBackward, float* dLogits, const float* logits, const float* lse, const int32_t* targets, Index rows,
       Index cols, float factor, float smoothing)

// optimizers.cpp; velocity may be null
KERNEL(adamw, float* param, const float* grad, float* m, float* v, const AdamW& options, Index n)
KERNEL(sgd, float* param, const float* grad, float* velocity, const Sgd& options, Index n)
KERNEL(nesterov, float* out, float* velocity, const float* grad, float momentum, float gradScale, Index n)

// statistics.cpp; active may be null; out has 6 + bins elements
KERNEL(statistics, float* out, int32_t* active, const float* x, Index rows, Index cols, double lo, double hi,
       Index bins)

// int8.cpp; bias and positions may be null
KERNEL(quantizeRows, int8_t* q, float* scale, const float* x, Index rows, Index cols)
KERNEL(dequantizeRows, float* x, const int8_t* q, const float* scale, Index rows, Index cols)
ENTERED(linearInt8, float* out, const float* x, const int8_t* weight, const float* scale, const float* bias, Index m,
        Index n, Index k, bool int8Activations)
KERNEL(embeddingInt8, float* out, const int32_t* ids, const int8_t* tokens, const float* scale, const float* positions,
       Index B, Index T, Index C, Position start, Index vocab)

// int4.cpp; bias and positions may be null
KERNEL(dequantizeInt4, float* x, const int8_t* codes, const float* scale, Index rows, Index cols, Index groupSize)
ENTERED(linearInt4, float* out, const float* x, const int8_t* codes, const float* scale, const float* bias,
        const Int4Shape& shape, bool int8Activations)
KERNEL(embeddingInt4, float* out, const int32_t* ids, const int8_t* codes, const float* scale, const float* positions,
       Index B, Index T, Index C, Position start, Index groupSize, Index vocab)

// Products with a packed weight [n, k], for programs (program.h); bias may be null. Sizes of the packed
// weight: `rowFloats(n, k)` floats for `packRow`, `panelFloats` for `packPanels`, `panelBytes` bytes for
// `packInt8`, `rowHalfBytes` for `packRowInt4`. row.cpp, int4.cpp: one row, m = 1
INNER(packRow, float* packed, const float* weight, Index n, Index k, Precision precision)
INNER(matmulRow, float* out, const float* a, const float* packed, const float* bias, const MatmulShape& shape)
INNER(packRowInt4, int8_t* packed, const int8_t* codes, Index n, Index k)
INNER(linearRowInt4, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
      const Int4Shape& shape)
// matmul.cpp: many rows
INNER(packPanels, float* packed, const float* weight, Index n, Index k)
INNER(matmulPanels, float* out, const float* a, const float* packed, const float* bias, const MatmulShape& shape)
// int8-panels.cpp: any number of rows
INNER(packInt8, int8_t* packed, const int8_t* weight, Index n, Index k)
INNER(linearPackedInt8, float* out, const float* x, const int8_t* packed, const float* scale, const float* bias,
      Index m, Index n, Index k)
// peak.cpp, for benchmarks: out[0] = operations of a block, 0 where the instruction does not exist
INNER(peak, float* out, Peak kind, Index blocks)

#undef KERNEL
#undef ENTERED
#undef INNER
