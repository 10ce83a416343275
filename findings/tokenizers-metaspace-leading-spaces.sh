#!/usr/bin/env bash
# The Metaspace decoder of Hugging Face tokenizers eats the indentation of the text, not only the space that it added.
#
# Versions   tokenizers 0.23.3 (Python), @huggingface/tokenizers 0.2.0 (JavaScript)
# Guess      prepend_scheme "first" puts one mark in front, the decoder takes one mark away: the text comes back.
# Seen       "    x = 1" comes back as "x = 1" from Python and as "   x = 1" from JavaScript: four spaces lost, or one.
# Why        Two asymmetries. Nothing is put in front of a text that begins with a space already, yet decoding takes
#            away all the same. And Python drops every mark inside the first token, where a vocabulary with split=false
#            has tokens of several spaces (as Llama's has); JavaScript drops one.
# Matters    to everybody who has a model complete code or a list: the first line loses its indentation, and the two
#            implementations of one tokenizer.json disagree. SentencePiece's add_dummy_prefix prepends always, and takes one away.
# Output
#   '    x = 1' -> ['▁▁▁▁', 'x', '▁', '=', '▁', '1'] -> Python 'x = 1', JavaScript '   x = 1'
#   'x = 1' -> ['▁', 'x', '▁', '=', '▁', '1'] -> Python 'x = 1', JavaScript 'x = 1'
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tokenizers==0.23.3
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @huggingface/tokenizers@0.2.0 > /dev/null
cat > decode.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
const { tokenizer, ids } = JSON.parse(readFileSync('case.json', 'utf8'));
const options = { clean_up_tokenization_spaces: false };
process.stdout.write(JSON.stringify(new Tokenizer(JSON.parse(tokenizer), options).decode(ids)));
JS
cat > probe.py <<'PY'
import json, subprocess, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

vocabulary = ["<unk>", "▁", "x", "=", "1", "▁▁", "▁▁▁▁"]
tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(vocabulary)}, [("▁", "▁"), ("▁▁", "▁▁")], unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
tokenizer.decoder = decoders.Metaspace(prepend_scheme="first", split=False)

seen = []
for text in ("    x = 1", "x = 1"):
    encoding = tokenizer.encode(text)
    with open("case.json", "w") as file:
        json.dump({"tokenizer": tokenizer.to_str(), "ids": encoding.ids}, file)
    python, javascript = tokenizer.decode(encoding.ids), json.loads(subprocess.check_output(["node", "decode.mjs"]))
    print(f"{text!r} -> {encoding.tokens} -> Python {python!r}, JavaScript {javascript!r}")
    seen.append((python, javascript))
if seen != [("x = 1", "   x = 1"), ("x = 1", "x = 1")]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
