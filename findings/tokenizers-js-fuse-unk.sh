#!/usr/bin/env bash
# "fuse_unk" makes one unknown token of each word in Python, and one of a whole unknown passage in JavaScript.
#
# Versions   tokenizers 0.23.3 (Python), @huggingface/tokenizers 0.2.0 (JavaScript)
# Guess      fuse_unk belongs to the model, and the model sees one word of the pre-tokenizer at a time: unknown
#            characters next to each other in a word become one token. "a 東 京 b" has two.
# Seen       Python: [a, unk, unk, b]. JavaScript, with the same tokenizer.json: [a, unk, b].
# Why        JavaScript's model is called with all words of the text at once and fuses in their joined result
#            (TokenizerModel._call: encode, then fuse_unk over everything).
# Matters    to everybody who compares token counts, limits, offsets or labels per token between server and browser:
#            a sequence with foreign words has another length, and every position behind them is shifted.
# Output
#   Python      'a 東 京 b' -> ['a', '<unk>', '<unk>', 'b']
#   JavaScript  'a 東 京 b' -> ['a', '<unk>', 'b']
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

tokenizer = Tokenizer(models.BPE({"<unk>": 0, "a": 1, "b": 2}, [], unk_token="<unk>", fuse_unk=True))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
text = "a 東 京 b"
with open("case.json", "w") as file:
    json.dump({"tokenizer": tokenizer.to_str(), "text": text}, file)
python, javascript = tokenizer.encode(text).ids, json.loads(subprocess.check_output(["node", "encode.mjs"]))
for name, ids in (("Python    ", python), ("JavaScript", javascript)):
    print(f"{name}  {text!r} -> {[tokenizer.id_to_token(i) for i in ids]}")
if (python, javascript) != ([1, 0, 0, 2], [1, 0, 2]):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
