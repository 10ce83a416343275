#!/usr/bin/env bash
# A ByteLevel tokenizer decodes an added token wrongly if it has an accented letter, and rightly if it is Chinese.
#
# Versions   tokenizers 0.23.3 (Python), @huggingface/tokenizers 0.2.0 (JavaScript)
# Guess      add_tokens(["café"]): encoded to its own id, and decoded to "café". If anything fails, it is the Chinese.
# Seen       Python: "café" becomes "caf" and U+FFFD, "česky" becomes a carriage return and "esky"; "日本" is whole.
#            JavaScript, with the same tokenizer.json and ids: all three whole.
# Why        In the vocabulary every byte is written as one character of U+0021..U+0143 (é is byte 0xE9, č byte 0x0D).
#            Python's decoder maps an added token, which was never encoded so, back through that table whenever all of
#            its characters are in it. Chinese ones are not, and pass. Issues 1392, 1915 and 1996 of
#            huggingface/tokenizers; in 1996 a release that mends it was announced in April 2026.
# Matters    to everybody who adds words of a European language, Vietnamese or Turkish to a GPT-2, Llama 3 or Qwen
#            tokenizer, and to everybody who writes a decoder: added tokens are text, vocabulary tokens are bytes.
# Output
#   text        'café česky 日本'
#   Python      'caf\ufffd \resky \u65e5\u672c'
#   JavaScript  'caf\xe9 \u010desky \u65e5\u672c'
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
process.stdout.write(JSON.stringify(new Tokenizer(JSON.parse(tokenizer), {}).decode(ids)));
JS
cat > probe.py <<'PY'
import json, subprocess, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.add_tokens(["café", "česky", "日本"])
text = "café česky 日本"
ids = tokenizer.encode(text).ids
assert len(ids) == 5, ids
with open("case.json", "w") as file:
    json.dump({"tokenizer": tokenizer.to_str(), "ids": ids}, file)
python, javascript = tokenizer.decode(ids), json.loads(subprocess.check_output(["node", "decode.mjs"]))
print(f"text        {text!r}\nPython      {ascii(python)}\nJavaScript  {ascii(javascript)}")
if (python, javascript) != ("caf\ufffd \resky 日本", text):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
