"""SmolLM2's first blocks in plain torch, from a small file that holds them as the GGUF does.

`pack` copies the Q4_1 bytes of those blocks and the embeddings of the words in use; `Language` computes the states that
`text.py` does. Both are for a machine that has torch alone.
"""
import re

import numpy as np
import torch
import torch.nn.functional as F

WIDTH, HEADS, KEYS, HEAD, BASE = 576, 9, 3, 64, 100000.0
MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
# The tokeniser never joins two of these: a word with its blank, or marks.
PIECES = re.compile(r" ?[A-Za-z]+| ?[^A-Za-z\s]+")


def pack(path, texts):
    """Writes `path` (npz): the blocks' bytes, the pieces of all texts as tokens, and the embeddings of those tokens."""
    import gguf
    import text
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(text.folder(), gguf_file=text.FILE)
    pieces = sorted({piece for words in texts for piece in PIECES.findall(words)})
    tokens = [tokenizer(piece, add_special_tokens=False).input_ids for piece in pieces]
    reader = {t.name: t for t in gguf.GGUFReader(text.folder() / text.FILE).tensors}
    used = sorted({token for row in tokens for token in row})
    table = gguf.quants.dequantize(reader["token_embd.weight"].data[used], reader["token_embd.weight"].tensor_type)
    arrays = dict(used=np.array(used), table=table.astype(np.float32), pieces=np.array(pieces),
                  tokens=np.array([used.index(t) for row in tokens for t in row], np.int32),
                  lengths=np.array([len(row) for row in tokens], np.int32))
    for block in range(text.LAYER):
        for name in MATRICES:
            arrays[f"{block}.{name}"] = np.asarray(reader[f"blk.{block}.{name}.weight"].data)
        for name in ("attn_norm", "ffn_norm"):
            arrays[f"{block}.{name}"] = np.asarray(reader[f"blk.{block}.{name}.weight"].data, np.float32)
    np.savez(path, **arrays)
    return tokenizer


def unpacked(data):
    """Q4_1 rows, uint8 [rows, 20 bytes for 32 values], as float32."""
    blocks = data.reshape(data.shape[0], -1, 20)
    scale, least = (blocks[..., i:i + 2].copy().view(np.float16).astype(np.float32) for i in (0, 2))
    values = np.concatenate([blocks[..., 4:] & 15, blocks[..., 4:] >> 4], -1)
    return (values * scale + least).reshape(data.shape[0], -1)


def turned(x, cos, sin):
    """Rotary position embedding of neighbouring pairs, as the GGUF orders them: [B, heads, T, 64]."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def normal(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


class Tokens:
    """Token rows (into the packed embeddings) of formatted texts."""

    def __init__(self, path):
        with np.load(path) as data:
            ends = np.cumsum(data["lengths"])
            self.of = {str(p): tuple(data["tokens"][e - n:e])
                       for p, e, n in zip(data["pieces"], ends, data["lengths"])}

    def __call__(self, words):
        return [token for piece in PIECES.findall(words) for token in self.of[piece]]


class Language:
    """States [B, T, 576] of token rows [B, T], padded on the right: a causal model needs no mask for that."""

    def __init__(self, path, device):
        with np.load(path) as data:
            self.table = torch.from_numpy(data["table"]).to(device)
            self.blocks = []
            while f"{len(self.blocks)}.attn_norm" in data:
                i = len(self.blocks)
                block = {name: unpacked(data[f"{i}.{name}"]) for name in MATRICES}
                block |= {name: data[f"{i}.{name}"] for name in ("attn_norm", "ffn_norm")}
                self.blocks.append({name: torch.from_numpy(value).to(device) for name, value in block.items()})

    @torch.no_grad()
    def __call__(self, tokens):
        x = self.table[tokens]
        batch, length, _ = x.shape
        angles = torch.arange(length, device=x.device)[:, None] * BASE ** (
            -torch.arange(0, HEAD, 2, device=x.device) / HEAD)
        cos, sin = angles.cos(), angles.sin()
        for block in self.blocks:
            h = normal(x, block["attn_norm"])
            query, key, value = (F.linear(h, block[f"attn_{n}"]).view(batch, length, -1, HEAD).transpose(1, 2)
                                 for n in "qkv")
            query, key = turned(query, cos, sin), turned(key, cos, sin)
            key, value = (t.repeat_interleave(HEADS // KEYS, 1) for t in (key, value))
            h = F.scaled_dot_product_attention(query, key, value, is_causal=True).transpose(1, 2)
            x = x + F.linear(h.reshape(batch, length, WIDTH), block["attn_output"])
            h = normal(x, block["ffn_norm"])
            x = x + F.linear(F.silu(F.linear(h, block["ffn_gate"])) * F.linear(h, block["ffn_up"]), block["ffn_down"])
        return x
