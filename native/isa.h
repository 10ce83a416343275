// Which instruction sets this build has kernels for, and which of them this processor runs.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace inkhorn {

struct Isa {
  std::string name;   // avx512
  std::string label;  // AVX-512
  bool bf16;          // multiplies bfloat16 by an instruction of its own
  Kernels kernels;
};

/** Those that work here, best first; never empty. */
std::vector<Isa> availableIsas();

}  // namespace inkhorn
