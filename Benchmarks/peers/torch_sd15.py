"""Times the parts of a Stable Diffusion 1.5 in torch (channels last), one process a precision.

    python torch_sd15.py f32|bf16 THREADS FOLDER
"""
import sys

import torch
from common import measure, threads
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

TYPE = {"f32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
FOLDER = sys.argv[3]

torch.set_num_threads(threads())
torch.manual_seed(0)
load = dict(torch_dtype=TYPE)
unet = UNet2DConditionModel.from_pretrained(FOLDER, subfolder="unet", **load).to(memory_format=torch.channels_last)
vae = AutoencoderKL.from_pretrained(FOLDER, subfolder="vae", **load).to(memory_format=torch.channels_last)
text = CLIPTextModel.from_pretrained(FOLDER, subfolder="text_encoder", dtype=TYPE)
with torch.inference_mode():
    ids = torch.randint(0, 49000, (1, 77))
    measure("text encoder 77 tokens", lambda: text(ids))
    for batch in (1, 2):
        x = torch.randn(batch, 4, 64, 64, dtype=TYPE).to(memory_format=torch.channels_last)
        c = torch.randn(batch, 77, 768, dtype=TYPE)
        measure(f"unet 64x64 batch {batch}", lambda: unet(x, 500, c), repeats=3)
    z = torch.randn(1, 4, 64, 64, dtype=TYPE).to(memory_format=torch.channels_last)
    measure("vae decode 512x512", lambda: vae.decode(z), repeats=3)
