"""Writes what the denoiser trains on: texts with their hidden states, and latents of the frozen autoencoder.

`build_cache.py text` and `build_cache.py latents` are independent and may run side by side. Rows 0 ..< SCENES are
scenes to draw; the EDITS rows after them are edit pairs.
"""
import multiprocessing
import os
import sys

import numpy as np
import torch
from diffusers import AutoencoderTiny

import parallel
import text
import world
from train_vae import normalised

SCENES = int(os.environ.get("MINI_SCENES", 20000))
EDITS = SCENES // 12
CACHE = parallel.ROOT / "cache"


def texts():
    """The formatted text of every row, then the two empty prompts."""
    drawn = [text.formatted(world.sample("train", i)["caption"]) for i in range(SCENES)]
    edits = [text.formatted(world.recoloured_background("edit", i)[2], text.EDIT) for i in range(EDITS)]
    return drawn + edits + [text.formatted(""), text.formatted("", text.EDIT)]


def build_text():
    """states.npy: float16 [tokens, 576] of the texts; starts.npy: where each begins; of_row.npy: texts of rows."""
    rows = texts()
    unique = sorted(set(rows), key=lambda t: (len(t), t))
    encode = text.TextEncoder(torch.bfloat16)
    states, starts = [], [0]
    for start in range(0, len(unique), 64):
        for h in encode(unique[start:start + 64]):
            states.append(h.to(torch.float16).numpy())
            starts.append(starts[-1] + len(h))
        if start % 1280 == 0:
            print(f"{start} of {len(unique)} texts", flush=True)
    place = {t: i for i, t in enumerate(unique)}
    np.save(CACHE / "states.npy", np.concatenate(states))
    np.save(CACHE / "starts.npy", np.array(starts))
    np.save(CACHE / "of_row.npy", np.array([place[t] for t in rows]))


@torch.no_grad()
def encode(scenes):
    """Latents of scenes, float16 [scenes, 8, 16, 16]."""
    torch.set_num_threads(1)
    vae = AutoencoderTiny.from_pretrained(parallel.ROOT / "vae").eval()
    latents = np.empty((len(scenes), 8, 16, 16), np.float16)
    for start in range(0, len(scenes), 32):
        pictures = np.stack([world.render(s) for s in scenes[start:start + 32]])
        with torch.autocast("cpu", torch.bfloat16):
            latents[start:start + 32] = vae.encoder(normalised(pictures)).float().numpy()
    return latents


def build_latents():
    """latents.npy: float16 [SCENES + 2 EDITS, 8, 16, 16]; an edit pair's source stands before its target."""
    scenes = [world.sample("train", i) for i in range(SCENES)]
    for i in range(EDITS):
        scenes += world.recoloured_background("edit", i)[:2]
    parts = [scenes[i:i + 1000] for i in range(0, len(scenes), 1000)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        latents = np.concatenate(pool.map(encode, parts, chunksize=1))
    np.save(CACHE / "latents.npy", latents)
    print("mean", latents.mean((0, 2, 3), np.float32), "std", latents.astype(np.float32).std((0, 2, 3)))


if __name__ == "__main__":
    CACHE.mkdir(parents=True, exist_ok=True)
    {"text": build_text, "latents": build_latents}[sys.argv[1]]()
