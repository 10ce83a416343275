#!/usr/bin/env bash
# Hugging Face's trainers learn the letters of a special token that stands in the training text.
#
# Versions   tokenizers 0.23.3
# Guess      BpeTrainer(special_tokens=["<|endoftext|>"]) sets the separator of the documents apart, as encode() does:
#            no merge is learned from within it.
# Seen       It learns "en", "ext", "endoftext", "|>" and more: places of the vocabulary (8 of 43 here) that this text
#            can never use when it is encoded, since encode() takes the special token out before it splits.
# Why        The added tokens are looked for by encode() alone. train() runs only the normalizer and the pre-tokenizer
#            over the text, and to them the separator is text.
# Matters    to everybody who trains on one file with the documents joined by the separator (GPT-2's own layout): cut
#            the text at the separators first, and do so in a trainer that is to be compared with this one.
# Output
#   learned from the separator: 'doft' 'en' 'endoft' 'endoftext' 'ex' 'ext' 'ft' '|>'
#   used when the text is encoded: none
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3
cat > probe.py <<'PY'
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

separator = "<|endoftext|>"
text = separator.join(["A cat sat by a wall.", "A dog ran by a hill.", "A fish swam by a ship."] * 50)
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
trainer = trainers.BpeTrainer(vocab_size=300, show_progress=False, special_tokens=[separator],
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
tokenizer.train_from_iterator([text], trainer)

without = text.replace(separator, "\n")
learned = {token for token in tokenizer.get_vocab() if len(token) > 1 and token in separator and token not in without}
learned.discard(separator)
used = learned & set(tokenizer.encode(text).tokens)
print("learned from the separator:", *map(repr, sorted(learned)))
print("used when the text is encoded:", *(sorted(used) or ["none"]))
if "endoftext" not in learned or used:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
