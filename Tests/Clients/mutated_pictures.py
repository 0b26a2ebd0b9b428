"""Requests with pictures of every kind and sort of damage, in all three dialects: each is answered by pictures of the right
size, or by a refusal that says why, and the daemon lives on.

    LAZULI_SOCKET=... LAZULI_STATE=... python mutated_pictures.py [requests] [seed]
"""

import base64
import io
import json
import os
import random
import struct
import sys
import zlib

import httpx
from PIL import Image

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 120
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
client = httpx.Client(
    base_url="http://lazuli", transport=httpx.HTTPTransport(uds=os.environ["LAZULI_SOCKET"]), timeout=120)
SIDES = [1, 2, 3, 7, 8, 9, 31, 64, 65, 100, 127, 128, 129, 200, 255, 333]


def file(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def noise(mode, size):
    small = Image.frombytes("RGB", (4, 4), rng.randbytes(48)).resize(size, Image.Resampling.BICUBIC)
    if mode in ("RGBA", "LA"):
        small.putalpha(Image.linear_gradient("L").resize(size))
    return small.convert(mode)


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def picture():
    """A file and its upright size, None where it must be refused."""
    size = rng.choice(SIDES), rng.choice(SIDES)
    if rng.random() < 0.05:
        size = rng.choice([(4096, 1), (1, 4096), (4096, 33), (1500, 1100)])
    kind = rng.choice(["png", "png", "grey", "alpha", "greyalpha", "palette", "deep", "jpeg", "cmyk", "turned", "webp"])
    if kind == "jpeg":
        return file(noise("RGB", size), "JPEG", quality=rng.randrange(1, 100)), size
    if kind == "cmyk":
        return file(noise("CMYK", size), "JPEG"), size
    if kind == "turned":
        orientation = rng.randrange(1, 9)
        return file(noise("RGB", size), "JPEG", exif=exif(orientation)), size if orientation < 5 else size[::-1]
    if kind == "webp":
        return file(noise(rng.choice(["RGB", "RGBA"]), size), "WEBP", lossless=rng.random() < 0.5), size
    if kind == "deep":
        return file(noise("L", size).convert("I;16"), "PNG"), size
    mode = {"png": "RGB", "grey": "L", "alpha": "RGBA", "greyalpha": "LA", "palette": "P"}[kind]
    return file(noise(mode, size), "PNG"), size


def header(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""))


def broken():
    """A file that is none of ours."""
    whole, _ = picture()
    kind = rng.randrange(9)
    if kind == 0:
        return b""
    if kind == 1:
        return whole[:rng.randrange(1, max(2, len(whole) // 2))]
    if kind == 2:
        return header(100_000, 100_000)
    if kind == 3:
        return header(rng.choice([0, 65_536]), 4)
    if kind == 4:
        brand = rng.choice([b"heic", b"mif1", b"avif"])
        return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1" + rng.randbytes(200)
    if kind == 5:
        return file(noise("RGB", (9, 9)), rng.choice(["GIF", "BMP", "TIFF"]))
    if kind == 6:
        frames = [noise("RGB", (16, 16)) for _ in range(3)]
        return file(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=10)
    if kind == 7:
        return rng.randbytes(rng.randrange(1, 3000))
    return b"%PDF-1.7\n" + rng.randbytes(300)


def check(reply, sizes, must_fail, what):
    """`sizes` of the pictures in a good reply; nothing else may be one."""
    assert reply.status_code < 500, (what, reply.status_code, reply.text[:300])
    if reply.status_code >= 400:
        body = reply.json()
        words = body.get("detail") or body["error"]["message"]
        assert len(words) > 10, (what, body)
        return False
    assert not must_fail, (what, "was taken")
    wanted, found = sizes(reply.json())
    assert found and all(size == wanted for size in found), (what, wanted, found)
    return True


def size_of(text):
    return Image.open(io.BytesIO(base64.b64decode(text.split(",")[-1]))).size


def native(data, size, mask, bad):
    """A job over uploaded files, followed to its end."""
    names = []
    for part in [data, mask]:
        if part is None:
            continue
        reply = client.post("/v1/blobs", content=part)
        assert reply.status_code < 500, (reply.status_code, reply.text[:200])
        if reply.status_code >= 400:
            assert len(reply.json()["error"]["message"]) > 10
            return False
        names.append(reply.json()["sha256"])
    body = {"kind": rng.choice(["generate", "edit"]), "prompt": "a cat", "image": names[0], "steps": rng.choice([1, 2]), "seed": 1}
    strange = False
    if body["kind"] == "generate":
        if mask is not None:
            body["mask"] = names[1]
        value = rng.choice([None, None, 0.5, 1, 0.001, 0, -1, 2, "x", "NaN"])
        if value is not None:
            body["strength"] = value
        strange |= value in (0, -1, 2, "x", "NaN")
        if rng.random() < 0.2:
            body["extend_left"] = rng.choice([1, 5, 40])
    if rng.random() < 0.1:
        body[rng.choice(["nonsense", "controlnet"])], strange = 1, True
    reply = client.post("/v1/jobs", content=json.dumps(body).replace('"NaN"', "NaN"))
    assert reply.status_code < 500, (body, reply.text[:300])
    if reply.status_code >= 400:
        error = reply.json()["error"]
        assert len(error["message"]) > 10, error
        return False
    assert not strange or "nonsense" in body or "controlnet" in body, body
    job = None
    with client.stream("GET", f"/v1/jobs/{reply.json()['id']}/events") as stream:
        name = None
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name == "result":
                job = json.loads(line[6:])
    if job["state"] == "failed":
        error = job["error"]
        assert error["type"] == "invalid_request_error" and len(error["message"]) > 10, (body, error)
        return False
    assert job["state"] == "succeeded" and not bad, (body, job)
    width, height = size
    width += body.get("extend_left", 0)
    found = client.get(job["outputs"][0]["url"]).content
    assert Image.open(io.BytesIO(found)).size == (width, height), (body, size)
    return True


def openai(data, size, mask, bad):
    text = rng.choice(["auto", "auto", "128x128", "64x96", "0x0", "61x47", "x", "100000x1"])
    fields = {"prompt": "a cat", "size": text, "steps": "1"}
    name = rng.choice(["image", "image[]"])
    files = {name: ("a", data, "image/png")}
    if mask is not None:
        files["mask"] = ("m", mask, "image/png")
    if rng.random() < 0.3:
        body = fields | {"steps": 1, "images": [{"image_url": "data:image/png;base64," + base64.b64encode(data).decode()}]}
        if mask is not None:
            body["mask"] = {"image_url": "data:image/png;base64," + base64.b64encode(mask).decode()}
        reply = client.post("/v1/images/edits", json=body)
    else:
        reply = client.post("/v1/images/edits", data=fields, files=files)
    wanted = size if text == "auto" else tuple(int(side) for side in text.split("x") if side)
    return check(
        reply, lambda body: (wanted, [size_of(entry["b64_json"]) for entry in body["data"]]), bad, ("openai", text, size))


def a1111(data, size, mask, bad):
    body = {
        "init_images": [base64.b64encode(data).decode()], "prompt": "a (cat:1.2)", "steps": 1, "cfg_scale": 2,
        "denoising_strength": rng.choice([0, 0.4, 1, -1, "x", None])}
    if rng.random() < 0.5:
        body |= {"width": rng.choice([64, 128, 61, 0, 5000]), "height": rng.choice([64, 128])}
    if mask is not None:
        body |= {"mask": base64.b64encode(mask).decode(), "inpainting_fill": rng.choice([0, 1, 2]), "mask_blur": 0,
                 "inpaint_full_res": rng.random() < 0.5}
    reply = client.post("/sdapi/v1/img2img", json=body)
    wanted = (body["width"], body["height"]) if "width" in body else size
    if mask is not None and body["inpaint_full_res"]:
        wanted = size
    return check(
        reply, lambda body: (wanted, [size_of(text) for text in body["images"]]), bad,
        ("a1111", size, {key: value for key, value in body.items() if key not in ("init_images", "mask")}))


before = client.get("/v1/status").json()
drawn = 0
for number in range(COUNT):
    bad = rng.random() < 0.35
    data, size = (broken(), None) if bad else picture()
    mask = None
    if rng.random() < 0.35 and not bad:
        mask_size = size if rng.random() < 0.7 else (rng.choice(SIDES), rng.choice(SIDES))
        mask = broken() if rng.random() < 0.15 else file(noise(rng.choice(["L", "RGBA", "RGB"]), mask_size), "PNG")
    dialect = rng.choice([native, openai, a1111])
    try:
        drawn += dialect(data, size, mask, bad)
    except Exception:
        print(f"request {number}, {dialect.__name__}, a picture of {size}", file=sys.stderr)
        raise
after = client.get("/v1/status").json()
assert after["pid"] == before["pid"] and after["worker_deaths"] == before["worker_deaths"] == 0, (before, after)
left = [name for name in os.listdir(os.path.join(os.environ["LAZULI_STATE"], "blobs")) if name.startswith("upload-")]
assert not left, left
assert COUNT / 5 < drawn < COUNT, drawn
print(f"{COUNT} mutated requests with pictures: {drawn} drawn, the others refused with a reason")
