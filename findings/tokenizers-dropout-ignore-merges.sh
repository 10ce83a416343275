#!/usr/bin/env bash
# BPE dropout, however small, switches "ignore_merges" off: words that the vocabulary holds whole fall apart.
#
# Version    tokenizers 0.23.3 (Python)
# Guess      BPE(dropout=p) leaves a merge out with probability p, and nothing else: p = 1e-30 gives the tokens of p = 0.
# Seen       With ignore_merges, as in the tokenizers of Llama 3, a word that is in the vocabulary is its token, whether
#            merges lead to it or not. With dropout = 0 it stays so; with dropout = 1e-30 the merges decide, and a token
#            that they do not reach is never made.
# Why        The vocabulary is asked in the path with the cache, tokenize_with_cache, which any dropout above 0 avoids.
# Matters    to everybody who regularises such a model by BPE dropout: it trains on cuts that the tokenizer never makes
#            afterwards, also where no merge was dropped, and whole tokens lose all their examples.
# Output
#   dropout=None   ['abc']
#   dropout=0.0    ['abc']
#   dropout=1e-30  ['ab', 'c']
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3
cat > probe.py <<'PY'
import sys
from tokenizers import Tokenizer, models

vocab = {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}  # no merge leads to "abc"
found = []
for dropout in (None, 0.0, 1e-30):
    tokenizer = Tokenizer(models.BPE(vocab, [("a", "b")], ignore_merges=True, dropout=dropout))
    found.append(tokenizer.encode("abc").tokens)
    print(f"  {f'dropout={dropout}':14} {found[-1]}")
if found != [["abc"], ["abc"], ["ab", "c"]]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
