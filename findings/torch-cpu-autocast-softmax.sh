#!/usr/bin/env bash
# Under torch.autocast on a CPU, softmax and log_softmax of bfloat16 stay in bfloat16: a loss of 8 to 16 nats comes in steps of 1/16.
#
# Versions   torch 2.15.0 on the CPU (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      As on a GPU, whose list of operations that autocast runs in float32 has softmax, log_softmax, sums and norms: only
#            matrix products are in bfloat16.
# Seen       On a CPU that list is another one: cross_entropy and nll_loss are float32, softmax and log_softmax are bfloat16.
#            nll_loss(log_softmax(logits)) takes log-probabilities in bfloat16, off by more than their rounding (0.031 at most
#            between 8 and 16 nats): something within is rounded, too. cross_entropy(logits) computes in float32.
# Why        Each device has a list of operations of its own, which differ in more than these two.
# Matters    to whoever trains or measures in bfloat16 on a CPU with code written for GPUs: attention, label smoothing, distillation
#            or perplexity written out with softmax or log_softmax lose digits that they keep on a GPU. `.float()` before it.
# Output     (the digits are those of one seed)
#   softmax torch.bfloat16, log_softmax torch.bfloat16, cross_entropy torch.float32, nll_loss torch.float32
#   loss of one token by cross_entropy 11.3199, by log_softmax 11.3125; 0.049 apart at most
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0
cat > probe.py <<'PY'
import sys
import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(0)
hidden, head = torch.randn(64, 64, generator=generator), torch.randn(50257, 64, generator=generator)
targets = torch.randint(50257, (64,), generator=generator)
with torch.autocast("cpu", dtype=torch.bfloat16):
    logits = hidden @ head.T / 8
    probabilities, logs = F.softmax(logits, -1), F.log_softmax(logits, -1)
    exact = F.cross_entropy(logits, targets, reduction="none")
    rounded = F.nll_loss(logs, targets, reduction="none")
print(f"softmax {probabilities.dtype}, log_softmax {logs.dtype}, cross_entropy {exact.dtype}, nll_loss {rounded.dtype}")
apart = float((exact - rounded).abs().max())
print(f"loss of one token by cross_entropy {exact[0]:.4f}, by log_softmax {rounded[0]:.4f}; {apart:.3f} apart at most")
halves = (probabilities.dtype, logs.dtype) == (torch.bfloat16, torch.bfloat16)
steps = bool((rounded * 16 == (rounded * 16).round())[rounded >= 8].all())
if not (halves and {exact.dtype, rounded.dtype} == {torch.float32} and steps and apart > 1 / 32):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py 2> errors || { cat errors >&2; exit 1; }
