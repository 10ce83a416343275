#!/usr/bin/env bash
# A float32 GPT-2 in GGUF is not computed in float32 by llama.cpp on the CPU: its GELU works in float16.
#
# Versions   node-llama-cpp 3.22.1 (llama.cpp v0.5.0), gguf 0.19.0 from PyPI, on x86-64
# Guess      A file of type F32, with a float32 cache and without flash attention, is computed in float32: logits
#            agree with a careful computation to six digits.
# Seen       In a GPT-2 of one block they are off by 2e-4 of the largest, 200 times as much as float32's own rounding.
#            A reference that rounds the argument of the GELU to float16, and its result again, meets them to 1e-6.
# Why        ggml's CPU code looks the GELU up in a table with an entry for each float16. Models with squared ReLU or
#            SiLU have none.
# Matters    to those who prove an exporter by comparing logits: for GPT-2 no tolerance as small as that of other
#            models holds, and a wrong epsilon or bias hides beneath it. Compare with the rounded GELU.
# Output
#   GELU exact: logits differ by at most 2.2e-4 of the largest
#   GELU through float16: logits differ by at most 9.9e-7 of the largest
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

import gguf
import numpy as np

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
file.add_file_type(gguf.LlamaFileType.ALL_F32)
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
file.add_tensor("blk.0.ffn_up.weight", fc)
file.add_tensor("blk.0.ffn_up.bias", np.zeros(HIDDEN, np.float32))
file.add_tensor("blk.0.ffn_down.weight", proj)
file.add_tensor("blk.0.ffn_down.bias", zeros)
file.write_header_to_file()
file.write_kv_data_to_file()
file.write_tensors_to_file()
file.close()

norm = lambda x: (x - x.mean()) / np.sqrt(x.var() + EPS)
half = lambda x: x.astype(np.float16).astype(np.float64)
gelu = lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
wide = [array.astype(np.float64) for array in (tokens, positions, fc, proj)]


def logits(token, activation):
    embedding, position, up, down = wide
    x = embedding[token] + position[0]
    return embedding @ norm(x + down @ activation(up @ norm(x)))


kinds = {"exact": gelu, "through float16": lambda x: half(gelu(half(x)))}
json.dump({kind: [logits(token, f).tolist() for token in range(8)] for kind, f in kinds.items()}, open("logits.json", "w"))
PY
venv/bin/python write.py
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
const off = { exact: 0, 'through float16': 0 };
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
for (const [kind, most] of Object.entries(off))
  console.log(`GELU ${kind}: logits differ by at most ${(most / largest).toExponential(1)} of the largest`);
process.exit(off.exact / largest > 1e-4 && off['through float16'] / largest < off.exact / largest / 20 ? 0 : 1);
JS
node read.mjs
