"""Times the parts of a Stable Diffusion 1.5 in OpenVINO: static shapes, one stream.

    python openvino_sd15.py f32|bf16 THREADS FOLDER

Converted models are kept beside the folder in FOLDER/openvino.
"""
import pathlib
import sys

import numpy
import openvino
import torch
from common import measure, threads
from diffusers import AutoencoderKL, UNet2DConditionModel

FOLDER = pathlib.Path(sys.argv[3])
CACHE = FOLDER / "openvino"


class Decoder(torch.nn.Module):
    """The decoding half of an autoencoder, with the signature that conversion needs."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latents):
        return self.vae.decode(latents, return_dict=False)[0]


def converted(name, build, example, shapes):
    """The model called `name`, converted from torch the first time."""
    path = CACHE / f"{name}.xml"
    if not path.exists():
        with torch.inference_mode():
            model = openvino.convert_model(build(), example_input=example, input=shapes)
        CACHE.mkdir(exist_ok=True)
        openvino.save_model(model, path, compress_to_fp16=True)
    return openvino.Core().read_model(path)


def unet(batch):
    class Unet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.unet = UNet2DConditionModel.from_pretrained(FOLDER, subfolder="unet", torch_dtype=torch.float32)

        def forward(self, latents, timestep, hidden):
            return self.unet(latents, timestep, hidden, return_dict=False)[0]

    example = (torch.randn(batch, 4, 64, 64), torch.tensor(500.0), torch.randn(batch, 77, 768))
    return converted(f"unet-{batch}", Unet, example, [list(value.shape) for value in example])


def decoder():
    def build():
        return Decoder(AutoencoderKL.from_pretrained(FOLDER, subfolder="vae", torch_dtype=torch.float32))

    return converted("decoder", build, (torch.randn(1, 4, 64, 64),), [[1, 4, 64, 64]])


options = {"INFERENCE_PRECISION_HINT": sys.argv[1], "INFERENCE_NUM_THREADS": threads(), "NUM_STREAMS": 1}
for name, model in (("unet 64x64 batch 1", unet(1)), ("unet 64x64 batch 2", unet(2)), ("vae decode 512x512", decoder())):
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    inputs = [numpy.full(list(port.shape), 0.5, numpy.float32) for port in request.model_inputs]
    measure(name, lambda: request.infer(inputs), repeats=3)
