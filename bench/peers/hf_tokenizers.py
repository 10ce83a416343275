"""The peer of the tokenizer: Hugging Face's `tokenizers` (Rust) on one thread. Prints one JSON line.

usage: python3 bench/peers/hf_tokenizers.py train TEXT --pattern none|gpt2 --merges 500 [--turns]
       python3 bench/peers/hf_tokenizers.py encode TEXT --tokenizer tokenizer.json [--turns]

With pattern `none`, training takes each line as a piece of its own. It would have to be the whole text to be the same work,
but each merge moves the rest of its piece, so that a megabyte in one piece takes hours."""
import argparse
import os
import sys

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from turns import play  # noqa: E402

try:
    import tokenizers
except ImportError as error:
    sys.exit(f"{error}: pip install tokenizers, for {sys.executable} or the one that INKHORN_PYTHON names")
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402


def train(text, options):
    """Learns merges over bytes, from the 256 of them."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces = [text] if options.pattern == "gpt2" else text.splitlines(keepends=True)

    def work():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=options.pattern == "gpt2")
        size = 256 + options.merges
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(pieces, trainer)
        assert tokenizer.get_vocab_size() == size

    of = "the text, split" if options.pattern == "gpt2" else "the lines of the text, each in one piece"
    return work, f"{options.merges} merges from {of}"


def encode(text, options):
    """Encodes the whole text, without offsets where this version can."""
    tokenizer = Tokenizer.from_file(options.tokenizer)
    fast = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    tokens = len(fast([text])[0].ids)
    return lambda: fast([text]), f"the whole text, {tokens} tokens"


def main():
    p = argparse.ArgumentParser(description="Times Hugging Face's tokenizers on one thread.")
    p.add_argument("what", choices=["train", "encode"])
    p.add_argument("text")
    p.add_argument("--pattern", choices=["none", "gpt2"], default="none")
    p.add_argument("--merges", type=int, default=500)
    p.add_argument("--tokenizer", help="tokenizer.json (encode)")
    p.add_argument("--turns", action="store_true", help="take turns with others")
    options = p.parse_args()
    if options.what == "encode" and not options.tokenizer:
        p.error("encode needs --tokenizer")
    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    work, includes = {"train": train, "encode": encode}[options.what](text, options)
    name = f"tokenizers {tokenizers.__version__} ({options.what}, {options.pattern})"
    play(name, includes, os.path.getsize(options.text) / 1e6, work, options.turns)


if __name__ == "__main__":
    main()
