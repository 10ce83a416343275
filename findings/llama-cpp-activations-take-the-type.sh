#!/usr/bin/env bash
# In llama.cpp the type of a GGUF's weights is the type of the activations, too: BF16 rounds every input of a product.
#
# Versions   node-llama-cpp 3.22.1 (llama.cpp v0.5.0), gguf 0.19.0 from PyPI, on x86-64
# Guess      A type says how weights are stored: products take the stored weights times float32 activations, so the
#            only error of a BF16 or Q8_0 file is that of its weights.
# Seen       With the stored weights and float64 activations, logits of a GPT-2 of one block are off by 4e-4 (F16),
#            2e-3 (BF16) and 8e-3 (Q8_0) of the largest. A reference that stores the input of every product as the
#            weights are stored meets them to 1e-6.
# Why        ggml's CPU code converts each row to the type that its dot product takes: F16 for F16, BF16 for BF16,
#            blocks of 32 of 8 bits for Q8_0 and Q4_0.
# Matters    to those who choose a type by its weights: F16 beats BF16 by a factor of six though both have 16 bits,
#            and an exporter that is exact looks as wrong as its type is coarse. (GELU is imitated as
#            llama-cpp-gelu-float16.sh has it.)
# Output
#   F16: off by 4.2e-4 of the largest logit, with inputs stored likewise by 1.0e-6
#   BF16: off by 2.4e-3 of the largest logit, with inputs stored likewise by 1.6e-7
#   Q8_0: off by 8.4e-3 of the largest logit, with inputs stored likewise by 1.1e-7
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check gguf==0.19.0
npm install --silent --no-save --ignore-scripts node-llama-cpp@3.22.1 >/dev/null
cat > write.py <<'PY'
"""A GPT-2 of one block whose attention adds nothing, and its logits after single tokens, in float64."""
import json
import sys

import gguf
import numpy as np
from gguf.quants import dequantize, quantize

KIND = gguf.GGMLQuantizationType[sys.argv[1]]
C, V, HIDDEN, EPS = 64, 257, 256, 1e-5
random = np.random.default_rng(1)
weight = lambda *shape: random.normal(0, 0.3, shape).astype(np.float32)
tokens, positions, fc, proj = weight(V, C), weight(8, C), weight(HIDDEN, C), weight(C, HIDDEN)
ones, zeros = np.ones(C, np.float32), np.zeros(C, np.float32)

file = gguf.GGUFWriter("model.gguf", "gpt2")
file.add_context_length(8)
file.add_embedding_length(C)
file.add_block_count(1)
file.add_feed_forward_length(HIDDEN)
file.add_head_count(1)
file.add_layer_norm_eps(EPS)
file.add_tokenizer_model("gpt2")
file.add_tokenizer_pre("gpt-2")
# Bytes as GPT-2 writes them, and one pair.
plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = [chr(b) for b in plain] + [chr(256 + n) for n in range(256 - len(plain))]
file.add_token_list(letters + ["ab"])
file.add_token_types([gguf.TokenType.NORMAL] * V)
file.add_token_merges(["a b"])
file.add_tensor("token_embd.weight", tokens)
file.add_tensor("position_embd.weight", positions)
for name, size in [("attn_qkv", 3 * C), ("attn_output", C)]:
    file.add_tensor(f"blk.0.{name}.weight", np.zeros((size, C), np.float32))
    file.add_tensor(f"blk.0.{name}.bias", np.zeros(size, np.float32))
for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
    file.add_tensor(f"{name}.weight", ones)
    file.add_tensor(f"{name}.bias", zeros)
file.add_tensor("blk.0.ffn_up.weight", quantize(fc, KIND), raw_dtype=KIND)
file.add_tensor("blk.0.ffn_up.bias", np.zeros(HIDDEN, np.float32))
file.add_tensor("blk.0.ffn_down.weight", quantize(proj, KIND), raw_dtype=KIND)
file.add_tensor("blk.0.ffn_down.bias", zeros)
file.write_header_to_file()
file.write_kv_data_to_file()
file.write_tensors_to_file()
file.close()

norm = lambda x: (x - x.mean()) / np.sqrt(x.var() + EPS)
stored = lambda x: dequantize(quantize(x.astype(np.float32), KIND), KIND).astype(np.float64)
half = lambda x: x.astype(np.float16).astype(np.float64)
gelu = lambda x: half(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))
up, down = stored(fc), stored(proj)


def logits(token, read):
    """`read`: what a product with stored weights makes of its input."""
    x = tokens[token].astype(np.float64) + positions[0]
    return tokens @ norm(x + down @ read(gelu(half(up @ read(norm(x))))))


kinds = {"as they are": lambda x: x, "stored likewise": lambda x: stored(x[None])[0]}
json.dump({kind: [logits(token, f).tolist() for token in range(8)] for kind, f in kinds.items()}, open("logits.json", "w"))
PY
cat > read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { getLlama } from 'node-llama-cpp';

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'error' });
const model = await llama.loadModel({ modelPath: 'model.gguf', gpuLayers: 0 });
const context = await model.createContext({
  contextSize: 8,
  flashAttention: false,
  experimentalKvCacheKeyType: 'F32',
  experimentalKvCacheValueType: 'F32',
});
const sequence = context.getSequence();
const expected = JSON.parse(readFileSync('logits.json', 'utf8'));
const off = { 'as they are': 0, 'stored likewise': 0 };
let largest = 0;
for (let token = 0; token < 8; token++) {
  await sequence.clearHistory();
  const [{ next }] = await sequence.controlledEvaluate([
    [token, { generateNext: { logits: true, options: { temperature: 0 } } }],
  ]);
  for (const [id, logit] of next.logits) {
    largest = Math.max(largest, Math.abs(logit));
    for (const kind of Object.keys(off))
      off[kind] = Math.max(off[kind], Math.abs(logit - expected[kind][token][id]));
  }
}
const [exact, likewise] = Object.values(off).map((most) => most / largest);
console.log(
  `${process.argv[2]}: off by ${exact.toExponential(1)} of the largest logit, with inputs ${Object.keys(off)[1]} by ${likewise.toExponential(1)}`,
);
process.exit(exact > 4 * likewise ? 0 : 1);
JS
for type in F16 BF16 Q8_0; do
  venv/bin/python write.py $type
  node read.mjs $type
done
