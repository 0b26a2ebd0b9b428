"""Writes what the denoiser trains on: for each group of `scenes.GROUPS` its texts' hidden states and its latents.

    python build_cache.py plain pairs ...

Groups are independent: build new ones while the denoiser trains on others. A folder `MINI_ROOT/cache/GROUP` holds
    latents.npy  float16 [scenes, 8, 16, 16] of the frozen autoencoder
    states.npy   float16 [tokens, 576] of the texts, starts.npy where each begins
    rows.npy     int32 [rows, 3]: text, target scene, source scene or -1
"""
import json
import multiprocessing
import os
import sys

import numpy as np
import torch
from diffusers import AutoencoderTiny

import parallel
import scenes
import text
import world
from train_vae import normalised

CACHE = parallel.ROOT / "cache"
EMPTY = "empty"     # the group of the two empty prompts


def encode_texts(texts, folder):
    """states.npy and starts.npy of texts sorted by length."""
    encode = text.TextEncoder(parallel.FAST)
    states, starts = [], [0]
    for start in range(0, len(texts), 64):
        for h in encode(texts[start:start + 64]):
            states.append(h.to(torch.float16).numpy())
            starts.append(starts[-1] + len(h))
    np.save(folder / "states.npy", np.concatenate(states))
    np.save(folder / "starts.npy", np.array(starts))


@torch.no_grad()
def encode_scenes(keys):
    """Latents of scenes given as JSON, float16 [scenes, 8, 16, 16]."""
    vae = AutoencoderTiny.from_pretrained(parallel.ROOT / "vae").eval()
    latents = np.empty((len(keys), 8, 16, 16), np.float16)
    for start in range(0, len(keys), 32):
        pictures = np.stack([world.render(json.loads(key)) for key in keys[start:start + 32]])
        with parallel.fast():
            latents[start:start + 32] = vae.encoder(normalised(pictures)).float().numpy()
    return latents


def build(group):
    """The folder of a group, which appears when it is complete."""
    texts, pictures, rows = {}, {}, []
    if group == EMPTY:
        texts = {text.formatted("", prefix): None for prefix in (text.GENERATE, text.EDIT)}
    else:
        for index in range(scenes.GROUPS[group][1]):
            row = scenes.row(group, index)
            prefix = text.EDIT if "source" in row else text.GENERATE
            words = text.formatted(row["text"], prefix)
            keys = [json.dumps(row[part], sort_keys=True) for part in ("target", "source") if part in row]
            texts[words] = None
            rows.append((words, *(pictures.setdefault(key, len(pictures)) for key in keys), *[-1] * (2 - len(keys))))
    if group != EMPTY:
        texts = sorted(texts, key=lambda t: (len(t), t))
    place = {t: i for i, t in enumerate(texts)}
    folder = CACHE / f"{group}.{os.getpid()}"
    folder.mkdir(parents=True)
    encode_texts(list(texts), folder)
    np.save(folder / "latents.npy", encode_scenes(list(pictures)))
    np.save(folder / "rows.npy", np.array([(place[row[0]], *row[1:]) for row in rows], np.int32).reshape(-1, 3))
    folder.rename(CACHE / group)
    print(f"{group}: {len(rows)} rows, {len(texts)} texts, {len(pictures)} scenes", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    names = sys.argv[1:] or [EMPTY, *scenes.GROUPS]
    with multiprocessing.get_context("spawn").Pool(min(2, len(names)), torch.set_num_threads, (1,)) as pool:
        pool.map(build, names, chunksize=1)
