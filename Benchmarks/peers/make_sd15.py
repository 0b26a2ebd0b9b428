"""Writes a full-size Stable Diffusion 1.5 with random weights: what every engine is timed on.

    python make_sd15.py FOLDER

The folder is in diffusers' layout (f16 safetensors, 2.1 GB), so Lazuli loads it like a real checkpoint. Weights are
random because only their shapes matter to speed; the seed is fixed.
"""
import argparse
import pathlib
import shutil

import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

UNET = dict(
    sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280, 1280),
    down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3, cross_attention_dim=768, attention_head_dim=8)
VAE = dict(
    in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(128, 256, 512, 512), layers_per_block=2,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, sample_size=512)
TEXT = dict(
    vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
    max_position_embeddings=77, hidden_act="quick_gelu", eos_token_id=49407, bos_token_id=49406, pad_token_id=49407)
SCHEDULER = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1,
    skip_prk_steps=True, set_alpha_to_one=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path, help="folder with CLIP's vocab.json and merges.txt")
    arguments = parser.parse_args()
    folder = arguments.folder
    torch.manual_seed(0)
    UNet2DConditionModel(**UNET).half().save_pretrained(folder / "unet")
    AutoencoderKL(**VAE).half().save_pretrained(folder / "vae")
    CLIPTextModel(CLIPTextConfig(**TEXT)).half().save_pretrained(folder / "text_encoder")
    PNDMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text("""{
  "_class_name": "StableDiffusionPipeline",
  "text_encoder": ["transformers", "CLIPTextModel"],
  "tokenizer": ["transformers", "CLIPTokenizer"],
  "unet": ["diffusers", "UNet2DConditionModel"],
  "vae": ["diffusers", "AutoencoderKL"],
  "scheduler": ["diffusers", "PNDMScheduler"]
}
""")
    tokenizer = arguments.tokenizer or pathlib.Path(__file__).parents[2] / "models" / "clip-tokenizer"
    (folder / "tokenizer").mkdir(exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(tokenizer / name, folder / "tokenizer" / name)


main()
