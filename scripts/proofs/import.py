# Makes random models with transformers and PyTorch, saves them as their users would, and beside each the ids
# of a window and its logits: import.mjs reads them.
import json, os, pickle, sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
import numpy as np, torch, transformers
import torch.nn as nn
import torch.nn.functional as F
from transformers import ArceeConfig, ArceeForCausalLM, GPT2Config, GPT2LMHeadModel

torch.set_num_threads(2)
print(f"transformers {transformers.__version__}, torch {torch.__version__}, numpy {np.__version__}", flush=True)
out, vocab, large = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def randomised(model):
    """Every parameter, biases and norms too, so that a swap of two of them shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def expect(name, logits_of, context, tokens):
    ids = torch.randint(0, tokens, (1, context))
    with torch.no_grad():
        logits = logits_of(ids)[0].float().numpy()[:, :tokens]
    np.ascontiguousarray(logits).tofile(f"{out}/{name}/expected-logits.bin")
    json.dump(ids[0].tolist(), open(f"{out}/{name}/expected-ids.json", "w"))


def hugging_face(name, model, dtype=torch.float32, **saving):
    model = randomised(model).to(dtype)
    model.save_pretrained(f"{out}/{name}", **saving)
    model = model.float()
    expect(name, lambda ids: model(ids).logits, 48, model.config.vocab_size)


torch.manual_seed(1)
gpt2 = dict(vocab_size=vocab, n_positions=64, n_embd=96, n_layer=3, n_head=4, bos_token_id=None, eos_token_id=None)
hugging_face("gpt2", GPT2LMHeadModel(GPT2Config(**gpt2)))
hugging_face("gpt2-gelu-untied", GPT2LMHeadModel(GPT2Config(**gpt2, activation_function="gelu", tie_word_embeddings=False)))
hugging_face("gpt2-inner-eps", GPT2LMHeadModel(GPT2Config(**gpt2, n_inner=200, layer_norm_epsilon=1e-3, activation_function="relu")))
hugging_face("gpt2-bf16", GPT2LMHeadModel(GPT2Config(**gpt2)), torch.bfloat16)
hugging_face("gpt2-f16-shards", GPT2LMHeadModel(GPT2Config(**gpt2)), torch.float16, max_shard_size="200KB")
arcee = dict(vocab_size=vocab, hidden_size=96, intermediate_size=200, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=4, max_position_embeddings=64, bos_token_id=None, eos_token_id=None, pad_token_id=None)
hugging_face("arcee", ArceeForCausalLM(ArceeConfig(**arcee)))
hugging_face("arcee-tied-wide-heads", ArceeForCausalLM(ArceeConfig(**arcee, head_dim=40, tie_word_embeddings=True)))
hugging_face("arcee-attention-bias", ArceeForCausalLM(ArceeConfig(**arcee, attention_bias=True)))
hugging_face("arcee-mlp-bias-theta", ArceeForCausalLM(ArceeConfig(
    **arcee, mlp_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 500.0}, hidden_act="silu")))

shared = {**arcee, "num_attention_heads": 6}
for heads in (1, 2, 3):
    hugging_face(f"arcee-6-heads-share-{heads}", ArceeForCausalLM(ArceeConfig(
        **{**shared, "num_key_value_heads": heads}, attention_bias=True)))


def as_bin(name, state, config, **saving):
    """A folder of transformers from before safetensors."""
    os.makedirs(f"{out}/{name}", exist_ok=True)
    torch.save(state, f"{out}/{name}/pytorch_model.bin", **saving)
    json.dump(config, open(f"{out}/{name}/config.json", "w"))


for name, legacy in (("gpt2-bin", False), ("gpt2-bin-legacy", True)):
    model = randomised(GPT2LMHeadModel(GPT2Config(**gpt2)))
    masks = {f"transformer.h.{n}.attn.bias": torch.tril(torch.ones(1, 1, 64, 64, dtype=torch.uint8)) for n in range(3)}
    as_bin(name, {**model.state_dict(), **masks}, model.config.to_dict(), _use_new_zipfile_serialization=not legacy)
    expect(name, lambda ids: model(ids).logits, 48, vocab)
# A state_dict whose tensors are views: transposed, and parts of one storage.
model = randomised(GPT2LMHeadModel(GPT2Config(**gpt2)))
state = {key: value.t().contiguous().t() if value.dim() == 2 else value for key, value in model.state_dict().items()}
flat = torch.cat([state[f"transformer.h.{n}.ln_1.weight"] for n in range(3)])
state |= {f"transformer.h.{n}.ln_1.weight": flat[96 * n : 96 * n + 96] for n in range(3)}
as_bin("gpt2-bin-views", state, model.config.to_dict())
expect("gpt2-bin-views", lambda ids: model(ids).logits, 48, vocab)


# ---- nanoGPT: the modules of its model.py by their names ---------------------------------------------------


class Norm(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class Attention(nn.Module):
    def __init__(self, args):
        super().__init__()
        C, self.heads = args["n_embd"], args["n_head"]
        self.c_attn = nn.Linear(C, 3 * C, bias=args["bias"])
        self.c_proj = nn.Linear(C, C, bias=args["bias"])
        mask = torch.tril(torch.ones(args["block_size"], args["block_size"]))
        self.register_buffer("bias", mask[None, None])  # as without flash attention

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (y.view(B, T, self.heads, -1).transpose(1, 2) for y in self.c_attn(x).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C))


class MLP(nn.Module):
    def __init__(self, args):
        super().__init__()
        C = args["n_embd"]
        self.c_fc = nn.Linear(C, 4 * C, bias=args["bias"])
        self.c_proj = nn.Linear(4 * C, C, bias=args["bias"])

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.ln_1, self.attn = Norm(args["n_embd"], args["bias"]), Attention(args)
        self.ln_2, self.mlp = Norm(args["n_embd"], args["bias"]), MLP(args)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NanoGPT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(args["vocab_size"], args["n_embd"]),
            wpe=nn.Embedding(args["block_size"], args["n_embd"]),
            h=nn.ModuleList(Block(args) for _ in range(args["n_layer"])),
            ln_f=Norm(args["n_embd"], args["bias"]),
        ))
        self.lm_head = nn.Linear(args["n_embd"], args["vocab_size"], bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, ids):
        x = self.transformer.wte(ids) + self.transformer.wpe(torch.arange(ids.shape[1]))
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))


def nanogpt(name, bias, compiled=False, padded=0, tokens=vocab, **saving):
    args = dict(n_layer=3, n_head=4, n_embd=96, block_size=64, bias=bias, vocab_size=tokens + padded, dropout=0.1)
    model = randomised(NanoGPT(args))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9)
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    optimizer.step()
    state = {("_orig_mod." if compiled else "") + key: value for key, value in model.state_dict().items()}
    os.makedirs(f"{out}/{name}", exist_ok=True)
    checkpoint = dict(model=state, optimizer=optimizer.state_dict(), model_args=args, iter_num=2000,
                      best_val_loss=torch.tensor(1.5), config=dict(learning_rate=6e-4, dataset="shakespeare", compile=compiled))
    torch.save(checkpoint, f"{out}/{name}/ckpt.pt", **saving)
    expect(name, model, 48, tokens)


nanogpt("nanogpt", bias=False)
nanogpt("nanogpt-bias-compiled", bias=True, compiled=True)
nanogpt("nanogpt-padded", bias=False, padded=-vocab % 64)
nanogpt("nanogpt-legacy", bias=True, _use_new_zipfile_serialization=False)

# Of characters, as nanoGPT's data/shakespeare_char numbers them.
characters = sorted("\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzé—…")
numbers = {character: number for number, character in enumerate(characters)}
nanogpt("nanogpt-characters", bias=False, tokens=len(characters))
with open(f"{out}/nanogpt-characters/meta.pkl", "wb") as file:
    pickle.dump(dict(vocab_size=len(characters), itos=dict(enumerate(characters)), stoi=numbers), file)
ids = json.load(open(f"{out}/nanogpt-characters/expected-ids.json"))
with open(f"{out}/nanogpt-characters/expected-text.txt", "w", encoding="utf-8", newline="") as file:
    file.write("".join(characters[number] for number in ids))


# ---- the seed's decoder, with the sizes of the preset ------------------------------------------------------


class Head(nn.Module):
    def __init__(self, C, hs, T):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(C, hs, bias=False) for _ in range(3))
        self.register_buffer("tril", torch.tril(torch.ones(T, T)))

    def forward(self, x):
        T = x.shape[1]
        scores = self.query(x) @ self.key(x).transpose(1, 2) * self.key.out_features**-0.5
        return scores.masked_fill(self.tril[:T, :T] == 0, -torch.inf).softmax(-1) @ self.value(x)


class Heads(nn.Module):
    def __init__(self, C, H, T):
        super().__init__()
        self.heads = nn.ModuleList(Head(C, C // H, T) for _ in range(H))
        self.proj = nn.Linear(C // H * H, C)

    def forward(self, x):
        return self.proj(torch.cat([head(x) for head in self.heads], -1))


class FeedForward(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(C, 4 * C), nn.ReLU(), nn.Linear(4 * C, C), nn.Dropout(0.2))

    def forward(self, x):
        return self.net(x)


class SeedBlock(nn.Module):
    def __init__(self, C, H, T):
        super().__init__()
        self.sa, self.ffwd = Heads(C, H, T), FeedForward(C)
        self.ln1, self.ln2 = nn.LayerNorm(C), nn.LayerNorm(C)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))


class Decoder(nn.Module):
    def __init__(self, V, C=232, H=6, L=5, T=256):
        super().__init__()
        self.token_embedding_table, self.position_embedding_table = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.Sequential(*(SeedBlock(C, H, T) for _ in range(L)))
        self.ln_f, self.lm_head = nn.LayerNorm(C), nn.Linear(C, V)

    def forward(self, ids):
        x = self.token_embedding_table(ids) + self.position_embedding_table(torch.arange(ids.shape[1]))
        return self.lm_head(self.ln_f(self.blocks(x)))


os.makedirs(f"{out}/seed", exist_ok=True)
decoder = randomised(Decoder(vocab))
torch.save(decoder.state_dict(), f"{out}/seed/model_weight_uq.pth")
expect("seed", decoder, 48, vocab)

hugging_face("gpt2-124M", GPT2LMHeadModel(GPT2Config(vocab_size=large)))
