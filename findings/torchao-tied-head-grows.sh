#!/usr/bin/env bash
# torchao's INT8 makes a model whose head is its token table larger: quantize_ unties the two, and the table stays float.
#
# Versions   torchao 0.18.0, torch 2.15.0 on the CPU (a download of some 3 GB: the wheel brings its GPU libraries along)
# Guess      INT8 weights make a model about a quarter as large. A matrix that two modules share stays shared.
# Seen       Token table and head of GPT-2's size (50257 x 768, one matrix, 154 MB): 193 MB after quantize_ with
#            Int8WeightOnlyConfig.
# Why        The default filter takes nn.Linear alone. The head gets a quantised copy of its own; the table, which is no
#            nn.Linear, keeps the float matrix, and nothing tells that the tie is gone.
# Matters    to small GPTs most, whose table is a large share of all weights (that of GPT-2: 31 %). Quantise the embedding in
#            a second call, with a filter, and store one of the two.
# Output
#   tied before: True, 154 MB
#   tied after: False, 193 MB
#   the table is torch.float32, the head Int8Tensor
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-cache-dir torch==2.15.0 torchao==0.18.0 numpy==2.4.6
cat > probe.py <<'PY'
import io
import sys
import torch
from torchao.quantization import Int8WeightOnlyConfig, quantize_

class Ends(torch.nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.table = torch.nn.Embedding(tokens, width)
        self.head = torch.nn.Linear(width, tokens, bias=False)
        self.head.weight = self.table.weight

def megabytes(model):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    return file.tell() / 1e6

tied = lambda model: model.head.weight is model.table.weight
model = Ends(50257, 768)
before = megabytes(model)
print(f"tied before: {tied(model)}, {before:.0f} MB")
quantize_(model, Int8WeightOnlyConfig())
after = megabytes(model)
print(f"tied after: {tied(model)}, {after:.0f} MB")
print(f"the table is {model.table.weight.dtype}, the head {type(model.head.weight).__name__}")
if not (not tied(model) and 1.2 < after / before < 1.3):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py 2> errors || { cat errors >&2; exit 1; }
