// The instruction sets for which this build has kernels, and those that this processor can run.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace inkhorn {

struct Isa {
  std::string name;   // avx512
  std::string label;  // AVX-512
  Precision bf16;     // the fastest way to multiply bfloat16
  Kernels kernels;
};

/** The instruction sets that work here, best first. Never empty. */
std::vector<Isa> availableIsas();

}  // namespace inkhorn
