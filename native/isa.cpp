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
#ifdef INKHORN_HAS_neon
namespace neon {
extern const Kernels kernels;
}
#endif
namespace portable {
extern const Kernels kernels;
}

std::vector<Isa> availableIsas() {
  std::vector<Isa> isas;
#ifdef INKHORN_HAS_avx512
  if (cpu().amx) isas.push_back({"amx", "AVX-512, AMX", Precision::bf16Tiles, avx512::kernels});
  if (cpu().avx512) {
    const Precision bf16 = cpu().fastBf16 ? Precision::bf16Pairs : Precision::bf16;
    isas.push_back({"avx512", "AVX-512", bf16, avx512::kernels});
  }
#endif
#ifdef INKHORN_HAS_avx2
  if (cpu().avx2) isas.push_back({"avx2", "AVX2", Precision::bf16, avx2::kernels});
#endif
#ifdef INKHORN_HAS_neon
  if (cpu().neon) isas.push_back({"neon", "NEON", Precision::bf16, neon::kernels});
#endif
  isas.push_back({"portable", "portable", Precision::bf16, portable::kernels});
  return isas;
}

}  // namespace inkhorn
