#!/usr/bin/env bash
# One tokenizer.json that lower-cases gives other ids for Greek in JavaScript than in Python.
#
# Versions   tokenizers 0.23.3 (Python), @huggingface/tokenizers 0.2.0 (JavaScript)
# Guess      Lower case is Unicode's, hence the same everywhere: "ΟΔΟΣ" becomes one and the same word.
# Seen       Python's tokenizers: "οδοσ", with an inner sigma at the end. JavaScript: "οδος", with a final sigma, as
#            Greek is written (and as Python's own str.lower() has it).
# Why        Rust's tokenizers maps each char by itself, and a char alone knows no neighbours; JavaScript's
#            toLowerCase maps the string, and Unicode's rule Final_Sigma looks at the neighbours.
# Matters    to everybody who runs an uncased BERT-like model in a browser, and to everybody who writes such a
#            normalizer: to agree with the ids that a model was trained on, lower the characters one by one.
# Output
#   Python      'ΟΔΟΣ οδος' -> [2, 1]
#   JavaScript  'ΟΔΟΣ οδος' -> [1, 1]
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
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "οδος": 1, "οδοσ": 2}, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
text = "ΟΔΟΣ οδος"
with open("case.json", "w") as file:
    json.dump({"tokenizer": tokenizer.to_str(), "text": text}, file)
python, javascript = tokenizer.encode(text).ids, json.loads(subprocess.check_output(["node", "encode.mjs"]))
print(f"Python      {text!r} -> {python}\nJavaScript  {text!r} -> {javascript}")
if (python, javascript) != ([2, 1], [1, 1]):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
