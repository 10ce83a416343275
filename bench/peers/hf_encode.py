"""The peer of `inkhorn data encode`: Hugging Face's `tokenizers` (Rust) on all threads, from a text to a file of 16-bit ids.

usage: python3 bench/peers/hf_encode.py TEXT --tokenizer tokenizer.json --out ids.bin"""
import argparse
import array
import sys
import time

try:
    from tokenizers import Tokenizer
except ImportError as error:
    sys.exit(f"{error}: pip install tokenizers, for {sys.executable} or the one that INKHORN_PYTHON names")

PIECE = 2**16
PIECES = 256


def pieces(path):
    """The text in pieces that end with lines, many at a time, for all threads."""
    with open(path, encoding="utf-8", newline="") as file:
        while True:
            some = ["".join(lines) for lines in (file.readlines(PIECE) for _ in range(PIECES)) if lines]
            if not some:
                return
            yield some


def main():
    p = argparse.ArgumentParser(description="Times Hugging Face's tokenizers on all threads.")
    p.add_argument("text")
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True)
    options = p.parse_args()
    begun = time.perf_counter()
    tokenizer = Tokenizer.from_file(options.tokenizer)
    fast = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    with open(options.out, "wb") as out:
        for some in pieces(options.text):
            for encoding in fast(some):
                array.array("H", encoding.ids).tofile(out)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
