"""The PyTorch peer of fine-tuning: a model of GPT-2's size (124M parameters), one optimizer step, timed. Prints one JSON line.

usage: python3 bench/peers/pytorch_gpt2.py [options]      (--help lists them)

The batch passes in micro-batches, whose gradients add up; AdamW is the fused one. Attention is
`scaled_dot_product_attention`, q, k and v are one product, the head is tied to the embeddings, and nothing is dropped, since
PyTorch's dropout is slow on a CPU. Needs PyTorch 2.4 or later. open.ts sets the memory allocator as for pytorch.py.
"""
import argparse
import os
import sys

from turns import play

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    from torch.utils.checkpoint import checkpoint
except ImportError as error:
    sys.exit(f"{error}: pip install torch, for {sys.executable} or the one that INKHORN_PYTHON names")

VOCAB, BLOCK, WIDTH, HEADS, LAYERS = 50257, 1024, 768, 12, 12
PARAMETERS = 124_439_808


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc, self.proj = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        B, T, C = x.shape
        # [B, H, T, hs]
        q, k, v = (part.view(B, T, HEADS, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C)
        x = x + self.out(y)
        return x + self.proj(F.gelu(self.fc(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, recompute):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCAB, WIDTH), nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.recompute = recompute

    def forward(self, ids):  # [B, T] -> [B, T, V]
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.recompute else block(x)
        return F.linear(self.norm(x), self.tokens.weight)


def read_options():
    p = argparse.ArgumentParser(description="Times an optimizer step of a model of GPT-2's size in PyTorch on this CPU.")
    p.add_argument("--batch", type=int, default=4, help="sequences of 1024 tokens per step")
    p.add_argument("--micro-batch", type=int, default=1, help="sequences at a time")
    p.add_argument("--recompute", action="store_true", help="activation checkpointing of each block")
    p.add_argument("--compile", action="store_true", help="torch.compile (needs a C++ compiler)")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--turns", action="store_true", help="take turns with others")
    return p.parse_args()


def main():
    options = read_options()
    # Otherwise steps take five times as long from the third on. It is of this thread, and inherited by those
    # that start later: findings/torch-flush-denormal-threads.sh.
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = GPT(options.recompute)
    count = sum(p.numel() for p in model.parameters())
    assert count == PARAMETERS, f"{count} parameters, GPT-2 has {PARAMETERS}"
    run = torch.compile(model) if options.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    ids = torch.randint(VOCAB, (options.batch, BLOCK + 1))

    def step():
        optimizer.zero_grad(set_to_none=True)
        for part in ids.split(options.micro_batch):
            loss = F.cross_entropy(run(part[:, :-1]).view(-1, VOCAB), part[:, 1:].reshape(-1))
            (loss * part.shape[0] / options.batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    traits = [
        f"micro-batches of {options.micro_batch}",
        *(name for name in ("recompute", "compile") if getattr(options, name)),
        f"{options.threads} threads",
    ]
    tokens = options.batch * BLOCK
    includes = f"forward, backward, gradient norm, AdamW of {options.batch} x {BLOCK} tokens, no dropout"
    play(f"torch {torch.__version__} ({', '.join(traits)})", includes, tokens, step, options.turns)


if __name__ == "__main__":
    main()
