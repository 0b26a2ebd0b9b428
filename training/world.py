"""The small world that Lazuli Mini knows: drawn objects on plain backgrounds, with exact captions.

A scene is a JSON-able dict; `render` turns it into a uint8 picture [128, 128, 3]. Sizes and positions keep to a grid
of eight pixels, one latent column of the autoencoder, so that the same object gives the same latents wherever it
stands. Scene `i` of a split depends on the split's name and `i` only.
"""
import functools
import hashlib
import json
import os
import pathlib
import random

import numpy as np
from PIL import Image

SIZE = 128
CORPUS = pathlib.Path(os.environ.get("MINI_CORPUS", "../data/sprites"))

# Sprite set of each style; the first is what a caption without a style word means.
STYLES = {"3d": "fluent3d", "flat": "fluentflat"}

BACKGROUNDS = {
    "white": (253, 253, 253),
    "black": (28, 28, 32),
    "grey": (168, 170, 176),
    "red": (222, 62, 60),
    "orange": (246, 150, 60),
    "yellow": (250, 218, 90),
    "green": (98, 186, 98),
    "blue": (84, 150, 232),
    "purple": (150, 100, 204),
    "pink": (246, 170, 200),
}

# One row per sprite: its name in the corpus, then the ways to call it, the most usual first.
OBJECTS = [
    ("red apple", "red apple", "apple"),
    ("green apple", "green apple"),
    ("banana", "banana", "yellow banana"),
    ("tangerine", "orange"),
    ("lemon", "lemon", "yellow lemon"),
    ("strawberry", "strawberry", "red strawberry"),
    ("watermelon", "watermelon", "slice of watermelon"),
    ("carrot", "carrot", "orange carrot"),
    ("mushroom", "mushroom", "red mushroom"),
    ("pizza", "pizza", "slice of pizza"),
    ("hamburger", "hamburger", "burger"),
    ("doughnut", "donut", "doughnut"),
    ("soft ice cream", "ice cream", "ice cream cone"),
    ("birthday cake", "cake", "birthday cake"),
    ("hot beverage", "cup of coffee", "coffee cup"),
    ("cat", "cat"),
    ("dog", "dog"),
    ("pig", "pig", "pink pig"),
    ("elephant", "elephant", "grey elephant"),
    ("rabbit", "rabbit", "bunny"),
    ("penguin", "penguin"),
    ("duck", "duck"),
    ("owl", "owl"),
    ("frog", "frog", "green frog"),
    ("turtle", "turtle", "green turtle"),
    ("whale", "whale", "blue whale"),
    ("tropical fish", "fish", "blue fish", "tropical fish"),
    ("octopus", "octopus"),
    ("crab", "crab", "red crab"),
    ("snail", "snail"),
    ("butterfly", "butterfly", "orange butterfly"),
    ("lady beetle", "ladybug", "red ladybug"),
    ("rose", "rose", "red rose"),
    ("sunflower", "sunflower", "yellow sunflower"),
    ("tulip", "tulip", "pink tulip"),
    ("cactus", "cactus", "green cactus"),
    ("deciduous tree", "tree", "green tree"),
    ("evergreen tree", "pine tree"),
    ("palm tree", "palm tree"),
    ("sun", "sun", "yellow sun"),
    ("crescent moon", "moon", "crescent moon"),
    ("star", "star", "yellow star"),
    ("cloud", "cloud", "white cloud"),
    ("rainbow", "rainbow"),
    ("fire", "fire", "flame"),
    ("snowman without snow", "snowman"),
    ("red heart", "red heart", "heart"),
    ("blue heart", "blue heart"),
    ("house", "house"),
    ("castle", "castle"),
    ("automobile", "car", "red car"),
    ("bus", "bus"),
    ("rocket", "rocket"),
    ("airplane", "airplane", "plane"),
    ("sailboat", "sailboat", "boat"),
    ("balloon", "balloon", "red balloon"),
    ("umbrella", "umbrella", "purple umbrella"),
    ("wrapped gift", "gift", "present"),
    ("crown", "crown", "golden crown"),
    ("key", "key"),
    ("bell", "bell", "golden bell"),
    ("light bulb", "light bulb"),
    ("guitar", "guitar"),
    ("soccer ball", "soccer ball", "football"),
]

# The objects to learn first: the plainest shapes and those that people ask for first.
CORE = {
    "red apple", "banana", "tangerine", "strawberry", "carrot", "mushroom", "pizza", "doughnut", "cat", "penguin",
    "duck", "tropical fish", "sunflower", "deciduous tree", "cactus", "sun", "crescent moon", "star", "red heart",
    "snowman without snow", "house", "automobile", "rocket", "balloon",
}
# Those to learn next.
NEXT = {
    "green apple", "lemon", "watermelon", "hamburger", "soft ice cream", "birthday cake", "dog", "pig", "rabbit",
    "owl", "frog", "turtle", "whale", "butterfly", "rose", "evergreen tree", "palm tree", "cloud", "rainbow", "fire",
    "blue heart", "bus", "airplane", "sailboat", "umbrella", "wrapped gift", "crown", "key", "bell", "soccer ball",
}


def article(noun):
    """The noun with its indefinite article; mass nouns such as "fire" and "ice cream" take one too."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


@functools.lru_cache(None)
def sprite_files():
    """File of every (corpus name, style) this world uses."""
    style_of = {sprite_set: style for style, sprite_set in STYLES.items()}
    names = {row[0] for row in OBJECTS}
    files = {}
    with open(CORPUS / "manifest.jsonl") as lines:
        for line in lines:
            row = json.loads(line)
            if row["set"] in style_of and row["en"] in names:
                files.setdefault((row["en"], style_of[row["set"]]), row["file"])
    missing = [(name, style) for name in sorted(names) for style in STYLES if (name, style) not in files]
    if missing:
        raise SystemExit(f"the corpus in {CORPUS} lacks {missing}")
    return files


@functools.lru_cache(None)
def sprite(index, style, size):
    """Object `index` cropped to its outline, its longest side `size` pixels: premultiplied RGBA, float32 in 0...1."""
    picture = Image.open(CORPUS / sprite_files()[OBJECTS[index][0], style]).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox())
    side = max(picture.size)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    scaled = square.convert("RGBa").resize((size, size), Image.LANCZOS if size < side else Image.BICUBIC)
    return np.asarray(scaled, np.float32) / 255


def render(scene):
    """The picture of a scene, uint8 [128, 128, 3]."""
    canvas = np.empty((SIZE, SIZE, 3), np.float32)
    canvas[:] = np.asarray(BACKGROUNDS[scene["background"]], np.float32) / 255
    for item in scene["objects"]:
        pixels = sprite(item["object"], scene["style"], item["size"])
        left, top = item["x"] - item["size"] // 2, item["y"] - item["size"] // 2
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + item["size"], SIZE), min(top + item["size"], SIZE)
        part = pixels[y0 - top:y1 - top, x0 - left:x1 - left]
        canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - part[..., 3:]) + part[..., :3]
    return np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)


def generator(split, index):
    """A random generator that depends on the arguments only."""
    return random.Random(int(hashlib.sha256(f"{split}|{index}".encode()).hexdigest()[:16], 16))


def call(rng, index):
    """One of the object's names, the first one six times in ten."""
    names = OBJECTS[index][1:]
    return names[0] if rng.random() < 0.6 else rng.choice(names)


def background_words(rng, colour):
    return rng.choices([f" on {article(colour)} background", f" with {article(colour)} background",
                        f", {colour} background", f" on {colour}"], [6, 2, 2, 1])[0]


def sample(split, index):
    """Scene `index` of a split: dict(objects, background, style, layout, caption)."""
    rng = generator(split, index)
    style = "3d" if rng.random() < 0.65 else "flat"
    colour = rng.choice(list(BACKGROUNDS))
    layout = rng.choices(["one", "small", "big", "pair"], [66, 7, 7, 20])[0]
    shift = lambda: rng.choices([-8, 0, 8], [15, 70, 15])[0]
    if layout == "pair":
        a, b = rng.sample(range(len(OBJECTS)), 2)
        objects = [dict(object=a, size=56, x=32, y=64 + shift()), dict(object=b, size=56, x=96, y=64 + shift())]
        left, right = article(call(rng, a)), article(call(rng, b))
        body = rng.choice([f"{left} and {right}", f"{left} next to {right}", f"{left} to the left of {right}",
                           f"{right} to the right of {left}", f"{left} on the left and {right} on the right"])
    else:
        a = rng.randrange(len(OBJECTS))
        size = {"one": 88, "small": 56, "big": 112}[layout]
        objects = [dict(object=a, size=size, x=64 + shift() * (size < 112), y=64 + shift() * (size < 112))]
        noun = call(rng, a)
        body = article(noun) if layout == "one" else f"a {layout} {noun}"
        if layout == "one":
            body = rng.choices([body, f"the {noun}", noun, f"a picture of {body}"], [14, 1, 2, 2])[0]
    caption = body
    if colour != "white" or rng.random() < 0.5:
        caption += background_words(rng, colour)
    if style != "3d" or rng.random() < 0.4:
        caption += rng.choice([f", {style} style", f" in {style} style"])
    return dict(objects=objects, background=colour, style=style, layout=layout, caption=caption)


def recoloured_background(split, index):
    """An exact edit pair: (source scene, target scene, instruction), the background's colour being what changes."""
    source = sample(split, index)
    rng = generator(split + " edit", index)
    colour = rng.choice([c for c in BACKGROUNDS if c != source["background"]])
    instruction = rng.choice([f"change the background to {colour}", f"make the background {colour}",
                              f"put it on {article(colour)} background"])
    return source, dict(source, background=colour), instruction
