#!/usr/bin/env bash
# safetensors (Python) writes other bytes each time it saves the same tensors with the same metadata.
#
# Versions   safetensors 0.8.0, numpy 2.4.6
# Guess      Saving is a pure function: the same tensors and the same metadata give the same bytes. It is so without
#            metadata (the tensors are sorted), and a Python dict keeps its order.
# Seen       With eight metadata entries nearly every save of a process gives another file: their order is drawn anew.
# Why        The metadata pass through a Rust HashMap, whose order is random by design; issue 584 of
#            safetensors/safetensors, open since 2025.
# Matters    to everybody who compares checksums of checkpoints, stores files by their hash, or tests a writer byte for
#            byte against this one: compare the parsed header and the data, or write at most one metadata entry.
# Output     (the first number differs from run to run)
#   20 saves with eight metadata entries: 20 different files
#   20 saves with one metadata entry: 1 different file
#   20 saves without metadata: 1 different file
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet safetensors==0.8.0 numpy==2.4.6
cat > probe.py <<'PY'
import sys
import numpy as np
from safetensors.numpy import save

tensors = {"b": np.ones(3, np.float32), "a": np.ones(2, np.float16)}
eight = {"format": "pt", "step": "100", "loss": "1.4", "seed": "1", "layers": "4", "heads": "4", "width": "64", "context": "32"}
counts = []
for name, metadata in (("with eight metadata entries", eight), ("with one metadata entry", {"format": "pt"}), ("without metadata", None)):
    counts.append(len({save(tensors, metadata=metadata) for _ in range(20)}))
    print(f"20 saves {name}: {counts[-1]} different file{'s' if counts[-1] > 1 else ''}")
if not (counts[0] > 1 and counts[1:] == [1, 1]):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
