"""A sheet of pictures of fixed prompts by models/lazuli-mini, or by weights in training (`--unet`, `--vae`)."""
import argparse
import textwrap

import torch
from PIL import Image, ImageDraw, ImageFont

import reference

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--unet", help="folder of other denoiser weights")
    parser.add_argument("--vae", help="folder of other autoencoder weights")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompts", nargs="*", default=PROMPTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = reference.load(unet=options.unet, vae=options.vae)
    font, columns = ImageFont.load_default(10), 8
    sheet = Image.new("RGB", (columns * 136, -(-len(options.prompts) // columns) * 172), "white")
    draw = ImageDraw.Draw(sheet)
    for i, prompt in enumerate(options.prompts):
        x, y = i % columns * 136 + 4, i // columns * 172 + 4
        picture = reference.generate(parts, prompt, options.seed, options.steps, options.guidance)
        sheet.paste(Image.fromarray(picture), (x, y))
        for k, line in enumerate(textwrap.wrap(prompt, 24)[:3]):
            draw.text((x, y + 129 + 12 * k), line, fill=0, font=font)
    sheet.save(options.out)


if __name__ == "__main__":
    main()
