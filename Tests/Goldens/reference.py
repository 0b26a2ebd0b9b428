"""Draws with diffusers what `lazuli generate` has to draw: the judge of end-to-end parity.

    python reference.py MODEL PROMPT -o OUT.png [--negative TEXT] [--seed N] [--sampler NAME] [--schedule NAME] [--steps N]
                        [--guidance X] [--size WxH] [--config FOLDER]
    python reference.py --compare A.png B.png        # largest difference of a channel, share of pixels above 2, PSNR

MODEL is a folder of make_checkpoints.py or a .safetensors of it; the latter takes its configuration from --config, the folder
of the same variant. f32 on one thread; the noise is torch.randn of the seed on the CPU.
"""

import argparse
import json
import logging
import math
import os
import pathlib
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.simplefilter("ignore")

import numpy as np
from PIL import Image

SAMPLERS = {
    "euler": ("EulerDiscreteScheduler", {}), "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}), "dpm_2": ("KDPM2DiscreteScheduler", {}), "lms": ("LMSDiscreteScheduler", {}),
    "ddim": ("DDIMScheduler", {}), "ddpm": ("DDPMScheduler", {}), "pndm": ("PNDMScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_sde": ("DPMSolverSDEScheduler", {}), "uni_pc": ("UniPCMultistepScheduler", {}), "lcm": ("LCMScheduler", {}),
    "dpm_2_ancestral": ("KDPM2AncestralDiscreteScheduler", {}), "deis_diffusers": ("DEISMultistepScheduler", {}),
    "dpmpp_2s": ("DPMSolverSinglestepScheduler", {"algorithm_type": "dpmsolver++"}), "tcd": ("TCDScheduler", {}),
    "dpmpp_3m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 3}),
    "sa_solver_diffusers": ("SASolverScheduler", {"algorithm_type": "data_prediction"}),
}
SCHEDULES = {
    "linspace": {"timestep_spacing": "linspace"}, "leading": {"timestep_spacing": "leading"},
    "trailing": {"timestep_spacing": "trailing"}, "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True}, "use_beta_sigmas": {"use_beta_sigmas": True},
}


def load(arguments):
    """The pipeline with the sampler and schedule that were asked for."""
    import diffusers
    import torch
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    if arguments.model.suffix == ".safetensors":
        kind = "StableDiffusionXLPipeline" if (arguments.config / "text_encoder_2").exists() else "StableDiffusionPipeline"
        pipeline = getattr(diffusers, kind).from_single_file(arguments.model, config=str(arguments.config), local_files_only=True)
    else:
        # A tiny DreamLite has no processor: that belongs to editing.
        index = json.loads((arguments.model / "model_index.json").read_text())
        lacks = index["_class_name"] == "DreamLitePipeline" and not (arguments.model / "processor").exists()
        absent = {"processor": None} if lacks else {}
        variant = "fp16" if any(arguments.model.glob("unet/*.fp16.*")) else None
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            arguments.model, variant=variant, torch_dtype=torch.float32, **absent)
    is_flow = "flow" in type(pipeline.scheduler).__name__.lower()
    changes = dict(SCHEDULES.get(arguments.schedule, {}))
    if arguments.sampler and not (is_flow and arguments.sampler == "euler"):
        kind, fixed = SAMPLERS[arguments.sampler]
        changes |= fixed
        if arguments.sampler == "dpmpp_sde":
            changes["noise_sampler_seed"] = arguments.seed
        pipeline.scheduler = getattr(diffusers, kind).from_config(pipeline.scheduler.config, **changes)
    elif changes:
        pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config, **changes)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(arguments):
    import torch

    torch.set_num_threads(1)
    pipeline = load(arguments)
    width, height = (int(side) for side in arguments.size.split("x"))
    options = {"negative_prompt": arguments.negative} if arguments.negative is not None else {}
    with torch.no_grad():
        return pipeline(
            arguments.prompt, width=width, height=height, num_inference_steps=arguments.steps,
            guidance_scale=arguments.guidance, generator=torch.Generator().manual_seed(arguments.seed), **options).images[0]


def difference(first, second):
    """Largest difference of a channel, share of channels above 2, and PSNR in dB of two picture files."""
    first, second = (np.asarray(Image.open(path).convert("RGB"), dtype=np.int64) for path in (first, second))
    if first.shape != second.shape:
        sys.exit(f"sizes differ: {first.shape} and {second.shape}")
    apart = np.abs(first - second)
    power = float((apart**2).mean())
    psnr = math.inf if power == 0 else 10 * math.log10(255**2 / power)
    return int(apart.max()), float((apart > 2).mean()), psnr


def parser():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("prompt")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("-o", "--output", type=pathlib.Path, default="reference.png")
    parser.add_argument("--config", type=pathlib.Path)
    parser.add_argument("--negative")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sampler", choices=SAMPLERS)
    parser.add_argument("--schedule", choices=SCHEDULES)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--size", default="128x128")
    return parser


def main():
    logging.disable(logging.WARNING)
    arguments = parser().parse_args()
    if arguments.compare:
        largest, share, psnr = difference(arguments.model, arguments.prompt)
        print(f"largest {largest}  above 2: {100 * share:.3f} %  PSNR {psnr:.1f} dB")
        sys.exit(largest > 2)
    draw(arguments).save(arguments.output)


if __name__ == "__main__":
    main()
