// The kernels of one instruction set, collected in the struct that the engine chooses at run time (isa.cpp).
#include "../kernels.h"

namespace inkhorn::INKHORN_ISA {

extern const Kernels kernels;
const Kernels kernels = {
#define KERNEL(name, ...) .name = name,
#include "../kernel-list.h"
};

}  // namespace inkhorn::INKHORN_ISA
