# Reads the folders that hf.mjs wrote with transformers, as a user would, and compares.
import json, os, shutil, sys, tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
import numpy as np, safetensors, tokenizers, torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4
torch.set_num_threads(2)
print(f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, "
      f"safetensors {safetensors.__version__}, torch {torch.__version__}")
print(f"{'case':22} {'class':18} {'dtype':9} {'logits':>8} {'of':>6}  ids of the corpus  greedy")
failed = False
for folder in sys.argv[1:]:
    expected = json.load(open(f"{folder}/expected.json"))
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", output_loading_info=True)
    keys = {name: sorted(info[name]) for name in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    dtype = str(model.dtype).removeprefix("torch.")
    dtypes = {str(p.dtype).removeprefix("torch.") for p in model.parameters()}
    declared = json.load(open(f"{folder}/config.json"))["dtype"]
    model = model.float().eval()
    logits = np.fromfile(f"{folder}/expected-logits.bin", np.float32)
    with torch.no_grad():
        got = model(torch.tensor([expected["ids"]])).logits[0].numpy().reshape(-1)
        greedy = model.generate(torch.tensor([expected["prompt"]]), do_sample=False,
                                max_length=min(len(expected["prompt"]) + 40, model.config.max_position_embeddings))
    difference = float(np.abs(got - logits).max())
    corpus = open(expected["corpus"], newline="").read()
    ids = np.fromfile(f"{folder}/expected-corpus.bin", np.int32)
    alone = tempfile.mkdtemp()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(f"{folder}/{name}", alone)
    same = []
    for place in (folder, alone):
        tokenizer = AutoTokenizer.from_pretrained(place)
        same.append(np.array_equal(tokenizer(corpus, add_special_tokens=False)["input_ids"], ids)
                    and np.array_equal(tokenizer(corpus)["input_ids"], ids)
                    and tokenizer(expected["odd"])["input_ids"] == expected["oddIds"]
                    and tokenizer.decode(expected["oddIds"]) == expected["odd"]
                    and tokenizer.decode(ids) == corpus and len(tokenizer) == model.config.vocab_size)
    shutil.rmtree(alone)
    text = tokenizer.decode(greedy[0][len(expected["prompt"]):], skip_special_tokens=False)
    good = (difference <= TOLERANCE and all(same) and text == expected["greedy"] and not any(keys.values())
            and dtypes == {declared})
    failed = failed or not good
    print(f"{os.path.basename(folder):22} {type(model).__name__:18} {dtype:9} {difference:8.1e} {np.abs(logits).max():6.1f}  "
          f"{len(ids)} {same}  {'equal' if text == expected['greedy'] else repr((text, expected['greedy']))}"
          f"{'' if good else '  FAILED'} {keys if any(keys.values()) else ''}", flush=True)
sys.exit(1 if failed else 0)
