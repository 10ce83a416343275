#!/usr/bin/env bash
# torch.optim.Muon computes the update of a float64 or float32 matrix in bfloat16: two digits, and another update for a gradient that is 3 times as large.
#
# Versions   torch 2.15.0 on the CPU (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      An optimizer computes in the type of its parameters. Newton-Schulz begins by dividing by the norm, so that g and
#            3 g give the same update, to the rounding of float64.
# Seen       Every element of the update is a bfloat16 number; the update is 1.5 % away from that of the same formula in
#            float64, and those of g and 3 g are 1.6 % apart.
# Why        The rounds are written for speed on a GPU: the gradient is cast to bfloat16 before the norm is taken, whatever
#            its type, and no argument turns that off.
# Matters    to everybody who checks an own Muon against it, or compares its runs to the bit or to 1e-6: the tolerance must
#            be some per cent. It does not hurt training.
# Output     (the digits are those of one seed)
#   bfloat16 numbers in the update of a float64 matrix: 100 %
#   away from the same rounds in float64: 1.5 %
#   away from the update of 3 times the gradient: 1.6 %
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0
cat > probe.py <<'PY'
import sys
import torch

gradient = torch.randn(64, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

def update(gradient):
    weight = torch.nn.Parameter(torch.zeros_like(gradient))
    weight.grad = gradient
    torch.optim.Muon([weight], lr=1.0, weight_decay=0.0).step()
    return -weight.detach()

exact = gradient / gradient.norm()
for _ in range(5):  # the default coefficients of torch.optim.Muon
    gram = exact @ exact.T
    exact = 3.4445 * exact + (-4.775 * gram + 2.0315 * gram @ gram) @ exact

apart = lambda a, b: float((a - b).norm() / b.norm())
once = update(gradient.clone())
bfloats = float((once == once.bfloat16().double()).double().mean())
from_exact, from_thrice = apart(once, exact), apart(update(3 * gradient), once)
print(f"bfloat16 numbers in the update of a float64 matrix: {100 * bfloats:.0f} %")
print(f"away from the same rounds in float64: {100 * from_exact:.1f} %")
print(f"away from the update of 3 times the gradient: {100 * from_thrice:.1f} %")
if not (bfloats == 1 and 0.002 < from_exact < 0.05 and 0.002 < from_thrice < 0.05):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py 2> errors || { cat errors >&2; exit 1; }
