#!/usr/bin/env bash
# In programs built by zig, __builtin_cpu_supports says no to every feature, even to those that all x86-64 processors have.
#
# Versions   ziglang 0.17.1 from PyPI (clang 22.1.8), on x86-64 Linux
# Guess      `zig c++` is clang, and clang's __builtin_cpu_supports asks the processor: "sse2" is part of x86-64, so
#            the answer to it is always yes.
# Seen       No to everything: it compiles without a warning, links, and returns 0. With -mavx2 and the like, too.
# Why        The builtin reads __cpu_model, which the compiler's runtime library fills at the start of a program. Zig
#            brings a runtime of its own, where that variable is a stub of zeros (lib/compiler_rt/fmv.zig).
# Matters    to libraries that carry kernels for several instruction sets and choose one when they run: the one
#            build for every platform takes the slowest, and every test is green. Ask CPUID and XGETBV.
# Output
#   zig: sse2 0, cmov 0
#   CPUID: sse2 1, cmov 1
set -euo pipefail
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "This needs x86-64 Linux." >&2
  exit 2
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ziglang==0.17.1
cat > probe.cpp <<'CPP'
#include <cpuid.h>
#include <stdio.h>

int main() {
  unsigned eax, ebx, ecx, edx;
  __get_cpuid(1, &eax, &ebx, &ecx, &edx);
  printf("zig: sse2 %d, cmov %d\n", __builtin_cpu_supports("sse2") != 0, __builtin_cpu_supports("cmov") != 0);
  printf("CPUID: sse2 %d, cmov %d\n", int(edx >> 26 & 1), int(edx >> 15 & 1));
}
CPP
export ZIG_GLOBAL_CACHE_DIR="$dir/cache" ZIG_LOCAL_CACHE_DIR="$dir/cache"
venv/bin/python -m ziglang c++ -O1 probe.cpp -o probe
output=$(./probe)
echo "$output"
if [ "$output" != $'zig: sse2 0, cmov 0\nCPUID: sse2 1, cmov 1' ]; then
  echo "The behaviour has changed." >&2
  exit 1
fi
