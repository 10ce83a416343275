#include "../args.h"

namespace inkhorn::bindings {

void peak(Args& in) {
  const Index kind = in.size("kind", 0), blocks = in.size("blocks");
  if (kind > Index(Peak::int8)) in.fail("there is no peak number " + std::to_string(kind));
  float* out = in.f32("out", {1 + blocks});
  in.launch([=](const Kernels& kernels, Team& team) { kernels.peak(team, out, Peak(int(kind)), blocks); });
}

}  // namespace inkhorn::bindings
