#!/usr/bin/env bash
# @huggingface/tokenizers reads "MergedWithNext" and "MergedWithPrevious" of a Split, and isolates the matches instead.
#
# Versions   tokenizers 0.23.3 (Python), @huggingface/tokenizers 0.2.0 (JavaScript)
# Guess      What the format names, the reader of the format does, or it refuses: a Split on " " with MergedWithNext
#            gives words with their leading space, as with GPT-2.
# Seen       JavaScript gives the spaces as pieces of their own. No error: the ids are others, and every vocabulary
#            entry with a leading space is dead.
# Why        Its Split knows invert and "removed"; every other behavior takes the branch of "isolated".
# Matters    to everybody who writes a tokenizer.json for both: say it by a pattern that holds the space
#            (` ?\S+` with "Isolated"), which both read alike. An unknown component, by contrast, is refused with its name.
# Output
#   Python      'the cat sat' -> ['the', ' cat', ' sat']
#   JavaScript  'the cat sat' -> ['the', ' ', 'c', 'a', 't', ' ', 's', 'a', 't']
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @huggingface/tokenizers@0.2.0 > /dev/null
cat > encode.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
const { tokenizer, text } = JSON.parse(readFileSync('case.json', 'utf8'));
process.stdout.write(JSON.stringify(new Tokenizer(JSON.parse(tokenizer), {}).encode(text).ids));
JS
cat > probe.py <<'PY'
import json, subprocess, sys
from tokenizers import Tokenizer, models, pre_tokenizers

vocabulary = [" ", "a", "c", "e", "h", "s", "t", "th", "the", " c", " ca", " cat", " s", " sa", " sat"]
merges = [("t", "h"), ("th", "e"), (" ", "c"), (" c", "a"), (" ca", "t"), (" ", "s"), (" s", "a"), (" sa", "t")]
tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(vocabulary)}, merges))
tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
text = "the cat sat"
with open("case.json", "w") as file:
    json.dump({"tokenizer": tokenizer.to_str(), "text": text}, file)
python, javascript = tokenizer.encode(text).ids, json.loads(subprocess.check_output(["node", "encode.mjs"]))
tokens = [[tokenizer.id_to_token(i) for i in ids] for ids in (python, javascript)]
print(f"Python      {text!r} -> {tokens[0]}\nJavaScript  {text!r} -> {tokens[1]}")
if tokens != [["the", " cat", " sat"], ["the", " ", "c", "a", "t", " ", "s", "a", "t"]]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
