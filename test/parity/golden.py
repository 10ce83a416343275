"""Writes golden/: what PyTorch says about a few small GPTs. parity.test.ts holds Inkhorn to it.

usage: python3 test/parity/golden.py [CASE...]     (PyTorch 1.13 or later on a CPU; nothing else)

The model below is Inkhorn's definition written in PyTorch's terms, its modules and their fields named so that
`named_parameters()` gives Inkhorn's names. Everything is computed in float64 from float32 weights and rounded to
float32 on the way to the file: the files hold the mathematics rather than one processor's rounding, and any version of
PyTorch writes the same ones, but for the noise in gradients that are exactly 0 (the bias of the keys).

A case is two files. NAME.json: batch shape, config, training settings, the loss and gradient norm of every step.
NAME.safetensors: `ids` and `targets` i32 [steps, B, T]; `logits` [B, T, V] of the first batch; `weights/P` before the
first step, `gradients/P` of the first loss before clipping, and `trained/P` after the last step, for every parameter P.
"""
import json
import math
import random
import struct
import sys
from array import array
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

FOLDER = Path(__file__).parent / "golden"
STEPS = 10
# AdamW's first step is lr * g / (|g| + 1e-8): if a gradient happens to be that small, any rounding of it
# shows. A case in which PyTorch's own float32 differs from the file by more than this share needs another
# seed.
WELL_CONDITIONED = 5e-6

# ---- the model: B batch, T time, C width, H heads, hs head size, V vocabulary ------------------------------

ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "relu2": lambda x: F.relu(x) ** 2,
    "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"),
}


class Norm(nn.Module):
    """LayerNorm or RMSNorm over the last axis."""

    def __init__(self, config):
        super().__init__()
        self.kind, self.eps = config["norm"], config.get("normEps", 1e-5)
        self.weight = nn.Parameter(torch.ones(config["nEmbd"]))
        self.bias = nn.Parameter(torch.zeros(config["nEmbd"])) if config["bias"] and self.kind == "layernorm" else None

    def forward(self, x):
        if self.kind == "layernorm":
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope(x, base):
    """Rotary positions: columns i and i + floor(hs/2) of x [B, H, T, hs] turned; of an odd hs the last stays."""
    T, half = x.shape[2], x.shape[3] // 2
    frequency = base ** (-torch.arange(half, dtype=x.dtype) / half)
    angle = torch.arange(T, dtype=x.dtype)[:, None] * frequency  # [T, half]
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((first * cos - second * sin, first * sin + second * cos, rest), -1)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.H, self.hs, self.rotary = config["nHead"], config["headSize"], config["position"] == "rope"
        self.base = config.get("ropeBase", 10000.0)
        inner = self.H * self.hs
        self.qkv = nn.Linear(config["nEmbd"], 3 * inner, bias=config["qkvBias"])
        self.proj = nn.Linear(inner, config["nEmbd"], bias=config["bias"])

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.H, self.hs).permute(2, 0, 3, 1, 4)  # each [B, H, T, hs]
        if self.rotary:
            q, k = rope(q, self.base), rope(k, self.base)
        scores = q @ k.transpose(2, 3) / math.sqrt(self.hs)  # [B, H, T, T]
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        y = scores.masked_fill(future, -math.inf).softmax(-1) @ v  # [B, H, T, hs]
        return self.proj(y.transpose(1, 2).reshape(B, T, -1))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden = config["mlpRatio"] * config["nEmbd"]
        self.fc = nn.Linear(config["nEmbd"], hidden, bias=config["bias"])
        self.proj = nn.Linear(hidden, config["nEmbd"], bias=config["bias"])
        self.activation = ACTIVATIONS[config["activation"]]

    def forward(self, x):
        return self.proj(self.activation(self.fc(x)))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm1, self.attn = Norm(config), Attention(config)
        self.norm2, self.mlp = Norm(config), MLP(config)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        V, C = config["vocabSize"], config["nEmbd"]
        self.tokens = nn.Embedding(V, C)
        self.positions = nn.Embedding(config["blockSize"], C) if config["position"] == "learned" else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config["nLayer"]))
        self.norm = Norm(config)
        self.head = nn.Linear(C, V, bias=config["headBias"])
        if config["tieWeights"]:
            self.head.weight = self.tokens.weight

    def forward(self, ids):  # [B, T] -> [B, T, V]
        x = self.tokens(ids)
        if self.positions is not None:
            x = x + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# ---- the cases ---------------------------------------------------------------------------------------------

SEED_SMALL = {
    "vocabSize": 61, "blockSize": 16, "nLayer": 2, "nHead": 3, "nEmbd": 20, "headSize": 6, "mlpRatio": 4,
    "activation": "relu", "norm": "layernorm", "position": "learned", "bias": True, "qkvBias": False, "headBias": True,
    "tieWeights": False, "dropout": 0, "init": "torch",
}  # fmt: skip
TINY = {**SEED_SMALL, "vocabSize": 31, "blockSize": 8, "nLayer": 1, "nHead": 2, "nEmbd": 12}
ADAMW = {
    "optimizer": "adamw", "lr": 3e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "momentum": 0, "weightDecay": 0.01,
    "decay": "all", "clip": 0, "labelSmoothing": 0,
}  # fmt: skip

CASES = {
    # The seed in small: heads that do not add up to the width, decay on everything.
    "seed-small": {"seed": 1, "batch": [4, 16], "config": SEED_SMALL, "training": ADAMW},
    # What is usual today: decay on matrices only, clipping, smoothed labels. A batch shorter than the block;
    # an odd head size for rope.
    "modern": {
        "seed": 1, "batch": [3, 13],
        "config": {
            **SEED_SMALL, "nHead": 4, "headSize": 5, "activation": "silu", "norm": "rmsnorm", "position": "rope",
            "bias": False, "headBias": False, "tieWeights": True,
        },
        "training": {**ADAMW, "beta2": 0.95, "weightDecay": 0.1, "decay": "matrices", "clip": 1, "labelSmoothing": 0.1},
    },
    # SGD, the exact gelu, biases wherever there can be one, no positions.
    "sgd": {
        "seed": 1, "batch": [4, 16],
        "config": {
            **SEED_SMALL, "nHead": 2, "headSize": 10, "activation": "gelu", "position": "none", "qkvBias": True,
            "mlpRatio": 3,
        },
        "training": {**ADAMW, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9},
    },
    # relu2, a LayerNorm without bias, a tied head with bias; one layer, one head wider than the stream; an
    # eps of AdamW large enough to show where it is added.
    "relu2": {
        "seed": 1, "batch": [2, 16],
        "config": {
            **SEED_SMALL, "nLayer": 1, "nHead": 1, "headSize": 24, "activation": "relu2", "bias": False,
            "tieWeights": True,
        },
        "training": {**ADAMW, "weightDecay": 0, "eps": 1e-3, "clip": 0.5},
    },
    # GPT-2's approximation of gelu, and an eps of LayerNorm large enough to show.
    "gelu-tanh": {
        "seed": 1, "batch": [3, 8],
        "config": {**TINY, "activation": "gelu-tanh", "normEps": 0.03},
        "training": ADAMW,
    },
    # Another base of rope, and an eps of RMSNorm large enough to show.
    "rope-base": {
        "seed": 1, "batch": [3, 8],
        "config": {**TINY, "activation": "silu", "norm": "rmsnorm", "normEps": 0.03, "position": "rope", "ropeBase": 50},
        "training": ADAMW,
    },
}  # fmt: skip


def draw_weights(model, source):
    """Normal, spread 1/sqrt(columns), for matrices; small for biases; near 1 for norms: nothing is just 0 or 1."""
    for name, p in model.named_parameters():
        noise = torch.tensor([source.gauss(0, 1) for _ in range(p.numel())]).view(p.shape)  # float32
        scale, centre = (p.shape[1] ** -0.5, 0) if p.dim() == 2 else (0.1, float("norm" in name and "weight" in name))
        p.data = (centre + scale * noise).to(p.dtype)


def draw_batches(V, B, T, source):
    """ids and targets [STEPS, B, T]: each token is a fixed function of the one before, except for one in eight."""
    rows = []
    for _ in range(STEPS * B):
        row = [source.randrange(V)]
        while len(row) <= T:
            row.append(source.randrange(V) if source.random() < 1 / 8 else (7 * row[-1] + 3) % V)
        rows.append(row)
    rows = torch.tensor(rows).view(STEPS, B, T + 1)
    return rows[..., :-1], rows[..., 1:]


def make_optimizer(model, o):
    parameters = list(model.parameters())
    decays = [p for p in parameters if o["decay"] == "all" or p.dim() >= 2]
    others = [p for p in parameters if not any(p is d for d in decays)]
    groups = [{"params": decays, "weight_decay": o["weightDecay"]}, {"params": others, "weight_decay": 0.0}]
    if o["optimizer"] == "sgd":
        return torch.optim.SGD(groups, lr=o["lr"], momentum=o["momentum"])
    return torch.optim.AdamW(groups, lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"])


def run(case, dtype):
    """Builds the model, trains it for STEPS batches and returns (scalars, tensors)."""
    source = random.Random(case["seed"])  # not PyTorch's generator, whose draws depend on its version
    model = GPT(case["config"]).to(dtype)
    draw_weights(model, source)
    ids, targets = draw_batches(case["config"]["vocabSize"], *case["batch"], source)
    tensors = {"ids": ids.int(), "targets": targets.int()}
    snapshot(tensors, "weights", model, lambda p: p)

    optimizer, losses, norms = make_optimizer(model, case["training"]), [], []
    for step in range(STEPS):
        logits = model(ids[step])
        smoothing = case["training"]["labelSmoothing"]
        loss = F.cross_entropy(logits.flatten(0, 1), targets[step].flatten(), label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors["logits"] = logits.detach()
            snapshot(tensors, "gradients", model, lambda p: p.grad)
        norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), case["training"]["clip"] or math.inf)))
        optimizer.step()
        losses.append(loss.item())
    snapshot(tensors, "trained", model, lambda p: p)
    return {**case, "losses": losses, "gradNorms": norms, "torch": torch.__version__.split("+")[0]}, tensors


def snapshot(tensors, kind, model, of):
    for name, p in model.named_parameters():
        tensors[f"{kind}/{name}"] = of(p).detach().clone()


def rounding(exact, single):
    """Largest difference of two runs in any tensor, as a share of the tensor's largest value; and the tensor's name."""
    share = {name: float((t - single[name]).abs().max() / t.abs().max()) for name, t in exact.items()}
    return max((value, name) for name, value in share.items())


# ---- the files ---------------------------------------------------------------------------------------------


def save_safetensors(path, tensors):
    """The format in full: u64 length of the header, header (JSON, padded to 8 bytes), contents; little-endian."""
    header, contents = {}, b""
    for name, t in tensors.items():
        dtype, code = ("I32", "i") if t.dtype == torch.int32 else ("F32", "f")
        start = len(contents)
        contents += array(code, t.flatten().tolist()).tobytes()
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [start, len(contents)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + contents)


def main():
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or CASES:
        case = CASES[name]
        scalars, tensors = run(case, torch.float64)
        error, where = rounding(tensors, run(case, torch.float32)[1])
        first, last = scalars["losses"][0], scalars["losses"][-1]
        print(f"{name}: loss {first:.6f} -> {last:.6f}; PyTorch's own float32 is {error:.1e} off")
        assert error < WELL_CONDITIONED, f"{name}: {where} is {error:.0e} off in float32: choose another seed"
        (FOLDER / f"{name}.json").write_text(json.dumps(scalars, indent=2) + "\n")
        save_safetensors(FOLDER / f"{name}.safetensors", tensors)
    print(f"written to {FOLDER} by PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
