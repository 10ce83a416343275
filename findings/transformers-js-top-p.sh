#!/usr/bin/env bash
# transformers.js has a generation setting top_p, documents it, accepts it, and samples as if it were not there.
#
# Version    @huggingface/transformers 4.3.2, onnxruntime-node as it brings it, Node 20
# Guess      generate({ do_sample: true, top_p: 0.5 }) draws from the smallest set of tokens that has half of the
#            probability, as its documentation says ("only the smallest set of most probable tokens with probabilities
#            that add up to top_p or higher are kept"), and as transformers does in Python.
# Seen       Of four tokens with probabilities 0.4, 0.3, 0.2, 0.1 all are drawn, in these shares. top_k is honoured.
#            typical_p and epsilon_cutoff are documented and ignored in the same way.
# Why        The library has a class TopPLogitsWarper, but generate() never makes one: only temperature and top_k
#            reach the sampler.
# Matters    to everybody who moves a generation_config.json with top_p from Python to a page: texts get the whole tail
#            of the distribution (with a small vocabulary, wrong letters), and nothing says so. Use top_k there.
# Output     (the counts vary)
#   {}                      72 70 41 17
#   {"top_p":0.5}           82 67 31 20
#   {"typical_p":0.5}       85 59 42 14
#   {"epsilon_cutoff":0.25} 73 62 45 20
#   {"top_k":2}             114 86 0 0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet onnx==1.20.0
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @huggingface/transformers@4.3.2 > /dev/null
cat > make.py <<'PY'
# A model that predicts the same four probabilities everywhere.
import json, os
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper

os.makedirs("model/onnx")
table = np.log(np.array([[0.4, 0.3, 0.2, 0.1]] * 4, dtype=np.float32))
graph = helper.make_graph(
    [helper.make_node("Gather", ["table", "input_ids"], ["logits"])],
    "constant",
    [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", 4])],
    [numpy_helper.from_array(table, "table")],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "model/onnx/model.onnx")
config = {"model_type": "gpt2", "vocab_size": 4, "n_embd": 4, "n_head": 1, "n_layer": 1, "n_positions": 64}
json.dump(config, open("model/config.json", "w"))
json.dump({"eos_token_id": 99}, open("model/generation_config.json", "w"))
PY
venv/bin/python make.py
cat > sample.mjs <<'JS'
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers';
env.allowRemoteModels = false;
env.localModelPath = './';
const model = await AutoModelForCausalLM.from_pretrained('model', { dtype: 'fp32' });
const rows = 200;
async function counts(options) {
  const inputs = new Tensor('int64', new BigInt64Array(rows), [rows, 1]);
  const out = await model.generate({ inputs, do_sample: true, top_k: 0, max_new_tokens: 1, ...options });
  const found = [0, 0, 0, 0];
  for (const row of out.tolist()) found[Number(row.at(-1))]++;
  console.log(`  ${JSON.stringify(options).padEnd(23)} ${found.join(' ')}`);
  return found;
}
await counts({});
// None of them would leave the last token. top_k leaves the first two.
const ignored = [];
for (const options of [{ top_p: 0.5 }, { typical_p: 0.5 }, { epsilon_cutoff: 0.25 }])
  ignored.push((await counts(options))[3] > 0);
const [, , third, fourth] = await counts({ top_k: 2 });
if (!ignored.every(Boolean) || third + fourth > 0) {
  console.error('The behaviour has changed.');
  process.exit(1);
}
JS
node sample.mjs
