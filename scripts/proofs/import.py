# Makes random models with transformers and PyTorch, saves them as their users would, and beside each the ids
# of a window and its logits: import.mjs reads them.
import json, os, sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
import numpy as np, torch, transformers
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
hugging_face("gpt2-124M", GPT2LMHeadModel(GPT2Config(vocab_size=large)))
