"""Writes whole tiny pipelines as diffusers saves them, with computed weights (weights.py): the checkpoints of end-to-end
parity. reference.py draws with them in diffusers; `lazuli generate -m NAME` must draw the same.

    python make_checkpoints.py OUT [--variant NAME]... [--seed N] [--widen K] [--layers L]

Variants: sd1 sd2 sdxl sdxl-turbo dreamlite, each a folder OUT/NAME, and sd1-single, sd2-single, sdxl-single:
OUT/NAME.safetensors with the key names of the original repositories, holding the weights of sd1, sd2 and sdxl. Sizes follow
what a reader can tell of a single file: heads of 64 (8 heads in sd1's UNet), groups of 32, CLIP's own vocabulary.
"""

import argparse
import json
import logging
import os
import pathlib
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.simplefilter("ignore")

import diffusers
import torch
import transformers
from safetensors.torch import save_file

import original_names
import weights

diffusers.utils.logging.set_verbosity_error()
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)
torch.set_num_threads(1)
torch.set_grad_enabled(False)

VOCABULARY = pathlib.Path(os.environ.get("LAZULI_CLIP_TOKENIZER", pathlib.Path(__file__).parents[2] / "models/clip-tokenizer"))
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1, "clip_sample": False}
FOUR_LEVELS = {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}


def filled(module, seed):
    weights.fill(module, seed)
    return module.eval()


def clip_tokenizer(padding="<|endoftext|>"):
    return transformers.CLIPTokenizer.from_pretrained(VOCABULARY, model_max_length=77, pad_token=padding)


def clip_text(seed, width, activation, projection=None):
    config = transformers.CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=3,
        num_attention_heads=max(width // 64, 1), hidden_act=activation, projection_dim=projection or width,
        bos_token_id=0, eos_token_id=2)
    kind = transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel
    return filled(kind(config), seed)


def autoencoder(seed, k, scale, layers):
    return filled(
        diffusers.AutoencoderKL(
            latent_channels=4, block_out_channels=[32 * k, 32 * k, 64 * k, 64 * k], layers_per_block=layers,
            norm_num_groups=32, scaling_factor=scale, sample_size=128, **FOUR_LEVELS), seed)


def unet(seed, **config):
    return filled(diffusers.UNet2DConditionModel(sample_size=16, in_channels=4, out_channels=4, norm_num_groups=32, **config), seed)


def stable_diffusion(text_encoder, unet, vae, scheduler, tokenizer):
    return diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False)


def sd1(seed, k, layers):
    return stable_diffusion(
        clip_text(seed, 64 * k, "quick_gelu"),
        unet(
            seed, block_out_channels=[32 * k, 64 * k, 64 * k], layers_per_block=layers, attention_head_dim=8,
            cross_attention_dim=64 * k, down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
            up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
        autoencoder(seed, k, 0.18215, layers),
        diffusers.PNDMScheduler(**{key: value for key, value in NOISE.items() if key != "clip_sample"}, skip_prk_steps=True),
        clip_tokenizer())


def sd2(seed, k, layers):
    return stable_diffusion(
        clip_text(seed, 64 * k, "gelu"),
        unet(
            seed, block_out_channels=[64 * k, 128 * k], layers_per_block=layers, attention_head_dim=[k, 2 * k],
            cross_attention_dim=64 * k, use_linear_projection=True, down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
            up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"]),
        autoencoder(seed, k, 0.18215, layers),
        diffusers.DDIMScheduler(**NOISE, set_alpha_to_one=False, prediction_type="v_prediction"), clip_tokenizer("!"))


def sdxl(seed, k, layers, scheduler=None):
    return diffusers.StableDiffusionXLPipeline(
        vae=autoencoder(seed, k, 0.13025, layers), text_encoder=clip_text(seed, 64 * k, "quick_gelu"),
        text_encoder_2=clip_text(seed + 1, 128 * k, "gelu", projection=64 * k), tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer("!"),
        unet=unet(
            seed, block_out_channels=[64 * k, 128 * k, 128 * k], layers_per_block=layers, attention_head_dim=[k, 2 * k, 2 * k],
            cross_attention_dim=192 * k, use_linear_projection=True, transformer_layers_per_block=[1, 1, 2],
            down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
            up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], addition_embed_type="text_time",
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=64 * k + 6 * 256),
        # from_config keeps the keys that the class does not know, as the published scheduler_config.json does.
        scheduler=scheduler or diffusers.EulerDiscreteScheduler.from_config(NOISE | {"timestep_spacing": "leading"}),
        add_watermarker=False)


def sdxl_turbo(seed, k, layers):
    noise = {key: value for key, value in NOISE.items() if key not in ("clip_sample", "steps_offset")}
    return sdxl(seed + 10, k, layers, diffusers.EulerAncestralDiscreteScheduler(**noise, timestep_spacing="trailing", steps_offset=1))


def dreamlite(seed, k, layers):
    tokenizer = qwen_tokenizer()
    config = transformers.Qwen3VLConfig(
        text_config=dict(
            vocab_size=512, hidden_size=64 * k, intermediate_size=96 * k, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, max_position_embeddings=1024,
            rope_parameters={"rope_type": "default", "rope_theta": 5000000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}),
        vision_config=dict(
            depth=1, hidden_size=16, intermediate_size=16, num_heads=1, out_hidden_size=64 * k, patch_size=4,
            spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=16, deepstack_visual_indexes=[0]),
        tie_word_embeddings=True, image_token_id=508, video_token_id=509, vision_start_token_id=506, vision_end_token_id=507)
    return diffusers.DreamLitePipeline(
        text_encoder=filled(transformers.Qwen3VLForConditionalGeneration(config), seed), tokenizer=tokenizer, processor=None,
        vae=autoencoder_tiny(seed, k),
        unet=filled(
            diffusers.models.DreamLiteUNetModel(
                sample_size=16, block_out_channels=[32 * k, 64 * k, 64 * k], norm_num_groups=16, attention_head_dim=[2, 4, 4],
                cross_attention_dim=48 * k, encoder_hid_dim=64 * k, encoder_hid_dim_type="text_proj_rms",
                transformer_layers_per_block=[1, 1, 2], layers_per_block=layers, use_linear_projection=True,
                addition_embed_type="time", addition_time_embed_dim=16, projection_class_embeddings_input_dim=32), seed),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.5, max_shift=1.16, base_image_seq_len=256, max_image_seq_len=4096))


def autoencoder_tiny(seed, k):
    model = filled(
        diffusers.AutoencoderTiny(
            encoder_block_out_channels=[16 * k] * 4, decoder_block_out_channels=[16 * k] * 4,
            num_encoder_blocks=[1, 1, 1, 1], num_decoder_blocks=[1, 1, 1, 1]), seed)
    # A mean grey with room on both sides: a clipped picture would hide differences.
    model.decoder.layers[-1].weight *= 0.2
    model.decoder.layers[-1].bias += 0.5
    return model


def qwen_tokenizer():
    """Byte-level BPE with Qwen's splitting and markers, trained on a few sentences."""
    import tokenizers
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    split = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(split), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    sentences = [
        "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the "
        "objects and background:", "a red apple on a blue background", "an astronaut riding a horse, photograph",
        "system user assistant [Generate]: [Edit]: A diptych with two side-by-side images of the same scene.",
    ]
    tokenizer.train_from_iterator(
        sentences, trainers.BpeTrainer(vocab_size=500, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    # The trainer may stop early; the markers' ids are the configuration's, so the gap is filled.
    markers = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    fillers = [f"<|spare_{i}|>" for i in range(503 - tokenizer.get_vocab_size())]
    tokenizer.add_special_tokens(fillers + markers)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", clean_up_tokenization_spaces=False,
        padding_side="right")


FOLDERS = {"sd1": sd1, "sd2": sd2, "sdxl": sdxl, "sdxl-turbo": sdxl_turbo, "dreamlite": dreamlite}
SINGLE = {
    "sd1-single": (sd1, original_names.stable_diffusion), "sd2-single": (sd2, original_names.stable_diffusion_2),
    "sdxl-single": (sdxl, original_names.stable_diffusion_xl),
}


def keep_unclipped(path):
    """The published files say `clip_sample: false` also for schedulers that do not know the word; DDIM and DDPM, when a
    user asks for them, do. Clipped, an untrained network is chaotic and rounding to bf16 changes the whole picture."""
    config = json.loads(path.read_text())
    if "beta_start" in config:
        path.write_text(json.dumps(config | {"clip_sample": False}, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--variant", action="append", choices=[*FOLDERS, *SINGLE])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--widen", type=int, default=1)
    parser.add_argument("--layers", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    shape = arguments.seed, arguments.widen, arguments.layers
    for name in arguments.variant or [*FOLDERS, *SINGLE]:
        if name in FOLDERS:
            FOLDERS[name](*shape).save_pretrained(arguments.out / name)
            keep_unclipped(arguments.out / name / "scheduler/scheduler_config.json")
        else:
            build, rename = SINGLE[name]
            file = arguments.out / f"{name}.safetensors"
            save_file(rename(build(*shape)), file)
            file.chmod(0o644)
        print(arguments.out / name)


if __name__ == "__main__":
    main()
