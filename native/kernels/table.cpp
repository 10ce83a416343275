// The kernels of one instruction set, gathered into the struct that the engine picks at run time (isa.cpp).
#include "../kernels.h"

namespace inkhorn::INKHORN_ISA {

extern const Kernels kernels;
const Kernels kernels = {
#define INKHORN_ENTRY(name, parameters) .name = name,
    INKHORN_KERNELS(INKHORN_ENTRY)
    INKHORN_PACKED_KERNELS(INKHORN_ENTRY)
#undef INKHORN_ENTRY
};

}  // namespace inkhorn::INKHORN_ISA
