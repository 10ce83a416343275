"""The PyTorch peer: the `seed` preset's network as fast as PyTorch runs it on a CPU, timed. Prints one JSON line.

usage: python3 bench/peers/pytorch.py train|eval|generate|cached [options]      (--help lists them)

  train     one step: forward, backward, AdamW          eval      forward and loss of one batch
  generate  without a KV cache, from a full window on   cached    with a KV cache, one window of 256 tokens

Needs PyTorch 1.13 or later and numpy. The network is written as PyTorch runs it fastest: q, k, v in one product, and
`scaled_dot_product_attention` where there is one. What the installation decides:
- memory that is kept and mapped as huge pages (LD_PRELOAD=libjemalloc.so.2, MALLOC_CONF=thp:always,dirty_decay_ms:-1,
  muzzy_decay_ms:-1) makes training faster: open.ts sets these where it finds jemalloc;
- Debian's python3-torch computes with whatever libblas.so.3 is: install libopenblas0-openmp, since the plain libblas3
  is more than ten times slower.
"""
import argparse
import contextlib
import os
import sys

from turns import play

try:
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"{error}: pip install torch numpy, for {sys.executable} or the one that INKHORN_PYTHON names")

VOCAB, BLOCK, WIDTH, HEADS, LAYERS = 500, 256, 232, 6, 5
HEAD = WIDTH // HEADS  # 38: six heads make 228, not 232
PARAMETERS = 3_514_836

# ---- the network: B batch, T time, hs head size ------------------------------------------------------------


class FastDropout(nn.Module):
    """Dropout with masks from numpy's SFC64: PyTorch's own draws them one after the other, which costs seconds."""

    def __init__(self, rate):
        super().__init__()
        self.cut = round(rate * 256)  # of a byte: 0.2 becomes 51/256
        self.source = np.random.Generator(np.random.SFC64(1))

    def forward(self, x):
        if not self.training or self.cut == 0:
            return x
        draws = torch.frombuffer(bytearray(self.source.bytes(x.numel())), dtype=torch.uint8).view(x.shape)
        return x * ((draws >= self.cut).to(x.dtype) * (256 / (256 - self.cut)))


class PlainHead(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(WIDTH, HEAD, bias=False) for _ in range(3))
        self.register_buffer("seen", torch.tril(torch.ones(BLOCK, BLOCK)), persistent=False)
        self.drop = dropout

    def forward(self, x):
        T = x.shape[1]
        scores = self.query(x) @ self.key(x).transpose(1, 2) * HEAD**-0.5  # [B, T, T]
        scores = scores.masked_fill(self.seen[:T, :T] == 0, -torch.inf)
        return self.drop(F.softmax(scores, -1)) @ self.value(x)  # [B, T, hs]


class PlainAttention(nn.Module):
    """Attention as textbooks and the seed write it: a module per head, one after the other."""

    def __init__(self, rate, dropout, _fused):
        super().__init__()
        self.heads = nn.ModuleList(PlainHead(dropout(rate)) for _ in range(HEADS))
        self.proj, self.drop_out = nn.Linear(HEADS * HEAD, WIDTH), dropout(rate)

    def forward(self, x, _cache=None):
        return self.drop_out(self.proj(torch.cat([head(x) for head in self.heads], 2)))


class Attention(nn.Module):
    def __init__(self, rate, dropout, fused):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * HEADS * HEAD, bias=False)
        self.proj = nn.Linear(HEADS * HEAD, WIDTH)
        self.drop_probs, self.drop_out = dropout(rate), dropout(rate)
        self.rate, self.fused = rate, fused
        self.register_buffer("future", torch.full((BLOCK, BLOCK), -torch.inf).triu(1), persistent=False)

    def forward(self, x, cache=None):
        B, T, _ = x.shape
        # [B, H, T, hs]
        q, k, v = (part.view(B, T, HEADS, HEAD).transpose(1, 2) for part in self.qkv(x).chunk(3, 2))
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
            cache[:] = [k, v]
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.rate if self.training else 0.0, is_causal=T > 1)
        else:
            scores = (q * HEAD**-0.5) @ k.transpose(2, 3)  # [B, H, T, T]
            if T > 1:
                scores = scores + self.future[:T, :T]
            y = self.drop_probs(F.softmax(scores, -1)) @ v
        return self.drop_out(self.proj(y.transpose(1, 2).reshape(B, T, HEADS * HEAD)))


class Block(nn.Module):
    def __init__(self, rate, dropout, fused, plain):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attn = (PlainAttention if plain else Attention)(rate, dropout, fused)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Linear(4 * WIDTH, WIDTH), dropout(rate)
        )  # fmt: skip

    def forward(self, x, cache=None):
        x = x + self.attn(self.norm1(x), cache)
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, rate, dropout, fused, plain):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCAB, WIDTH), nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.ModuleList(Block(rate, dropout, fused, plain) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB)

    def forward(self, ids, start=0, caches=None):  # [B, T] -> [B, T, V]
        x = self.tokens(ids) + self.positions(torch.arange(start, start + ids.shape[1]))
        for i, block in enumerate(self.blocks):
            x = block(x, caches[i] if caches else None)
        return self.head(self.norm(x))


# ---- what is timed: each returns (work, tokens per call, what the time includes) ---------------------------


def sample(logits):
    """The next token of a sequence: one draw from the softmax of the last position. [1, T, V] -> [1, 1]"""
    return torch.multinomial(F.softmax(logits[:, -1].float(), -1), 1)


def precision(options):
    return torch.autocast("cpu", dtype=torch.bfloat16) if options.dtype == "bf16" else contextlib.nullcontext()


def loss_of(run, options):
    ids, targets = (torch.randint(VOCAB, (options.batch, BLOCK)) for _ in range(2))

    def loss():
        with precision(options):
            return F.cross_entropy(run(ids).float().view(-1, VOCAB), targets.view(-1))

    return loss


def train(model, run, options):
    loss, optimizer = loss_of(run, options), torch.optim.AdamW(model.parameters(), lr=3e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    includes = f"forward, backward, AdamW of {options.batch} x {BLOCK} tokens, dropout {options.dropout}"
    return step, options.batch * BLOCK, includes


def evaluate(_model, run, options):
    includes = f"forward and loss of {options.batch} x {BLOCK} tokens"
    return torch.no_grad()(loss_of(run, options)), options.batch * BLOCK, includes


def generate(_model, run, options):
    @torch.no_grad()
    def work():
        ids = torch.zeros(1, BLOCK, dtype=torch.long)
        with precision(options):
            for _ in range(options.tokens):
                ids = torch.cat((ids, sample(run(ids[:, -BLOCK:]))), 1)

    return work, options.tokens, f"{options.tokens} tokens past a full window of {BLOCK}, sampling"


def cached(_model, run, options):
    @torch.no_grad()
    def work():
        caches, token = [[] for _ in range(LAYERS)], torch.zeros(1, 1, dtype=torch.long)
        with precision(options):
            for at in range(BLOCK):
                token = sample(run(token, at, caches))

    return work, BLOCK, f"{BLOCK} tokens from token 0, sampling, KV cache"


WORK = {"train": train, "eval": evaluate, "generate": generate, "cached": cached}


def read_options():
    p = argparse.ArgumentParser(description="Times the seed preset's network in PyTorch on this CPU.")
    p.add_argument("what", choices=WORK)
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="bf16: autocast")
    p.add_argument("--batch", type=int, default=64, help="sequences per batch (train and eval)")
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--plain", action="store_true", help="a module per head, as textbooks write it")
    p.add_argument("--fast-dropout", action="store_true", help="masks from numpy; attention unfused")
    p.add_argument("--compile", action="store_true", help="torch.compile (2.x, needs a C++ compiler)")
    p.add_argument("--tokens", type=int, default=20, help="how many to generate (generate)")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--turns", action="store_true", help="take turns with others")
    options = p.parse_args()
    if options.plain and options.what == "cached":
        p.error("--plain has no cache")
    return options


def main():
    options = read_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    fused = hasattr(F, "scaled_dot_product_attention") and not options.fast_dropout
    dropout = FastDropout if options.fast_dropout else nn.Dropout
    model = GPT(options.dropout, dropout, fused, options.plain)
    count = sum(p.numel() for p in model.parameters())
    assert count == PARAMETERS, f"{count} parameters, the seed has {PARAMETERS}"
    model.train(options.what == "train")

    work, tokens, includes = WORK[options.what](model, torch.compile(model) if options.compile else model, options)
    traits = [options.dtype, *(name for name in ("plain", "fast_dropout", "compile") if getattr(options, name))]
    name = f"torch {torch.__version__} ({', '.join(traits).replace('_', ' ')}, {options.threads} threads)"
    play(name, includes, tokens, work, options.turns)


if __name__ == "__main__":
    main()
