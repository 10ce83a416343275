// On x86 by CPUID and XGETBV instead of __builtin_cpu_supports, which says no to everything in builds by zig.
// Bits as in Intel's manual, volume 2A, CPUID. On ARM by asking the operating system. Read next: isa.cpp.
#include "cpu.h"

#include <cstdlib>
#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace inkhorn {

namespace {

/** Whether INKHORN_WITHOUT leaves this feature. */
[[maybe_unused]] bool there(std::string_view feature) {
  const char* without = std::getenv("INKHORN_WITHOUT");
  for (std::string_view rest = without == nullptr ? "" : without; !rest.empty();) {
    const size_t comma = rest.find(',');
    if (rest.substr(0, comma) == feature) return false;
    rest = comma == rest.npos ? "" : rest.substr(comma + 1);
  }
  return true;
}

#if defined(__x86_64__)
/** Registers of one leaf; zeros where the processor does not have it. */
struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;

  Leaf() = default;
  explicit Leaf(unsigned number, unsigned sub = 0) { __get_cpuid_count(number, sub, &eax, &ebx, &ecx, &edx); }
};

constexpr bool all(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }
constexpr unsigned bit(int n) { return 1U << n; }

/** The registers that the operating system saves: bits of XCR0. Only where the processor says OSXSAVE. */
unsigned savedRegisters() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/** Linux keeps a process from AMX's tiles until it asks (its Documentation/arch/x86/xstate.rst). */
bool mayUseTiles() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr int request = 0x1023, tileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tileData) == 0;
#else
  return false;
#endif
}

Cpu ask() {
  const Leaf maker(0), first(1), features(7, 0), more = features.eax >= 1 ? Leaf(7, 1) : Leaf();
  constexpr unsigned fma = bit(12), osxsave = bit(27), avx = bit(28), f16c = bit(29);  // ecx of leaf 1
  if (!all(first.ecx, osxsave | avx)) return {};
  const unsigned saved = savedRegisters();
  constexpr unsigned intel = 0x756e6547;  // "Genu"
  constexpr unsigned avxState = bit(1) | bit(2), avx512State = avxState | bit(5) | bit(6) | bit(7);
  constexpr unsigned avx2 = bit(5), bmi2 = bit(8);                                         // ebx of leaf 7
  constexpr unsigned f = bit(16), dq = bit(17), cd = bit(28), bw = bit(30), vl = bit(31);  // the same
  Cpu cpu{};
  cpu.avx2 = there("avx2") && all(saved, avxState) && all(first.ecx, fma | f16c) && all(features.ebx, avx2 | bmi2);
  cpu.avxvnni = there("avxvnni") && cpu.avx2 && all(more.eax, bit(4));
  cpu.avx512 = there("avx512") && cpu.avx2 && all(saved, avx512State) && all(features.ebx, f | dq | cd | bw | vl);
  cpu.avx512vnni = there("avx512vnni") && cpu.avx512 && all(features.ecx, bit(11));
  cpu.avx512bf16 = there("avx512bf16") && cpu.avx512 && all(more.eax, bit(5));
  // Intel's (Sapphire Rapids) multiply bfloat16 in pairs at half the speed of floats, AMD's at twice.
  cpu.fastBf16 = cpu.avx512bf16 && maker.ebx != intel;
  constexpr unsigned amxBf16 = bit(22), amxTile = bit(24);  // edx of leaf 7
  cpu.amx = there("amx") && cpu.avx512bf16 && all(features.edx, amxBf16 | amxTile) && all(saved, bit(17) | bit(18)) &&
            mayUseTiles();
  return cpu;
}
#elif defined(__aarch64__)
#if defined(__linux__)
/** Bits of AT_HWCAP and AT_HWCAP2 (Linux's Documentation/arch/arm64/elf_hwcaps.rst). */
bool hasDotprod() { return (getauxval(AT_HWCAP) & (1UL << 20)) != 0; }
bool hasI8mm() { return (getauxval(AT_HWCAP2) & (1UL << 13)) != 0; }
#elif defined(__APPLE__)
/** Apple's "Determining instruction set characteristics". What an older system does not know is 0. */
bool has(const char* feature) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(feature, &value, &size, nullptr, 0) == 0 && value != 0;
}
bool hasDotprod() { return has("hw.optional.arm.FEAT_DotProd"); }
bool hasI8mm() { return has("hw.optional.arm.FEAT_I8MM"); }
#else
bool hasDotprod() { return false; }
bool hasI8mm() { return false; }
#endif

Cpu ask() {
  Cpu cpu{};
  cpu.neon = there("neon");
  cpu.dotprod = there("dotprod") && cpu.neon && hasDotprod();
  cpu.i8mm = there("i8mm") && cpu.dotprod && hasI8mm();
  return cpu;
}
#else
Cpu ask() { return {}; }
#endif

}  // namespace

const Cpu& cpu() {
  static const Cpu known = ask();
  return known;
}

}  // namespace inkhorn
