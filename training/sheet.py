"""A sheet of pictures by models/lazuli-mini, or by weights in training (`--unet`, `--vae`): of fixed prompts with their
words, or with `--world` of every object in every style, small and without words."""
import argparse
import pathlib
import textwrap

import torch
from PIL import Image, ImageDraw, ImageFont

import world
from objects import THINGS, article
from painter import Painter

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "models" / "lazuli-mini"
PROMPTS = [
    "a red apple on a blue background",
    "a blue banana on a purple background",
    "a cat on grass",
    "a rocket in the night sky",
    "three stars on a black background",
    "a purple elephant on a yellow background",
    "a sunflower on a pink background, flat style",
    "a tree and a car on a white background",
    "a penguin in the snow",
    "four slices of pizza on a grey background",
    "a robot above a teddy bear on a green background",
    "a small star on a black background",
    "a big strawberry on a green background",
    "a mushroom to the left of a snail on a yellow background",
    "a lion, a violin and a tractor on a white background",
    "a chair in a room",
]


def world_prompts():
    """Every thing in every style, the backgrounds in turn."""
    backgrounds = list(world.COLOURS)
    for i, thing in enumerate(THINGS):
        for k, style in enumerate(world.STYLES):
            colour = backgrounds[(3 * i + 5 * k) % len(backgrounds)]
            noun = thing.name if thing.plural else article(thing.name)
            yield f"{noun} on {article(colour)} background, {style} style"


def labelled(pictures, prompts, columns=8):
    """128 pixels a picture, the prompt in three lines below it."""
    font = ImageFont.load_default(10)
    sheet = Image.new("RGB", (columns * 136, -(-len(prompts) // columns) * 172), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (picture, prompt) in enumerate(zip(pictures, prompts)):
        x, y = i % columns * 136 + 4, i // columns * 172 + 4
        sheet.paste(picture, (x, y))
        for k, line in enumerate(textwrap.wrap(prompt, 24)[:3]):
            draw.text((x, y + 129 + 12 * k), line, fill=0, font=font)
    return sheet


def small(pictures, columns=30, side=48):
    """Pictures alone, `side` pixels each."""
    pictures = list(pictures)
    sheet = Image.new("RGB", (columns * side, -(-len(pictures) // columns) * side), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(picture.resize((side, side), Image.LANCZOS), (i % columns * side, i // columns * side))
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--models", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--unet", help="folder of other denoiser weights")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--prompts", nargs="*", default=PROMPTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    prompts = list(world_prompts()) if options.world else options.prompts
    painter = Painter(options.models, options.unet)
    pictures = [Image.fromarray(p) for p in painter(prompts, steps=options.steps, guidance=options.guidance,
                                                    seed=options.seed, spread=0)]
    (small(pictures) if options.world else labelled(pictures, prompts)).save(options.out)


if __name__ == "__main__":
    main()
