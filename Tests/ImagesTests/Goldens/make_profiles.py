"""Writes profiles.tsv: WebP files and pictures with colour profiles, and what Pillow with Little CMS makes of them.

Columns as in pictures.tsv. The profiles are written here, tag by tag, since none that is distributed may be needed:
RGB with wide primaries and a gamma of 1.8, grey with a gamma of 3, and four inks through a table.
Run: python make_profiles.py
"""

import base64
import io
import struct
from pathlib import Path

import numpy
from PIL import Image, ImageCms, ImageOps

width, height = 13, 9
random = numpy.random.RandomState(11)
rows = []


def add(name, file, pixels, tolerance=0):
    pixels = numpy.asarray(pixels, dtype=numpy.uint8)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    encoded = [base64.b64encode(data).decode() for data in (file, pixels.tobytes())]
    rows.append([name, encoded[0], pixels.shape[1], pixels.shape[0], channels, encoded[1], tolerance])


def save(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# Profiles -----------------------------------------------------------------------------------------------------------


def fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(*values):
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def description(text):
    return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text.encode() + b"\0" + bytes(12 + 67)


def profile(kind, space, connection, tags):
    """An ICC profile of version 2.4 with these tags."""
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name.encode() + struct.pack(">II", start + len(data), len(content))
        data += content
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, kind, space, connection)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + data


common = {"cprt": b"text\0\0\0\0public domain\0", "wtpt": xyz(0.9642, 1, 0.8249)}
wide = profile(b"mntr", b"RGB ", b"XYZ ", {
    "desc": description("wide"), **common, "rXYZ": xyz(0.65, 0.3, 0.02), "gXYZ": xyz(0.2, 0.65, 0.05),
    "bXYZ": xyz(0.1142, 0.05, 0.7549), "rTRC": gamma(1.8), "gTRC": gamma(1.8), "bTRC": gamma(1.8)})
dim = profile(b"mntr", b"GRAY", b"XYZ ", {"desc": description("dim"), **common, "kTRC": gamma(3)})


def inks():
    """A table of two points along each ink: L*a*b* of the 16 corners, coarse and enough."""
    ramp = bytes(range(256))
    corners = b""
    for c, m, y, k in numpy.ndindex(2, 2, 2, 2):
        light = 255 * (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.9 * k)
        corners += bytes([round(light), round(128 - 40 * c + 70 * m), round(128 - 50 * c + 80 * y)])
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp * 4 + corners + ramp * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {"desc": description("inks"), **common, "A2B0": table})


def to_srgb(image, icc):
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGBA" if image.mode == "RGBA" else "RGB", flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)


rgb = Image.fromarray(random.randint(0, 256, (height, width, 3)).astype(numpy.uint8))
rgba = Image.fromarray(random.randint(0, 256, (height, width, 4)).astype(numpy.uint8))
grey = Image.fromarray(random.randint(0, 256, (height, width)).astype(numpy.uint8))
y, x = numpy.mgrid[0:height, 0:width]
smooth = numpy.stack([(x * 17 + y * 5 + 40 * c) % 256 for c in range(4)], axis=2).astype(numpy.uint8)

add("profile rgb PNG", save(rgb, "PNG", icc_profile=wide), to_srgb(rgb, wide), 1)
expected = numpy.concatenate([to_srgb(rgba.convert("RGB"), wide), numpy.asarray(rgba)[:, :, 3:]], axis=2)
add("profile rgba PNG", save(rgba, "PNG", icc_profile=wide), expected, 1)
add("profile grey PNG", save(grey, "PNG", icc_profile=dim), numpy.asarray(to_srgb(grey, dim))[:, :, 1], 1)
add("profile rgb WebP", save(rgb, "WEBP", lossless=True, icc_profile=wide), to_srgb(rgb, wide), 1)
jpeg = save(Image.fromarray(smooth[:, :, :3]), "JPEG", quality=95, subsampling=0, icc_profile=wide)
add("profile rgb JPEG", jpeg, to_srgb(Image.open(io.BytesIO(jpeg)), wide), 4)
jpeg = save(Image.fromarray(smooth, "CMYK"), "JPEG", quality=95, icc_profile=inks())
add("profile cmyk JPEG", jpeg, to_srgb(Image.open(io.BytesIO(jpeg)), inks()), 4)
add("profile of another kind", save(grey, "PNG", icc_profile=wide), grey)
add("profile that is none", save(rgb, "PNG", icc_profile=wide[:200]), rgb)

add("WebP lossless", save(rgb, "WEBP", lossless=True), rgb)
add("WebP lossless with alpha", save(rgba, "WEBP", lossless=True, exact=True), rgba)
lossy = save(Image.fromarray(smooth[:, :, :3]), "WEBP", quality=90)
add("WebP", lossy, Image.open(io.BytesIO(lossy)).convert("RGB"))
lossy = save(Image.fromarray(smooth), "WEBP", quality=90)
add("WebP with alpha", lossy, Image.open(io.BytesIO(lossy)).convert("RGBA"))
for orientation in (3, 6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = save(rgb, "WEBP", lossless=True, exif=exif)
    add(f"orientation {orientation} WebP", file, ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))

text = "\n".join("\t".join(str(cell) for cell in row) for row in rows) + "\n"
(Path(__file__).parent / "profiles.tsv").write_text(text)
print(len(rows), "pictures,", len(text), "bytes")
