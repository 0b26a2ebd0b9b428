"""The small world that Lazuli Mini knows: drawn things on plain backgrounds and in five settings, exactly rendered.

A scene is a JSON-able dict: `background`, `style`, and `objects`, each with `thing` (row of `objects.THINGS`), `size`,
`x`, `y` and maybe `hue`; `grey` and `mirror` treat the finished picture. `render` turns it into a uint8 picture
[128, 128, 3]. Sizes and positions keep to a grid of eight pixels, one latent column of the autoencoder, so that the
same object gives the same latents wherever it stands.
"""
import functools
import hashlib
import json
import os
import pathlib
import random

import numpy as np
from PIL import Image

from objects import THINGS

SIZE = 128
CORPUS = pathlib.Path(os.environ.get("MINI_CORPUS", "../data/sprites"))

# Sprite set of each style; the first is what a caption without a style word means.
STYLES = {"3d": "fluent3d", "flat": "fluentflat"}
# Never trained on: sources of held-out edits.
UNSEEN_STYLE = "twemoji"

COLOURS = {
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
SETTINGS = ("grass", "sand", "snow", "night sky", "room")
BACKGROUNDS = (*COLOURS, *SETTINGS)

# Hues in turns of the colours that objects can take.
HUES = {"red": 0.0, "orange": 0.08, "yellow": 0.14, "green": 0.33, "blue": 0.6, "purple": 0.75, "pink": 0.91}


def code(*parts):
    """A number that depends on the arguments only."""
    return int(hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16], 16)


def generator(*parts):
    """A random generator that depends on the arguments only."""
    return random.Random(code(*parts))


@functools.lru_cache(None)
def sprite_files():
    """File of every (thing, sprite set) this world uses."""
    sets = {*STYLES.values(), UNSEEN_STYLE}
    row_of = {thing.corpus: i for i, thing in enumerate(THINGS)}
    files = {}
    with open(CORPUS / "manifest.jsonl") as lines:
        for line in lines:
            row = json.loads(line)
            if row["set"] in sets and row["en"] in row_of:
                files.setdefault((row_of[row["en"]], row["set"]), row["file"])
    missing = [(thing.corpus, style) for i, thing in enumerate(THINGS) for style in STYLES.values()
               if (i, style) not in files]
    if missing:
        raise SystemExit(f"the corpus in {CORPUS} lacks {missing}")
    return files


@functools.lru_cache(None)
def outline(thing, style):
    """The drawing of a thing cropped to its outline and centred in a square, RGBA."""
    picture = Image.open(CORPUS / sprite_files()[thing, STYLES.get(style, style)]).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox())
    side = max(picture.size)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


@functools.lru_cache(None)
def hue(thing, style):
    """The hue in turns of a drawing of one colour, else None: 60 % of it are saturated and 85 % of those near one hue."""
    values = np.asarray(outline(thing, style).resize((48, 48), Image.BILINEAR), np.uint8)
    hsv = np.asarray(Image.fromarray(values[..., :3]).convert("HSV"), np.float32)[values[..., 3] > 128] / 255
    vivid = hsv[(hsv[:, 1] > 0.35) & (hsv[:, 2] > 0.3), 0]
    if len(vivid) < 0.6 * len(hsv) or len(hsv) < 100:
        return None
    centre = np.angle(np.exp(2j * np.pi * vivid).mean()) / (2 * np.pi) % 1
    near = np.abs((vivid - centre + 0.5) % 1 - 0.5) < 0.09
    return float(centre) if near.mean() > 0.85 else None


def _turned(picture, turns):
    """The RGBA picture with its hues turned."""
    values = np.asarray(picture).copy()
    hsv = np.asarray(Image.fromarray(values[..., :3]).convert("HSV")).copy()
    hsv[..., 0] = (hsv[..., 0].astype(int) + round(turns * 256)) % 256
    values[..., :3] = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))
    return Image.fromarray(values, "RGBA")


@functools.lru_cache(4000)
def sprite(thing, style, size, colour=None):
    """A thing, its longest side `size` pixels, maybe recoloured: premultiplied RGBA, float32 in 0...1."""
    square = outline(thing, style)
    if colour:
        square = _turned(square, HUES[colour] - hue(thing, style))
    method = Image.LANCZOS if size < square.width else Image.BICUBIC
    return np.asarray(square.convert("RGBa").resize((size, size), method), np.float32) / 255


@functools.lru_cache(None)
def background(name):
    """A background, float32 [128, 128, 3] in 0...255."""
    if name in COLOURS:
        return np.broadcast_to(np.float32(COLOURS[name]), (SIZE, SIZE, 3))
    picture = np.empty((SIZE, SIZE, 3), np.float32)

    def fade(top, bottom, first, last):
        share = np.linspace(0, 1, last - first, dtype=np.float32)[:, None, None]
        picture[first:last] = np.float32(top) * (1 - share) + np.float32(bottom) * share

    if name == "grass":
        fade((124, 190, 242), (208, 234, 252), 0, 80)
        fade((120, 192, 84), (72, 152, 60), 80, SIZE)
    elif name == "sand":
        fade((132, 202, 246), (212, 238, 252), 0, 56)
        fade((52, 146, 200), (80, 176, 212), 56, 80)
        fade((240, 214, 150), (226, 190, 120), 80, SIZE)
    elif name == "snow":
        fade((148, 174, 206), (206, 220, 236), 0, 80)
        fade((246, 249, 253), (230, 238, 248), 80, SIZE)
        _dots(picture, 3, 24, (255, 255, 255))
    elif name == "night sky":
        fade((14, 18, 52), (48, 42, 108), 0, SIZE)
        _dots(picture, 2, 28, (250, 244, 214))
    else:
        fade((238, 222, 198), (230, 210, 182), 0, 88)
        picture[88:92] = 250, 246, 238
        fade((178, 124, 80), (150, 100, 62), 92, SIZE)
        picture[8:48, 8:48] = 250, 246, 238
        picture[12:44, 12:44] = 150, 206, 242
        picture[26:30, 8:48] = picture[8:48, 26:30] = 250, 246, 238
    return picture


def _dots(picture, side, count, colour):
    """Stars or flakes, always in the same places."""
    rng = random.Random(count)
    for _ in range(count):
        x, y = rng.randrange(2, SIZE - 4), rng.randrange(2, SIZE - 4)
        picture[y:y + side, x:x + side] = colour


def render(scene):
    """The picture of a scene, uint8 [128, 128, 3]."""
    canvas = background(scene["background"]) / 255
    for item in scene["objects"]:
        pixels = sprite(item["thing"], scene["style"], item["size"], item.get("hue"))
        left, top = item["x"] - item["size"] // 2, item["y"] - item["size"] // 2
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + item["size"], SIZE), min(top + item["size"], SIZE)
        part = pixels[y0 - top:y1 - top, x0 - left:x1 - left]
        canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - part[..., 3:]) + part[..., :3]
    if scene.get("grey"):
        canvas = np.broadcast_to((canvas @ np.float32((0.299, 0.587, 0.114)))[..., None], canvas.shape)
    if scene.get("mirror"):
        canvas = canvas[:, ::-1]
    return np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)
