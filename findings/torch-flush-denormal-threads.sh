#!/usr/bin/env bash
# torch.set_flush_denormal(True) is of the calling thread alone: after the first parallel operation half of a tensor is flushed.
#
# Versions   torch 2.15.0 on the CPU with 2 threads (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      "Disables denormal floating numbers on CPU", says the documentation, and it returns True: from then on all
#            operations flush, whenever it is called, like torch.set_num_threads or the default dtype.
# Seen       Called first, all of a large product is 0. Called after any large operation: the half that the calling
#            thread computes is 0, the other half is denormal, in one and the same tensor.
# Why        It sets the control register of the thread that calls it. OpenMP's threads inherit it when they start, at
#            the first parallel operation, and keep what they had.
# Matters    to everybody who calls it for speed (denormals made a step of a 124M model five times as slow), and to who
#            reproduces numbers: the result depends on how many threads there are. Call it before everything else.
# Output
#   called first: 1.00 of the elements are 0
#   called later: 0.50 of the elements are 0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0 numpy==2.4.6
cat > probe.py <<'PY'
import sys
import numpy as np
import torch

later = sys.argv[1] == "later"
if not later:
    torch.set_flush_denormal(True)
torch.set_num_threads(2)
x = torch.full((1 << 22,), 1e-40)  # a parallel operation
if later:
    assert torch.set_flush_denormal(True)
product = (x * 1).numpy().view(np.uint32)  # as bits: a comparison would flush, too
share = float((product == 0).mean())
print(f"called {sys.argv[1]}: {share:.2f} of the elements are 0")
if share != (0.5 if later else 1.0):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py first
venv/bin/python probe.py later
