#!/usr/bin/env bash
# safetensors 0.8.0 (Python) saves a transposed NumPy array under the transposed shape, with its elements in the old order.
#
# Versions   safetensors 0.7.0 and 0.8.0, numpy 2.4.6
# Guess      safetensors.numpy.save({"w": w.T}) either writes w.T (as 0.7.0 does) or refuses an array that is not
#            contiguous (as safetensors.torch does).
# Seen       0.8.0 writes the memory of w as it lies, under the shape of w.T: no error, no warning, other numbers.
# Why        0.8 hands the address of the array to Rust without a copy, and without looking at its strides; see
#            issue 825 of safetensors/safetensors. 0.7.0 took tobytes(), which follows the strides.
# Matters    to everybody who converts weights: the difference between [out, in] and [in, out] is a `.T`, and a square
#            matrix does not even fail by its shape. Save np.ascontiguousarray(w.T).
# Output
#   safetensors 0.7.0: saved [[0, 3], [1, 4], [2, 5]], loaded [[0, 3], [1, 4], [2, 5]]
#   safetensors 0.8.0: saved [[0, 3], [1, 4], [2, 5]], loaded [[0, 1], [2, 3], [4, 5]]
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > probe.py <<'PY'
import sys
import numpy as np, safetensors
from safetensors.numpy import load, save

w = np.arange(6, dtype=np.float32).reshape(2, 3)
loaded = load(save({"w": w.T}))["w"]
print(f"safetensors {safetensors.__version__}: saved {w.T.astype(int).tolist()}, loaded {loaded.astype(int).tolist()}")
in_memory_order = w.reshape(3, 2)
expected = in_memory_order if sys.argv[1] == "memory order" else w.T
if not np.array_equal(loaded, expected):
    sys.exit("The behaviour has changed.")
PY

python3 -m venv venv
venv/bin/pip install --quiet safetensors==0.7.0 numpy==2.4.6
venv/bin/python probe.py "as saved"
venv/bin/pip install --quiet safetensors==0.8.0
venv/bin/python probe.py "memory order"
