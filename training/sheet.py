"""A sheet of pictures by models/lazuli-mini, or by weights in training (`--unet`, `--vae`): of fixed prompts with their
words, or with `--world` of every object in every style, small and without words."""
import argparse
import textwrap

import torch
from PIL import Image, ImageDraw, ImageFont

import reference
import world

PROMPTS = [
    "a red apple on a blue background",
    "a yellow banana on a purple background",
    "a cat on a green background",
    "a rocket on a black background",
    "a house on a yellow background",
    "a red heart on a white background",
    "a sunflower on a pink background, flat style",
    "a tree and a car on a white background",
    "a penguin on an orange background",
    "a slice of pizza on a grey background",
    "a fish on a white background, flat style",
    "a small star on a black background",
    "a big strawberry on a green background",
    "a mushroom to the left of a snail on a yellow background",
    "a snowman on a blue background",
    "a guitar",
]


def world_prompts():
    """Every object in every style, the backgrounds in turn."""
    backgrounds = list(world.BACKGROUNDS)
    for i, row in enumerate(world.OBJECTS):
        for k, style in enumerate(world.STYLES):
            colour = backgrounds[(3 * i + 5 * k) % len(backgrounds)]
            yield f"{world.article(row[1])} on {world.article(colour)} background, {style} style"


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


def small(pictures, columns=16, side=64):
    """Pictures alone, `side` pixels each."""
    pictures = list(pictures)
    sheet = Image.new("RGB", (columns * side, -(-len(pictures) // columns) * side), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(picture.resize((side, side), Image.LANCZOS), (i % columns * side, i // columns * side))
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--unet", help="folder of other denoiser weights")
    parser.add_argument("--vae", help="folder of other autoencoder weights")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--prompts", nargs="*", default=PROMPTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = reference.load(unet=options.unet, vae=options.vae)
    prompts = list(world_prompts()) if options.world else options.prompts
    pictures = (
        Image.fromarray(reference.generate(parts, prompt, options.seed, options.steps, options.guidance))
        for prompt in prompts)
    (small(pictures) if options.world else labelled(pictures, prompts)).save(options.out)


if __name__ == "__main__":
    main()
