#!/usr/bin/env bash
# BpeTrainer(limit_alphabet=...) trains another tokenizer each time, on the same text with the same settings.
#
# Versions   tokenizers 0.23.3
# Guess      BPE training draws no random numbers: the same text gives the same vocabulary. Characters that occur
#            equally often are cut off in a fixed order.
# Seen       20 trainings in one process give 20 vocabularies: which of the rare characters stay is drawn anew.
# Why        The characters are counted in a Rust HashMap and sorted by their count alone; equal counts stay in the
#            order of the map, which is random by design. (Ties of *merges* are broken by their ids, and are stable.)
# Matters    to everybody who limits the alphabet, as one does for Chinese, Japanese or web text, where hundreds of
#            characters occur once: a training cannot be repeated, nor compared with another implementation.
#            Count the characters yourself, pass the kept ones as initial_alphabet, and their number as limit_alphabet.
# Output     (the first number may differ from run to run)
#   limit_alphabet=30: 20 vocabularies of 20 trainings
#   without a limit:   1 vocabulary of 20 trainings
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3
cat > probe.py <<'PY'
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

# Every sign of the second line occurs once.
text = ["the quick brown fox jumps over the lazy dog " * 5, "春夏秋冬山川草木花鳥風月雨雪雲海空星朝夕"]

def vocabularies(**options):
    seen = set()
    for _ in range(20):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        tokenizer.train_from_iterator(text, trainers.BpeTrainer(vocab_size=60, show_progress=False, **options))
        seen.add(frozenset(tokenizer.get_vocab()))
    return len(seen)

limited, free = vocabularies(limit_alphabet=30), vocabularies()
print(f"limit_alphabet=30: {limited} vocabularies of 20 trainings")
print(f"without a limit:   {free} vocabulary of 20 trainings")
if not (limited > 1 and free == 1):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
