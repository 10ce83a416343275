#!/usr/bin/env bash
# torch.randn(20) of a seed begins with four numbers of torch.randn(16) of the same seed, and shares none with torch.randn(15).
#
# Versions   torch 2.15.0 on the CPU (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      A generator is a stream: the first 15 numbers of a seed are the same, however many are asked for. torch.rand does so.
# Seen       Of randn(16) and randn(20) only the first 20 - 16 numbers agree; of randn(24) and randn(32) the first 8; of
#            randn(15) and randn(20) none.
# Why        Up to 15 numbers are drawn one by one, in float64. From 16 on, uniform numbers are turned into normal ones in groups
#            of 16; where the size is not a multiple of 16, the last 16 are drawn again, over what was there.
# Matters    to whoever grows a vocabulary or a layer by a few rows, or compares an own implementation: the same seed then gives
#            other weights, not the same ones and some more. And to tests that check a few numbers for the sake of many.
# Output
#   randn, the 15 of 15 and the first of 20: 0 agree
#   randn, the 16 of 16 and the first of 20: 4 agree
#   randn, the 24 of 24 and the first of 32: 8 agree
#   rand,  the 15 of 15 and the first of 20: 15 agree
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0
cat > probe.py <<'PY'
import sys
import torch

def agree(draw, few, many):
    numbers = [draw(n, generator=torch.Generator().manual_seed(0)) for n in (few, many)]
    same = (numbers[0] == numbers[1][:few]).tolist()
    assert same == sorted(same, reverse=True), "the numbers that agree are not the first ones"
    return sum(same)

seen = []
for draw, few, many in ((torch.randn, 15, 20), (torch.randn, 16, 20), (torch.randn, 24, 32), (torch.rand, 15, 20)):
    seen.append(agree(draw, few, many))
    print(f"{draw.__name__ + ',':6} the {few} of {few} and the first of {many}: {seen[-1]} agree")
if seen != [0, 4, 8, 15]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py 2> errors || { cat errors >&2; exit 1; }
