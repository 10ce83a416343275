#include "../args.h"

namespace inkhorn::bindings {

void statistics(Args& in) {
  const Index rows = in.size("rows", 0), cols = in.size("cols", 0);
  const double lo = in.number("lo"), hi = in.number("hi");
  const Index bins = in.size("bins", 0);
  float* out = in.f32("out", {6 + bins});
  int32_t* active = in.i32OrNull("active", {cols});
  const float* x = in.f32("x", {rows, cols});
  in.launch([=](const Kernels& kernels, Team& team) {
    kernels.statistics(team, out, active, x, rows, cols, lo, hi, bins);
  });
}

}  // namespace inkhorn::bindings
