"""Writes the goldens of drawings that begin from a picture: image-to-image, inpainting and editing by instruction, drawn by
diffusers' pipelines in f32.

    python source_goldens.py [--out DIR] [--seed N] [--only NAME]... [--widen K]

They are whole tiny models as those of make_goldens.py, whose options these are. A request names its pictures by the number
of a tensor: "image": 0 is source.0 [H, W, 3], "mask": 0 is mask.0 [H, W], both in 0 ... 255.
"""

import numpy as np
import torch
from PIL import Image

import make_goldens as goldens
import weights
from make_goldens import NOISE, case, small_unet, small_vae, text_encoder, tokenizer

goldens.CASES.clear()

SCHEDULERS = {
    "euler": ("EulerDiscreteScheduler", {}), "heun": ("HeunDiscreteScheduler", {}), "ddim": ("DDIMScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}), "uni_pc": ("UniPCMultistepScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}), "lcm": ("LCMScheduler", {}),
}


def source(seed, width, height):
    """A picture of soft shapes."""
    coarse = (weights.uniform("source", seed, 5 * 5 * 3).reshape(5, 5, 3) * 127 + 128).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def masks(width, height):
    """A hard square, and a slope that is cut at its half."""
    square = np.zeros((height, width), np.uint8)
    square[height // 4 : height * 3 // 4, width // 4 : width * 7 // 8] = 255
    slope = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    return [Image.fromarray(square), Image.fromarray(slope)]


def drawn(family, seed, requests, size=(32, 32), extra=(), **parts):
    """A golden of a model saved by the pipeline family.save, its requests drawn by the pipeline of their kind."""
    import diffusers

    picture, hidden = source(seed, *size), masks(*size)

    def build(**parts):
        more = {name: None for name in extra}
        if "XL" not in family["save"]:
            more |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        elif "InstructPix2Pix" not in family["save"]:
            more["add_watermarker"] = False
        return getattr(diffusers, family["save"])(**parts, **more)

    config, table, _ = goldens.pipeline(build, seed, [], **parts)
    tensors = {"source.0": np.asarray(picture, np.float32)}
    tensors |= {f"mask.{i}": np.asarray(mask, np.float32) for i, mask in enumerate(hidden)}
    for number, request in enumerate(requests):
        scheduler = parts["scheduler"]
        if "sampler" in request:
            name, fixed = SCHEDULERS[request["sampler"]]
            # As of a saved model, whose file states every value: of one in memory defaults would not be handed on.
            stated = {key: value for key, value in scheduler.config.items() if key != "_use_default_values"}
            scheduler = getattr(diffusers, name).from_config(stated, **fixed)
        kind = "edit" if request.get("kind") == "edit" else "inpaint" if "mask" in request else "image"
        more = {} if "XL" in family[kind] else {
            "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        model = getattr(diffusers, family[kind])(**(parts | {"scheduler": scheduler}), **more)
        model.set_progress_bar_config(disable=True)
        options = dict(image=picture, guidance_scale=request["guidance"], num_inference_steps=request["steps"])
        if kind == "inpaint":
            options |= dict(mask_image=hidden[request["mask"]], width=size[0], height=size[1])
        if kind == "edit":
            options["image_guidance_scale"] = request["image_guidance"]
            if "XL" in family[kind]:
                options |= dict(width=size[0], height=size[1])
        else:
            options["strength"] = request["strength"]
        if "negative_prompt" in request:
            options["negative_prompt"] = request["negative_prompt"]
        result = model(
            request["prompt"], generator=torch.Generator().manual_seed(number), output_type="pt", **options).images[0]
        tensors[str(number)] = (result.permute(1, 2, 0) * 255).round()
    config["requests"] = requests
    return config, table, {name: torch.as_tensor(value) for name, value in tensors.items()}


def begun(**change):
    return {"prompt": "two cats", "negative_prompt": "a dog", "guidance": 4.0, "image": 0, "steps": 5, "strength": 0.7} | change


def repainted(**change):
    return begun(**({"mask": 0, "unmasked": "model"} | change))


def edited(**change):
    request = {"kind": "edit", "prompt": "a red apple on a blue background", "guidance": 4.0, "image_guidance": 1.6, "image": 0}
    return request | {"steps": 4} | change


SD = {
    "save": "StableDiffusionPipeline", "image": "StableDiffusionImg2ImgPipeline", "inpaint": "StableDiffusionInpaintPipeline",
    "edit": "StableDiffusionInstructPix2PixPipeline"}
XL = {
    "save": "StableDiffusionXLPipeline", "image": "StableDiffusionXLImg2ImgPipeline",
    "inpaint": "StableDiffusionXLInpaintPipeline", "edit": "StableDiffusionXLInstructPix2PixPipeline"}


def sd(seed, k, **more):
    from diffusers import PNDMScheduler

    return dict(
        text_encoder=text_encoder(seed, 32 * k, 3), tokenizer=tokenizer("<|endoftext|>"), unet=small_unet(32 * k, **more),
        vae=small_vae(), scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True))


def xl(seed, k, **more):
    from diffusers import EulerDiscreteScheduler

    return dict(
        text_encoder=text_encoder(seed, 16 * k, 3), tokenizer=tokenizer("<|endoftext|>"),
        text_encoder_2=text_encoder(seed, 32 * k, 4, projection=24 * k), tokenizer_2=tokenizer("!"),
        unet=small_unet(
            48 * k, use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=24 * k + 6 * 8, **more),
        vae=small_vae(), scheduler=EulerDiscreteScheduler(**NOISE, timestep_spacing="leading"))


@case("source-sd1")
def _(seed, k):
    return drawn(SD, seed, [
        begun(), begun(sampler="euler", strength=1.0), begun(sampler="dpmpp_2m", guidance=1.0), begun(sampler="heun"),
        begun(sampler="uni_pc", strength=0.45), begun(sampler="euler_ancestral"),
    ], **sd(seed, k))


@case("source-sd1-mask")
def _(seed, k):
    return drawn(SD, seed, [
        repainted(), repainted(sampler="ddim", strength=1.0), repainted(sampler="dpmpp_2m", mask=1), repainted(sampler="heun", strength=0.5),
    ], **sd(seed, k))


@case("source-sdxl")
def _(seed, k):
    return drawn(XL, seed, [
        begun(), begun(sampler="dpmpp_2m", strength=0.5), repainted(strength=1.0), repainted(sampler="ddim"),
    ], size=(32, 40), **xl(seed, k))


@case("source-inpaint")
def _(seed, k):
    return drawn(SD | {"save": SD["inpaint"]}, seed, [
        repainted(strength=1.0), repainted(sampler="euler"), repainted(sampler="dpmpp_2m", mask=1, guidance=1.0),
    ], size=(40, 32), **sd(seed, k, in_channels=9))


@case("source-inpaint-xl")
def _(seed, k):
    return drawn(XL | {"save": XL["inpaint"]}, seed, [
        repainted(strength=1.0), repainted(sampler="ddim", mask=1),
    ], **xl(seed, k, in_channels=9))


@case("source-instruct")
def _(seed, k):
    return drawn(SD | {"save": SD["edit"]}, seed, [
        edited(), edited(sampler="euler_ancestral"), edited(guidance=1.0), edited(sampler="dpmpp_2m", image_guidance=1.0),
    ], size=(32, 40), **sd(seed, k, in_channels=8))


@case("source-instruct-xl")
def _(seed, k):
    return drawn(XL | {"save": XL["edit"]}, seed, [
        edited(), edited(sampler="ddim", negative_prompt="a dog"),
    ], **xl(seed, k, in_channels=8))


if __name__ == "__main__":
    goldens.main()
