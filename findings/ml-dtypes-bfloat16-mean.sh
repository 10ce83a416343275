#!/usr/bin/env bash
# The mean of a thousand bfloat16 ones is 0.256 in NumPy with ml_dtypes, and that of a hundred float8 ones 0.156.
#
# Versions   numpy 2.4.6, ml_dtypes 0.6.0
# Guess      np.sum and np.mean treat bfloat16 as they treat float16: float16 sums in pairs, and np.mean documents
#            float32 intermediates for it. A mean of ones is 1 in any format.
# Seen       The sum of bfloat16 ones stops at 256, where adding 1 rounds away, and float8_e4m3fn at 16. np.dot of the
#            same vector is right (1000), so that two ways to the same sum differ by a factor of four.
# Why        NumPy's pairwise sum and its float32 mean are special cases for its own types. ml_dtypes registers a plain
#            addition loop that rounds after each term, while its dot adds in float32; issue 63 of jax-ml/ml_dtypes.
# Matters    to everybody who looks at bfloat16 weights or activations from a checkpoint in NumPy (norms, means, outliers
#            per channel): convert by .astype(np.float32) first.
# Output
#   float16         ones(1000): sum 1000.0    mean 1.0        dot 1000.0
#   bfloat16        ones(1000): sum 256.0     mean 0.255859   dot 1000.0
#   float8_e4m3fn   ones(100) : sum 16.0      mean 0.15625
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 ml_dtypes==0.6.0
cat > probe.py <<'PY'
import sys
import ml_dtypes, numpy as np

half, bf16, fp8 = (np.ones(n, t) for n, t in ((1000, np.float16), (1000, ml_dtypes.bfloat16), (100, ml_dtypes.float8_e4m3fn)))
for x in (half, bf16, fp8):
    dot = "" if x is fp8 else f" dot {float(np.dot(x, x))}"
    print(f"{x.dtype.name:15} ones({x.size:<4}): sum {float(x.sum()):<9} mean {float(x.mean()):<10.6}{dot}".replace("100 )", "100) "))
seen = [float(v) for v in (half.sum(), bf16.sum(), np.dot(bf16, bf16), fp8.sum())]
if seen != [1000, 256, 1000, 16]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
