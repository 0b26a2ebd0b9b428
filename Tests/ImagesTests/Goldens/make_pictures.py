"""Writes pictures.tsv: small PNG and JPEG files and what Pillow (or arithmetic) makes of their pixels.

Columns: name, file (base64), width, height, channels, samples (base64), largest difference allowed.
Run: python make_pictures.py
"""

import base64
import io
import struct
import zlib
from pathlib import Path

import numpy
from PIL import Image, ImageOps, features
from PIL.PngImagePlugin import PngInfo

width, height = 13, 9
random = numpy.random.RandomState(7)
rows = []


def add(name, file, pixels, tolerance=0):
    pixels = numpy.asarray(pixels, dtype=numpy.uint8)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    encoded = [base64.b64encode(data).decode() for data in (file, pixels.tobytes())]
    rows.append([name, encoded[0], pixels.shape[1], pixels.shape[0], channels, encoded[1], tolerance])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, depth):
    """Rows [h][w·c] of integers as bytes, most significant bit first."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    if depth == 8:
        return [row.astype(numpy.uint8).tobytes() for row in samples]
    bits = [numpy.unpackbits(row.astype(numpy.uint8)[:, None], axis=1)[:, 8 - depth:].reshape(-1) for row in samples]
    return [numpy.packbits(row).tobytes() for row in bits]


def png(samples, depth, color, extra=b"", adam7=False):
    """A PNG of samples [h][w][c], without filters; for what Pillow does not write."""
    h, w, c = samples.shape
    passes = [(0, 0, 1, 1)]
    if adam7:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes:
        part = samples[y::dy, x::dx]
        if part.size:
            raw += b"".join(b"\0" + row for row in pack(part.reshape(part.shape[0], -1), depth))
    header = struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, int(adam7))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def save(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def smooth(channels):
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [(x * 17 + y * 5 + 40 * c) % 256 if c else 255 * x // (width - 1) for c in range(channels)]
    return numpy.stack(planes, axis=2).astype(numpy.uint8)


grey = random.randint(0, 256, (height, width)).astype(numpy.uint8)
rgb = random.randint(0, 256, (height, width, 3)).astype(numpy.uint8)
rgba = random.randint(0, 256, (height, width, 4)).astype(numpy.uint8)
add("grey", save(Image.fromarray(grey), "PNG"), grey)
add("rgb", save(Image.fromarray(rgb), "PNG"), rgb)
add("rgba", save(Image.fromarray(rgba), "PNG"), rgba)
grey_alpha = Image.fromarray(rgba[:, :, :2].copy(), "LA")
add("grey and alpha", save(grey_alpha, "PNG"), numpy.asarray(grey_alpha.convert("RGBA")))

palette = random.randint(0, 256, (16, 3)).astype(numpy.uint8)
alphas = bytes([0, 100, 200])
full_alphas = numpy.array(list(alphas) + [255] * 13, dtype=numpy.uint8)
for depth in (1, 2, 4, 8):
    index = random.randint(0, min(1 << depth, 16), (height, width, 1))
    plte = chunk(b"PLTE", palette[:1 << depth].tobytes())
    colors = palette[index[:, :, 0]]
    add(f"palette of {depth} bits", png(index, depth, 3, plte), colors)
    trns = chunk(b"tRNS", alphas[:1 << depth])
    with_alpha = numpy.concatenate([colors, full_alphas[index]], axis=2)
    add(f"palette of {depth} bits with alpha", png(index, depth, 3, plte + trns), with_alpha)
    add(f"grey of {depth} bits", png(index, depth, 0), index[:, :, 0] * (255 // ((1 << depth) - 1)))

for name, color, channels in (("grey", 0, 1), ("rgb", 2, 3), ("rgba", 6, 4)):
    deep = random.randint(0, 65536, (height, width, channels))
    deep[0, :6, 0] = [0, 128, 129, 65535, 65407, 65406]
    eight = numpy.round(deep / 257)
    add(f"{name} of 16 bits", png(deep, 16, color), eight if channels > 1 else eight[:, :, 0])
    add(f"{name} of 16 bits, interlaced", png(deep, 16, color, adam7=True), eight if channels > 1 else eight[:, :, 0])
deep = random.randint(0, 65536, (height, width, 2))
eight = numpy.round(deep / 257).astype(numpy.uint8)
add("grey and alpha of 16 bits", png(deep, 16, 4), numpy.concatenate([eight[:, :, :1]] * 3 + [eight[:, :, 1:]], axis=2))
add("interlaced", png(rgb, 8, 2, adam7=True), rgb)
key = rgb[2, 3]
transparent = numpy.where((rgb == key).all(axis=2), 0, 255)[:, :, None]
add("rgb with a transparent colour", png(rgb, 8, 2, chunk(b"tRNS", key.astype(">u2").tobytes())),
    numpy.concatenate([rgb, transparent], axis=2))


def jpeg(name, image, tolerance=2, **options):
    file = save(image, "JPEG", **options)
    decoded = Image.open(io.BytesIO(file))
    add(name, file, numpy.asarray(decoded if decoded.mode == "L" else decoded.convert("RGB")), tolerance)


color = Image.fromarray(smooth(3))
jpeg("jpeg grey", Image.fromarray(smooth(1)[:, :, 0]), quality=90)
jpeg("jpeg 4:4:4", color, quality=90, subsampling=0)
jpeg("jpeg 4:2:2", color, quality=90, subsampling=1)
jpeg("jpeg 4:2:0", color, quality=90, subsampling=2)
jpeg("jpeg progressive", color, quality=90, progressive=True)
jpeg("jpeg restart", color, quality=90, restart_marker_blocks=1)
jpeg("jpeg cmyk", Image.fromarray(smooth(4), "CMYK"), quality=90)
jpeg("jpeg rgb", color, quality=90, keep_rgb=True)

# Orientations: the expected pixels are Pillow's transposition.
scene = numpy.zeros((16, 24, 3), dtype=numpy.uint8)
scene[:8, :12], scene[:8, 12:], scene[8:, :12] = (200, 30, 30), (30, 200, 30), (30, 30, 200)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for format in ("JPEG", "PNG"):
        options = dict(quality=95, subsampling=0) if format == "JPEG" else {}
        file = save(Image.fromarray(scene), format, exif=exif, **options)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB")
        add(f"orientation {orientation} {format}", file, numpy.asarray(upright), 2 if format == "JPEG" else 0)

text = "\n".join("\t".join(str(cell) for cell in row) for row in rows) + "\n"
(Path(__file__).parent / "pictures.tsv").write_text(text)
print(len(rows), "pictures,", len(text), "bytes, libjpeg-turbo", features.version("libjpeg_turbo"))

# Metadata as AUTOMATIC1111 writes it (PNG by Pillow's rule, JPEG by piexif's layout), for reading back.
information = PngInfo()
information.add_text("parameters", "an owl\nSteps: 20, Sampler: Euler a, Seed: 1")
png_latin = save(Image.fromarray(rgb), "PNG", pnginfo=information)
information = PngInfo()
information.add_itxt("parameters", "сова 🦉\nSteps: 20, Sampler: Euler a, Seed: 1", zip=True)
png_other = save(Image.fromarray(rgb), "PNG", pnginfo=information)
information = PngInfo()
information.add_text("parameters", "squeezed " * 20, zip=True)
png_zip = save(Image.fromarray(rgb), "PNG", pnginfo=information)
lines = []
for name, file, parameters in (
        ("tEXt", png_latin, "an owl\nSteps: 20, Sampler: Euler a, Seed: 1"),
        ("iTXt", png_other, "сова 🦉\nSteps: 20, Sampler: Euler a, Seed: 1"), ("zTXt", png_zip, "squeezed " * 20)):
    lines.append("\t".join([name, base64.b64encode(file).decode(), base64.b64encode(parameters.encode()).decode()]))
(Path(__file__).parent / "metadata.tsv").write_text("\n".join(lines) + "\n")

# Resampling: Pillow's own result, of sizes that shrink, grow and do both.
lines = []
for filter in ("nearest", "bilinear", "bicubic", "lanczos", "box"):
    for size in ((7, 5), (29, 20), (5, 17)):
        resized = Image.fromarray(rgb).resize(size, Image.Resampling[filter.upper()])
        lines.append("\t".join([filter, *map(str, size), base64.b64encode(resized.tobytes()).decode()]))
(Path(__file__).parent / "resized.tsv").write_text("\n".join(lines) + "\n")
