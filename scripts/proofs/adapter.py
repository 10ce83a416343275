# Puts the adapters that adapter.mjs wrote on their models with PEFT, as a user would, and compares logits.
import json, os, sys, warnings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import numpy as np, peft, torch, transformers
from peft import PeftModel
from transformers import AutoModelForCausalLM

warnings.simplefilter("error", UserWarning)  # missing and surplus keys are such warnings
TOLERANCE = 1e-4
print(f"peft {peft.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
failed = False
for path in sys.argv[1:]:
    logits, ids = np.fromfile(f"{path}.bin", np.float32), torch.tensor([json.load(open(f"{path}.json"))])
    base = AutoModelForCausalLM.from_pretrained(path).eval()
    with torch.no_grad():
        alone = base(ids).logits[0].numpy().reshape(-1)
        model = PeftModel.from_pretrained(base, f"{path}-adapter").eval()
        on = model(ids).logits[0].numpy().reshape(-1)
        merged = model.merge_and_unload()(ids).logits[0].numpy().reshape(-1)
    differences = [float(np.abs(found - logits).max()) for found in (on, merged)]
    good = max(differences) <= TOLERANCE and np.abs(alone - logits).max() > 100 * TOLERANCE
    failed = failed or not good
    print(f"{os.path.basename(path):20} on {differences[0]:.1e}, merged {differences[1]:.1e}, "
          f"of {np.abs(logits).max():.1f}; without {np.abs(alone - logits).max():.1e}{'' if good else '  FAILED'}", flush=True)
sys.exit(1 if failed else 0)
