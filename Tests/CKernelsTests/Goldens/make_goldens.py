"""Writes the goldens beside this file: dequantised blocks of gguf-py and resized images of Pillow.

Run with gguf, numpy and pillow >= 13 installed: python make_goldens.py. Deterministic.

quantised.bin, little endian, for every type: type, elements, bytes (u32), blocks, values (f32)
resize.bin, for every image: element bytes, channels, height, width, out height, out width (u32), input, then the outputs
of the filters nearest, bilinear, bicubic, Lanczos and box
"""

import struct
from pathlib import Path

import gguf
import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent
FILTERS = [Image.NEAREST, Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX]
MODES = {1: "L", 3: "RGB", 4: "CMYK"}  # four channels without premultiplied alpha


def quantised() -> bytes:
    random = np.random.default_rng(1)
    out = b""
    for number in (2, 3, 6, 7, 8, 12, 13, 14):
        kind = gguf.GGMLQuantizationType(number)
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = 1024 // elements
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        halves = random.standard_normal((count, 2)).astype(np.float16)
        halves[0] = [0, 6e-8]  # zero and a subnormal
        halves[1] *= np.float16(1e-4)
        at = 208 if kind == gguf.GGMLQuantizationType.Q6_K else 0
        has_minimum = number in (3, 7, 12, 13)
        scales = halves if has_minimum else halves[:, :1]
        blocks[:, at : at + 2 * scales.shape[1]] = np.ascontiguousarray(scales).view(np.uint8)
        values = gguf.quants.dequantize(blocks.reshape(-1), kind).astype("<f4")
        out += struct.pack("<3I", number, values.size, blocks.size) + blocks.tobytes() + values.tobytes()
    return out


def resized(pixels: np.ndarray, height: int, width: int) -> bytes:
    h, w, channels = pixels.shape
    mode = "F" if pixels.dtype == np.float32 else MODES[channels]
    image = Image.fromarray(pixels if channels > 1 else pixels[..., 0], mode)
    out = struct.pack("<6I", pixels.itemsize, channels, h, w, height, width) + pixels.tobytes()
    for each in FILTERS:
        out += np.asarray(image.resize((width, height), each)).tobytes()
    return out


def resize() -> bytes:
    random = np.random.default_rng(2)
    out = b""
    sizes = [(17, 23, 8, 9), (8, 9, 17, 23), (1, 5, 3, 2), (5, 1, 2, 7), (1, 1, 4, 3), (24, 20, 24, 7), (24, 20, 5, 20),
             (9, 9, 9, 9), (31, 8, 3, 15), (13, 29, 1, 1)]
    for h, w, oh, ow in sizes:
        for channels in MODES:
            out += resized(random.integers(0, 256, (h, w, channels), dtype=np.uint8), oh, ow)
        out += resized(random.standard_normal((h, w, 1)).astype(np.float32), oh, ow)
    # Hard edges overshoot, and are clipped; the last is shrunk by rows first.
    edges = (random.random((20, 22, 3)) < 0.5).astype(np.uint8) * 255
    out += resized(edges, 26, 27) + resized(edges, 7, 12) + resized(edges, 6, 40)
    return out


if __name__ == "__main__":
    (FOLDER / "quantised.bin").write_bytes(quantised())
    (FOLDER / "resize.bin").write_bytes(resize())
