// Denormals: the floats nearest to zero, of absolute value below 2^-126. Processors compute with them in
// microcode, up to a hundred times more slowly, and training makes them: probabilities of tokens that are out
// of the question, and squares of small gradients. So the threads that run kernels take them for zero.
#pragma once
#include <cstdint>

namespace inkhorn {

/**
 * While it lives, its thread reads denormals as zero and writes zero for them. Then the thread is as before:
 * it may be JavaScript's own, whose numbers are none of the engine's business. Does nothing in WebAssembly,
 * which always computes with them.
 */
class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : before_(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr(before_ | flushToZero | denormalsAreZero);
  }
  ~FlushDenormals() { __builtin_ia32_ldmxcsr(before_); }

 private:
  // Bits of the register MXCSR (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
  // 10.2.3).
  static constexpr uint32_t flushToZero = 1u << 15, denormalsAreZero = 1u << 6;
  const uint32_t before_;
#elif defined(__aarch64__)
  FlushDenormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
    __asm__ volatile("msr fpcr, %0" : : "r"(before_ | flushToZero));
  }
  ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  static constexpr uint64_t flushToZero = 1u << 24;  // FPCR.FZ: of inputs and outputs (Arm ARM, C5.2)
  uint64_t before_;
#else
  FlushDenormals() {}
#endif

  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace inkhorn
