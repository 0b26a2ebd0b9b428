"""webuiapi, a client of AUTOMATIC1111's dialect, against a running daemon through a forwarded socket.

    LAZULI_SOCKET=... python webuiapi_client.py     # ends with 0 when every call did what the client expects
"""

import base64
import io
import os
import socket
import threading
import time

import webuiapi
from PIL import Image, ImageDraw


def forward():
    """A port of this machine behind which the daemon's socket lies."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        try:
            while part := source.recv(65536):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept():
        while True:
            near = listener.accept()[0]
            far = socket.socket(socket.AF_UNIX)
            far.connect(os.environ["LAZULI_SOCKET"])
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


api = webuiapi.WebUIApi(host="127.0.0.1", port=forward())

assert "lazuli-mini" in api.util_get_model_names() and api.util_get_current_model() == "lazuli-mini"
assert "Euler a" in api.util_get_sampler_names() and "Karras" in api.util_get_scheduler_names()
assert api.get_progress()["progress"] == 0 and api.get_embeddings() == {"loaded": {}, "skipped": {}}
options = api.get_options()
options["CLIP_stop_at_last_layers"] = 1
assert api.set_options(options) is None and set(options) <= set(api.get_options())

# From a prompt
drawn = api.txt2img(prompt="a red apple on a blue background", steps=4, cfg_scale=3, seed=1, width=128, height=128,
                    sampler_name="Euler", batch_size=2)
assert [picture.size for picture in drawn.images] == [(128, 128)] * 2
assert drawn.info["seed"] == 1 and drawn.info["all_seeds"] == [1, 2] and drawn.info["sampler_name"] == "Euler"
assert "Steps: 4" in drawn.info["infotexts"][0] and drawn.parameters["steps"] == 4
again = api.txt2img(prompt="a red apple on a blue background", steps=4, cfg_scale=3, seed=1, width=128, height=128,
                    sampler_name="Euler")
assert again.image.tobytes() == drawn.images[0].tobytes()

# What a picture's file tells
told = api.png_info(drawn.images[0])
assert told.info.startswith("a red apple") and "Seed: 1" in told.info, told.info
assert api.png_info(Image.new("RGB", (9, 9))).info == ""

# From a picture, and under a mask
changed = api.img2img(images=[drawn.images[0]], prompt="a green pear on a blue background", steps=4, cfg_scale=3, seed=2,
                      width=128, height=128, denoising_strength=0.7)
assert changed.image.size == (128, 128) and changed.info["denoising_strength"] == 0.7
photo = Image.effect_mandelbrot((150, 110), (-2, -1.2, 1, 1.2), 60).convert("RGB")
mask = Image.new("L", photo.size)
ImageDraw.Draw(mask).rectangle((40, 30, 99, 79), fill=255)
painted = api.img2img(images=[photo], mask_image=mask, mask_blur=0, prompt="a cat", steps=3, cfg_scale=3, seed=3, width=128,
                      height=128, inpainting_fill=1, inpaint_full_res=True, inpaint_full_res_padding=8).image.convert("RGB")
assert painted.size == photo.size
outside = [(x, y) for x in range(photo.width) for y in range(photo.height) if not mask.getpixel((x, y))]
assert all(painted.getpixel(at) == photo.getpixel(at) for at in outside)
assert any(painted.getpixel((x, y)) != photo.getpixel((x, y)) for x in range(40, 100) for y in range(30, 80))
inverted = api.img2img(images=[photo], mask_image=mask, mask_blur=0, inpainting_mask_invert=1, prompt="a cat", steps=2, seed=3,
                       width=150, height=110, inpainting_fill=1, inpaint_full_res=False, cfg_scale=3).image.convert("RGB")
assert all(inverted.getpixel((x, y)) == photo.getpixel((x, y)) for x in range(40, 100) for y in range(30, 80))
larger = api.extra_single_image(photo, upscaler_1="Lanczos", upscaling_resize=2)
assert larger.image.size == (300, 220)

# A job under way
results = []
thread = threading.Thread(target=lambda: results.append(
    api.session.post(f"{api.baseurl}/txt2img", json={"prompt": "a cat", "steps": 400, "width": 256, "height": 256, "cfg_scale": 3})))
thread.start()
seen = set()
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    progress = api.get_progress()
    seen.add(round(progress["progress"], 3))
    if progress["state"]["sampling_step"] > 3 and progress["current_image"]:
        break
    time.sleep(0.02)
assert Image.open(io.BytesIO(base64.b64decode(progress["current_image"]))).size == (256, 256)
blind = api.session.get(f"{api.baseurl}/progress", params={"skip_current_image": True}).json()
assert blind["current_image"] is None and blind["state"]["job_count"] == 1
assert len(seen) > 1 and progress["state"]["sampling_steps"] == 400 and progress["state"]["job_count"] == 1, progress
assert api.interrupt() == {}
thread.join(20)
assert results and results[0].status_code != 200
assert api.get_progress()["progress"] == 0


def refused(status, path, body):
    reply = api.session.post(f"{api.baseurl}/{path}", json=body)
    assert reply.status_code == status and reply.json()["detail"], (path, body, reply.text)


refused(404, "txt2img", {"prompt": "p", "override_settings": {"sd_model_checkpoint": "nothing"}})
refused(404, "txt2img", {"prompt": "p", "sampler_name": "nothing"})
refused(422, "txt2img", {"prompt": "p", "steps": 0})
refused(422, "txt2img", {"prompt": "p", "script_name": "x/y/z plot"})
refused(422, "txt2img", {"prompt": "p", "alwayson_scripts": {"controlnet": {"args": [{"enabled": True}]}}})
refused(404, "img2img", {"prompt": "p", "init_images": None})
refused(422, "img2img", {"prompt": "p", "init_images": ["%%%"]})
refused(404, "options", {"sd_model_checkpoint": "nothing"})
print("webuiapi: everything as it expects")
