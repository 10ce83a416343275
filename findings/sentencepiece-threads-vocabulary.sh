#!/usr/bin/env bash
# SentencePiece's unigram vocabulary depends on num_threads: a quarter of the ids name other pieces.
#
# Version    sentencepiece 0.2.3 (Python); the text is the source of docutils 0.22, 1.8 MB
# Guess      num_threads is for speed. The same text and settings give the same vocabulary with any number, as they do for
#            model_type "bpe", and as with Hugging Face's trainers.
# Seen       With 1, 2 and 16 threads (16 is the default, on every machine) vocabularies of 4,000 differ in a few pieces,
#            and about a thousand of their ids name another piece. With the same number they are equal every time.
# Why        Unigram learns by expectation maximisation. Each thread sums expected counts of its share of the sentences in
#            floating point, and the sums are added; their last bits decide which of nearly equal pieces is dropped, and
#            the order of the others.
# Matters    to everybody who trains a tokenizer again from the text of a model: with another num_threads the ids do not
#            fit its embeddings, and nothing says so. Record num_threads beside the seed, or keep the file.
# Output
#   unigram   1 and  1 threads: 0 ids name another piece, 0 pieces are in one only
#   unigram  16 and 16 threads: 0 ids name another piece, 0 pieces are in one only
#   bpe       1 and 16 threads: 0 ids name another piece, 0 pieces are in one only
#   unigram   1 and  2 threads: 965 ids name another piece, 24 pieces are in one only
#   unigram   1 and 16 threads: 1002 ids name another piece, 18 pieces are in one only
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet sentencepiece==0.2.3 docutils==0.22
cat > probe.py <<'PY'
import io, pathlib, sys
import docutils, sentencepiece

SIZE = 4000
sources = sorted(pathlib.Path(docutils.__file__).parent.rglob("*.py"))
with open("text.txt", "w") as file:
    file.write("\n".join(source.read_text(encoding="utf-8") for source in sources))


def pieces(kind, threads):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        input="text.txt", model_writer=model, model_type=kind, vocab_size=SIZE, num_threads=threads, minloglevel=2
    )
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [tokenizer.id_to_piece(i) for i in range(SIZE)]


def moved(kind, a, b):
    one, other = pieces(kind, a), pieces(kind, b)
    ids, only = sum(x != y for x, y in zip(one, other)), len(set(one) ^ set(other))
    print(f"  {kind:8} {a:2} and {b:2} threads: {ids} ids name another piece, {only} pieces are in one only")
    return ids, only


same = [moved("unigram", 1, 1), moved("unigram", 16, 16), moved("bpe", 1, 16)]
other = [moved("unigram", 1, 2), moved("unigram", 1, 16)]
if any(ids or only for ids, only in same) or not all(ids and only for ids, only in other):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
