"""Writes the goldens of language models that answer: tiny causal models of transformers with 64 greedy tokens, and what its
processors and warpers make of scores.

    python language_goldens.py [--out DIR] [--seed N] [--only NAME]... [--widen K]

The files are those of make_goldens.py, whose options these are.
"""

import numpy as np
import torch

import make_goldens as goldens
import weights
from make_goldens import case, ids, integers

goldens.CASES.clear()


def causal(name, seed, **config):
    import transformers

    kind = getattr(transformers, name + "ForCausalLM")
    config = getattr(transformers, name + "Config")(
        vocab_size=61, rms_norm_eps=1e-6, max_position_embeddings=128, bos_token_id=None, eos_token_id=None, pad_token_id=0,
        **config)
    config.architectures = [name + "ForCausalLM"]
    model = kind(config).eval()
    table = weights.fill(model, seed)
    prompt = ids("prompt", seed, 7, 61)
    written = model.generate(torch.tensor([prompt]), max_new_tokens=64, do_sample=False)[0, len(prompt):].tolist()
    assert len(written) == 64
    outputs = {"ids": integers(prompt), "written": integers(written), "logits": model(torch.tensor([prompt])).logits[0]}
    return config.to_dict(), table, outputs


@case("causal-llama")
def _(seed, k):
    return causal(
        "Llama", seed, hidden_size=24 * k, intermediate_size=40 * k, num_hidden_layers=3, num_attention_heads=3,
        num_key_value_heads=1, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


@case("causal-mistral")
def _(seed, k):
    return causal(
        "Mistral", seed, hidden_size=32 * k, intermediate_size=24 * k, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, tie_word_embeddings=False, sliding_window=None,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0})


@case("causal-qwen2")
def _(seed, k):
    return causal(
        "Qwen2", seed, hidden_size=32 * k, intermediate_size=48 * k, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})


@case("causal-qwen3")
def _(seed, k):
    return causal(
        "Qwen3", seed, hidden_size=24 * k, intermediate_size=40 * k, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})


@case("token-sampling")
def _(seed, k):
    """Rows of scores before and after; what is left out is minus infinity there, −1e30 here."""
    from transformers import generation as g

    count, rows = 48 * k, 6
    scores = torch.from_numpy(weights.uniform("scores", seed, rows * count).reshape(rows, count) * np.float32(6))
    scores[:, 5] = scores[:, 9]
    context = torch.tensor([ids("context", seed, 12, count)] * rows)
    outputs = {"scores": scores, "context": integers(context[0].tolist())}
    chains = {
        "repetition": [g.RepetitionPenaltyLogitsProcessor(1.3)],
        "temperature": [g.TemperatureLogitsWarper(0.7)],
        "top_k": [g.TemperatureLogitsWarper(0.7), g.TopKLogitsWarper(7)],
        "top_p": [g.TemperatureLogitsWarper(1.5), g.TopPLogitsWarper(0.8)],
        "min_p": [g.TemperatureLogitsWarper(1.5), g.MinPLogitsWarper(0.15)],
        "typical_p": [g.TemperatureLogitsWarper(1.2), g.TypicalLogitsWarper(0.6)],
        "all": [
            g.RepetitionPenaltyLogitsProcessor(0.8), g.TemperatureLogitsWarper(1.1), g.TopKLogitsWarper(20),
            g.TopPLogitsWarper(0.9), g.MinPLogitsWarper(0.05), g.TypicalLogitsWarper(0.9)],
    }
    for name, chain in chains.items():
        result = scores.clone()
        for processor in chain:
            result = processor(context, result)
        outputs[name] = result.masked_fill(result == -torch.inf, -1e30)
    return {}, {}, outputs


if __name__ == "__main__":
    goldens.main()
