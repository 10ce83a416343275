# Reads the .tiktoken files that tokenizer.mjs wrote.
import json, sys
from importlib.metadata import version
import numpy as np, tiktoken
from tiktoken.load import load_tiktoken_bpe

print(f"tiktoken {version('tiktoken')}")
failed = False
for case in json.load(open(sys.argv[1])):
    ranks = load_tiktoken_bpe(f"{case['at']}/tokenizer.tiktoken")
    encoding = tiktoken.Encoding(case["pattern"], pat_str=case["expression"], mergeable_ranks=ranks, special_tokens=case["special"])
    corpus = open(f"{case['at']}/corpus.txt", newline="").read()
    same = np.array_equal(encoding.encode_ordinary(corpus), np.fromfile(f"{case['at']}/corpus.bin", np.int32))
    odd = encoding.encode_ordinary(case["odd"]) == case["oddIds"]
    invalid = bytes(case["invalid"])
    back = encoding.decode_bytes(case["badIds"]) == invalid
    failed = failed or not (same and odd and back)
    print(f"tiktoken         {case['pattern']:6} corpus {same}, digits and line ends {odd}, bytes that are no UTF-8 decoded {back}")
sys.exit(1 if failed else 0)
