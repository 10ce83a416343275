#!/usr/bin/env bash
# On a C# file with a byte order mark, tiktoken, js-tiktoken and gpt-tokenizer part, though their ranks are the same.
#
# Versions   tiktoken 0.14.0 (Python), js-tiktoken 1.0.21 and gpt-tokenizer 4.0.0 (JavaScript), encoding cl100k_base
# Guess      The encoding is fixed by its ranks and pattern: the same ids everywhere, and decode(encode(text)) == text.
#            cl100k_base even has tokens for a mark with the word behind it ("\ufeffusing" is id 4117).
# Seen       gpt-tokenizer: other and more ids, for it never finds a token that begins with the mark. js-tiktoken: the
#            right ids, but decoding loses the mark (gpt-tokenizer loses it once, too). In front of punctuation ("\ufeff//") no two of the three agree.
# Why        Both decode UTF-8 by a TextDecoder without ignoreBOM: js-tiktoken the text, gpt-tokenizer its vocabulary.
#            And \s in JavaScript holds U+FEFF, in Rust it does not, so that the pattern itself splits otherwise.
# Matters    to everybody who counts tokens in the browser against a limit of the server, or caches by prefix: files of
#            Windows tools begin so. A decoder wants { ignoreBOM: true }, and a pattern an \s without U+FEFF.
# Output
#   using System;  tiktoken      [4117, 744, 26]
#                  js-tiktoken   [4117, 744, 26] decoded without the mark
#                  gpt-tokenizer [171, 3299, 985, 744, 26] decoded without the mark
#   // notes       tiktoken      [35866, 8554]
#                  js-tiktoken   [3305, 322, 8554] decoded without the mark
#                  gpt-tokenizer [171, 3299, 322, 8554] decoded whole
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet tiktoken==0.14.0
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . js-tiktoken@1.0.21 gpt-tokenizer@4.0.0 > /dev/null
cat > encode.mjs <<'JS'
import * as gpt from 'gpt-tokenizer/encoding/cl100k_base';
import { Tiktoken } from 'js-tiktoken/lite';
import ranks from 'js-tiktoken/ranks/cl100k_base';
const js = new Tiktoken(ranks);
const rows = process.argv.slice(2).map((word) => {
  const text = `\ufeff${word}`;
  const both = [js.encode(text), gpt.encode(text)];
  return { text, ids: both, whole: [js.decode(both[0]) === text, gpt.decode(both[1]) === text] };
});
process.stdout.write(JSON.stringify({ bpe: ranks.bpe_ranks, rows }));
JS
cat > probe.py <<'PY'
import base64, inspect, json, re, subprocess, sys
import tiktoken
from tiktoken_ext import openai_public

words = ["using System;", "// notes"]
result = json.loads(subprocess.check_output(["node", "encode.mjs", *words]))
# tiktoken would download its ranks: it gets js-tiktoken's copy ("! first-rank token token ..." per line).
ranks = {}
for line in filter(None, result["bpe"].split("\n")):
    _, first, *tokens = line.split(" ")
    ranks.update({base64.b64decode(token): int(first) + i for i, token in enumerate(tokens)})
pattern = re.search(r'"pat_str": r"""(.*?)"""', inspect.getsource(openai_public.cl100k_base)).group(1)
encoding = tiktoken.Encoding("cl100k_base", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

seen = []
for word, row in zip(words, result["rows"]):
    python, (js, gpt) = encoding.encode(row["text"]), row["ids"]
    note = ["decoded whole" if whole else "decoded without the mark" for whole in row["whole"]]
    print(f"{word:14} tiktoken      {python}\n{'':14} js-tiktoken   {js} {note[0]}\n{'':14} gpt-tokenizer {gpt} {note[1]}")
    seen.append((python == js, python == gpt, js == gpt, row["whole"]))
if seen != [(True, False, False, [False, False]), (False, False, False, [False, True])]:
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
