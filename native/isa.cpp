// The kernels of each instruction set, and the processor features that they need, as CMakeLists.txt compiles
// them.
#include "isa.h"

namespace inkhorn {

#ifdef INKHORN_HAS_avx512
namespace avx512 {
extern const Kernels kernels;
}
#endif
#ifdef INKHORN_HAS_avx2
namespace avx2 {
extern const Kernels kernels;
}
#endif
namespace portable {
extern const Kernels kernels;
}

std::vector<Isa> availableIsas() {
  std::vector<Isa> isas;
  // __builtin_cpu_supports also asks whether the operating system saves the wide registers.
#ifdef INKHORN_HAS_avx512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("bmi2")) {
    isas.push_back({"avx512", "AVX-512", bool(__builtin_cpu_supports("avx512bf16")), avx512::kernels});
  }
#endif
#ifdef INKHORN_HAS_avx2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    isas.push_back({"avx2", "AVX2", false, avx2::kernels});
  }
#endif
  isas.push_back({"portable", "portable", false, portable::kernels});
  return isas;
}

}  // namespace inkhorn
