// What this processor can do, asked of itself or of the operating system.
#pragma once

namespace inkhorn {

/** The features that instruction sets and single kernels need. False on processors of the other kind. */
struct Cpu {
  // x86-64
  bool avx2;        // AVX2, FMA, F16C, BMI2
  bool avxvnni;     // those, with products of bytes
  bool avx512;      // AVX2 and so on, and AVX-512 F, BW, VL, DQ, CD
  bool avx512vnni;  // AVX-512 with products of bytes
  bool avx512bf16;  // AVX-512 with products of bfloat16
  bool fastBf16;    // those, and faster than products of floats
  bool amx;         // AVX-512 with tiles of bfloat16, which the system lets this process use
  // ARM, 64 bits
  bool neon;
  bool dotprod;  // NEON with dot products of bytes
  bool i8mm;     // those, and products of matrices of bytes
};

/**
 * This processor, as far as the operating system keeps its registers. Tests hide features from it, by their
 * names in the environment variable INKHORN_WITHOUT, with commas between.
 */
const Cpu& cpu();

}  // namespace inkhorn
