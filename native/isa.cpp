// The kernels of each instruction set, and the processor features that they need, as CMakeLists.txt compiles
// them.
#include "isa.h"

#include "cpu.h"

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
#ifdef INKHORN_HAS_avx512
  if (cpu().avx512) isas.push_back({"avx512", "AVX-512", cpu().avx512bf16, avx512::kernels});
#endif
#ifdef INKHORN_HAS_avx2
  if (cpu().avx2) isas.push_back({"avx2", "AVX2", false, avx2::kernels});
#endif
  isas.push_back({"portable", "portable", false, portable::kernels});
  return isas;
}

}  // namespace inkhorn
