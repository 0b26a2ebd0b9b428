"""Draws one prompt with Lazuli Mini in float32: what this file computes is what the model means.

    python reference.py "a red apple on a blue background" -o apple.png --seed 1

1. The language model reads "Picture: " + the prompt, no special tokens, at most 48 tokens. The condition is the
   residual stream after block 12 [tokens, 576], unpadded. The empty condition comes from "Picture:".
2. The picture starts as torch.randn((1, 8, H / 8, W / 8)) of a CPU generator with the seed.
3. FlowMatchEulerDiscreteScheduler of the model folder, sigmas = linspace(1, 1 / steps, steps). At every step the UNet
   sees the picture and the source latents (zeros, or the encoded source picture) on the channel axis, the scheduler's
   timestep (1000 sigma) and one condition, without a mask: once with the empty one, once with the prompt's.
   Velocity = empty + guidance * (prompt - empty).
4. The autoencoder decodes the latents as they are (scale 1, shift 0); -1...1 becomes 0...255, rounded half up.
"""
import argparse
import json
import pathlib
import types

import numpy as np
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler
from diffusers.models.unets.unet_dreamlite import DreamLiteUNetModel
from PIL import Image

import text

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "models" / "lazuli-mini"


def load(folder=FOLDER, unet=None, vae=None):
    """The parts of a model folder, in float32; `unet` and `vae` take those parts from elsewhere."""
    return types.SimpleNamespace(
        unet=DreamLiteUNetModel.from_pretrained(unet or folder / "unet", torch_dtype=torch.float32).eval(),
        vae=AutoencoderTiny.from_pretrained(vae or folder / "vae", torch_dtype=torch.float32).eval(),
        scheduler=FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        text=text.TextEncoder(),
        defaults=json.loads((folder / "conditioning.json").read_text())["defaults"],
    )


def pixels(values):
    """Decoder output [1, 3, H, W] as uint8 [H, W, 3]."""
    return ((values[0].clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8).permute(1, 2, 0).numpy()


@torch.no_grad()
def generate(parts, prompt, seed=0, steps=None, guidance=None, width=128, height=128, source=None):
    """The picture of a prompt, uint8 [height, width, 3]; the prompt edits a source picture (uint8, same size)."""
    steps = steps or parts.defaults["steps"]
    guidance = parts.defaults["guidance"] if guidance is None else guidance
    prefix = text.GENERATE if source is None else text.EDIT
    prompted, empty = (parts.text([text.formatted(t, prefix)])[0][None] for t in (prompt, ""))
    latents = torch.randn((1, 8, height // 8, width // 8), generator=torch.Generator("cpu").manual_seed(seed))
    condition = torch.zeros_like(latents)
    if source is not None:
        condition = parts.vae.encode(torch.from_numpy(source).permute(2, 0, 1)[None].float() / 127.5 - 1).latents
    parts.scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps))
    for timestep in parts.scheduler.timesteps:
        states = torch.cat([latents, condition], 1)
        v_empty = parts.unet(states, timestep, empty).sample
        v_prompt = parts.unet(states, timestep, prompted).sample
        velocity = v_empty + guidance * (v_prompt - v_empty)
        latents = parts.scheduler.step(velocity, timestep, latents).prev_sample
    return pixels(parts.vae.decode(latents).sample)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt")
    parser.add_argument("-o", "--out", default="out.png")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--source", help="picture to edit; the prompt is then an instruction")
    parser.add_argument("--model", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = np.asarray(Image.open(options.source).convert("RGB")) if options.source else None
    parts = load(options.model)
    picture = generate(parts, options.prompt, options.seed, options.steps, options.guidance, source=source)
    Image.fromarray(picture).save(options.out)


if __name__ == "__main__":
    main()
