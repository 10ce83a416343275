#!/usr/bin/env bash
# torch.multinomial never draws the tail of a distribution if the likely token stands first, and draws it if it stands last.
#
# Versions   torch 2.15.0 on the CPU (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      With replacement, each index comes up by its probability, wherever it stands. A tail of 20000 tokens with
#            0.1 % of the mass comes up about 1000 times in a million draws.
# Seen       Token of probability 0.999 first, tail behind it: 0 of a million. The same list reversed: about 1000.
# Why        With replacement, torch sums the probabilities up in float32, in the order of the list: 1 + 5e-8 is 1, and
#            stays so for the whole tail. From the other end the small numbers add up first.
# Matters    to everybody who samples several continuations from sorted probabilities, as top-p and top-k code does:
#            the likely token always stands first there. Pass p.double(), or sort in ascending order.
# Output     (the second and third number are those of one seed)
#   likely token first: 0 of 1000000 draws from the tail
#   likely token last:  939 of 1000000 draws from the tail
#   first, in float64:  1043 of 1000000 draws from the tail
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0
cat > probe.py <<'PY'
import sys
import torch

p = torch.cat([torch.ones(1), torch.full((20000,), 5e-8)])
generator = torch.Generator().manual_seed(0)
draws = 1_000_000
draw = lambda weights: torch.multinomial(weights, draws, replacement=True, generator=generator)
first, last, double = (int(hits.sum()) for hits in (draw(p) > 0, draw(p.flip(0)) < 20000, draw(p.double()) > 0))
for name, hits in (("likely token first:", first), ("likely token last: ", last), ("first, in float64: ", double)):
    print(f"{name} {hits} of {draws} draws from the tail")
if not (first == 0 and last > 800 and double > 800):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
