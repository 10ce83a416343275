#!/usr/bin/env bash
# Hugging Face tokenizers reads the possessive `\p{N}{1,3}+` of tiktoken's own cl100k pattern as "any number of digits".
#
# Versions   tokenizers 0.23.3, tiktoken 0.14.0
# Guess      The pattern string that tiktoken ships for cl100k_base, put into Split(Regex(...)), splits as tiktoken does:
#            digits in threes. Both know possessive quantifiers: `?+` and `++` in the same pattern work in both.
# Seen       tiktoken: 123|456|7. tokenizers: 1234567 in one piece. No error: every number gets other ids.
# Why        tokenizers compiles with Oniguruma, where `?+`, `*+` and `++` are possessive but an interval with a plus is
#            a repeated interval, (\p{N}{1,3})+: its doc/RE has {n,m}+ as a "possessive op. in ONIG_SYNTAX_JAVA only".
#            tiktoken compiles with Rust's fancy-regex, where it is possessive.
# Matters    to everybody who writes a tokenizer.json from a tiktoken encoding. Write `\p{N}{1,3}`: the plus changes
#            nothing in tiktoken, since nothing follows it in its alternative.
# Output
#   tiktoken   |in| |123|456|7| bytes|
#   tokenizers |in| |1234567| bytes|
#   tokenizers |in| |123|456|7| bytes| with {1,3} in place of {1,3}+
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3 tiktoken==0.14.0
cat > probe.py <<'PY'
import inspect, re, sys
import tiktoken
from tiktoken_ext import openai_public
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

# The pattern as it stands in the package; calling cl100k_base() would download its ranks.
pattern = re.search(r'"pat_str": r"""(.*?)"""', inspect.getsource(openai_public.cl100k_base)).group(1)
assert r"\p{N}{1,3}+" in pattern
text = "in 1234567 bytes"

# One id for each byte and for each piece that ought to come out: an id is a piece.
ranks = {bytes([b]): b for b in range(256)}
def grow(word):
    for end in range(2, len(word) + 1):
        ranks.setdefault(word[:end], len(ranks))
for word in (b"in", b"123", b"456", b"1234567", b" bytes"):
    grow(word)
encoding = tiktoken.Encoding("probe", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
pieces = lambda p: [piece for piece, _ in Split(Regex(p), "isolated").pre_tokenize_str(text)]

seen = [
    [encoding.decode([i]) for i in encoding.encode(text)],
    pieces(pattern),
    pieces(pattern.replace("{1,3}+", "{1,3}")),
]
for name, split, note in zip(("tiktoken  ", "tokenizers", "tokenizers"), seen, ("", "", " with {1,3} in place of {1,3}+")):
    print(f"{name} |{'|'.join(split)}|{note}")
in_threes = ["in", " ", "123", "456", "7", " bytes"]
if seen != [in_threes, ["in", " ", "1234567", " bytes"], in_threes]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
