#!/usr/bin/env bash
# With oneDNN's instruction set held at AVX512_CORE_BF16, bfloat16 products are half as fast as float32 on Sapphire Rapids.
#
# Versions   torch 2.15.0 from PyPI (oneDNN inside), one thread, an Intel processor with AVX512-BF16 and AMX under Linux
# Guess      A processor that has an instruction for bfloat16 multiplies it twice as fast as float32, as the name
#            DPBF16PS (two products a lane) says; keeping oneDNN from AMX (a hypervisor that hides it, a process that
#            Linux does not grant it, ONEDNN_MAX_CPU_ISA) costs the rest only.
# Seen       1024 x 1024 x 1024: with AMX bfloat16 is seven times as fast as float32. Without AMX, by vdpbf16ps, it has
#            half the speed of float32; without that instruction, converted, a fifth.
# Why        Sapphire Rapids starts a vdpbf16ps every other cycle on one port, and two multiply-adds of floats in each:
#            the instruction does twice the work in four times the time. AMD's Zen 4 does it in the same time.
# Matters    to every mixed-precision training on such a machine without AMX: autocast makes it slower. An engine has
#            to measure or to know the maker; AVX512-BF16 in the processor's flags says nothing.
# Output
#   AMX: bfloat16 more than 2 times as fast as float32
#   AVX512_CORE_BF16: bfloat16 less than 0.7 times as fast as float32
#   AVX512_CORE: bfloat16 less than 0.4 times as fast as float32
set -euo pipefail
if ! grep -q '^vendor_id.*GenuineIntel' /proc/cpuinfo || ! grep -q '^flags.* avx512_bf16 .*amx_bf16' /proc/cpuinfo; then
  echo "skipped: needs an Intel processor with AVX512-BF16 and AMX"
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.15.0
cat > ratio.py <<'PY'
"""How many times as fast as float32 a product in bfloat16 is: the best of 15 runs of each, in turns."""
import sys
import time

import torch

torch.set_num_threads(1)
x = torch.randn(1024, 1024)
best = {}
for _ in range(15):
    for kind in (torch.float32, torch.bfloat16):
        a = x.to(kind)
        begun = time.perf_counter()
        a @ a
        best[kind] = min(best.get(kind, 1e9), time.perf_counter() - begun)
print(best[torch.float32] / best[torch.bfloat16])
PY
fail=0
check() { # NAME RATIO COMPARISON LIMIT
  if python3 -c "import sys; sys.exit(not $2 $3 $4)"; then
    [ "$3" = '>' ] && words="more than" || words="less than"
    echo "$1: bfloat16 $words $4 times as fast as float32"
  else
    echo "$1: bfloat16 is $2 times as fast as float32" >&2
    fail=1
  fi
}
check AMX "$(venv/bin/python -W ignore ratio.py)" '>' 2
check AVX512_CORE_BF16 "$(ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 venv/bin/python -W ignore ratio.py)" '<' 0.7
check AVX512_CORE "$(ONEDNN_MAX_CPU_ISA=AVX512_CORE venv/bin/python -W ignore ratio.py)" '<' 0.4
exit $fail
