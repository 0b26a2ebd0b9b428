"""Writes renames-*.tsv: names and shapes of tiny original Stable Diffusion checkpoints, and what diffusers makes of them.

Every line is `original name, original shape, diffusers part, diffusers name, diffusers shape`, tab separated; a packed
projection has three lines. Original names are derived from diffusers' models by the inverse rules below; the expected
ones come from diffusers' own conversion functions, and are checked to be exactly the keys of the diffusers model.
Run: python make_renames.py
"""

import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as reference
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

torch.set_num_threads(1)
here = Path(__file__).parent


def unet_original(name, per_block):
    stage = per_block + 1
    fixed = {"conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
             "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
    for new, old in fixed.items():
        if name.startswith(new + "."):
            return old + name[len(new):]
    for new, old in {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
                     "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}.items():
        name = re.sub(r"(resnets\.\d+\.)" + new + r"\.", r"\g<1>" + old + ".", name)
    if m := re.match(r"down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        index = 1 + int(m[1]) * stage + int(m[3])
        return f"input_blocks.{index}.{0 if m[2] == 'resnets' else 1}.{m[4]}"
    if m := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{(int(m[1]) + 1) * stage}.0.op.{m[2]}"
    if m := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name):
        return f"middle_block.{2 * int(m[2]) if m[1] == 'resnets' else 1}.{m[3]}"
    if m := re.match(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        index = int(m[1]) * stage + int(m[3])
        return f"output_blocks.{index}.{0 if m[2] == 'resnets' else 1}.{m[4]}"
    if m := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.(.*)", name):
        index = (int(m[1]) + 1) * stage - 1
        return f"output_blocks.{index}.UP.{m[2]}"
    raise ValueError(name)


def unet(config):
    model = UNet2DConditionModel(**config)
    wanted = model.state_dict()
    pairs = {unet_original(name, config["layers_per_block"]): value for name, value in wanted.items()}
    original = {}
    for name, value in pairs.items():
        if ".UP." in name:
            attends = any(other.startswith(name.split(".UP.")[0] + ".1.") for other in pairs)
            name = name.replace(".UP.", ".2." if attends else ".1.")
        original["model.diffusion_model." + name] = value
    converted = reference.convert_ldm_unet_checkpoint(original, dict(model.config))
    assert set(converted) == set(wanted)
    return original, converted


def vae(config):
    model = AutoencoderKL(**config)
    wanted = model.state_dict()
    levels = len(config["block_out_channels"])
    original = {}
    for name, value in wanted.items():
        old = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        old = re.sub(r"encoder\.down_blocks\.(\d+)\.resnets", r"encoder.down.\1.block", old)
        old = re.sub(r"encoder\.down_blocks\.(\d+)\.downsamplers\.0", r"encoder.down.\1.downsample", old)
        old = re.sub(r"decoder\.up_blocks\.(\d+)\.resnets", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.block", old)
        old = re.sub(r"decoder\.up_blocks\.(\d+)\.upsamplers\.0",
                     lambda m: f"decoder.up.{levels - 1 - int(m[1])}.upsample", old)
        old = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", old)
        if "mid_block.attentions.0" in old:
            for new, word in {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}.items():
                old = old.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{word}.")
            if value.ndim == 2:
                value = value[:, :, None, None]
        original["first_stage_model." + old] = value
    converted = reference.convert_ldm_vae_checkpoint(original, dict(model.config))
    assert set(converted) == set(wanted)
    return original, converted


def clip(prefix):
    model = CLIPTextModel(text_config(hidden_act="quick_gelu"))
    original = {}
    for name, value in model.state_dict().items():
        original[prefix + "text_model." + name.removeprefix("text_model.")] = value
    original[prefix + "text_model.embeddings.position_ids"] = torch.arange(16)[None]
    converted = reference.convert_ldm_clip_checkpoint(original)
    del converted["text_model.embeddings.position_ids"]  # a buffer that transformers does not save any more
    return original, converted


def open_clip(prefix, layers):
    config = text_config(hidden_act="gelu", num_hidden_layers=layers)
    model = CLIPTextModelWithProjection(config)
    state = model.state_dict()
    original = {}
    for name, value in state.items():
        if name == "text_projection.weight":
            original[prefix + "text_projection"] = value.T
            continue
        old = name.removeprefix("text_model.")
        table = {"embeddings.position_embedding.weight": "positional_embedding",
                 "embeddings.token_embedding.weight": "token_embedding.weight",
                 "final_layer_norm.": "ln_final.", "encoder.layers.": "transformer.resblocks.",
                 "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
                 "self_attn": "attn"}
        for new, word in table.items():
            old = old.replace(new, word)
        if m := re.match(r"(.*attn)\.([qkv])_proj\.(weight|bias)", old):
            if m[2] == "q":
                parts = [state[name.replace("q_proj", role)] for role in ("q_proj", "k_proj", "v_proj")]
                original[f"{prefix}{m[1]}.in_proj_{m[3]}"] = torch.cat(parts)
            continue
        original[prefix + old] = value
    original[prefix + "logit_scale"] = torch.zeros(())
    converted = reference.convert_open_clip_checkpoint(model, original, prefix)
    return original, converted


def text_config(**changes):
    return CLIPTextConfig(**{**dict(vocab_size=48, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                                    num_attention_heads=1, max_position_embeddings=16, projection_dim=40), **changes})


def table(kind, parts):
    rows = []
    for part, (make, arguments) in parts.items():
        original, converted = make(*arguments)
        # Second conversion with the index of the source as the value: tells which tensor went where.
        names = list(original)
        stamped = {name: torch.full(tuple(original[name].shape), float(index)) for index, name in enumerate(names)}
        again = convert_again(part, make, arguments, stamped)
        used = set()
        for name, value in sorted(again.items()):
            if name.endswith("position_ids"):
                continue
            source = names[int(value.flatten()[0])]
            used.add(source)
            rows.append((source, shape(original[source]), part, name, shape(converted[name])))
        for name in sorted(set(names) - used):
            rows.append((name, shape(original[name]), "", "", ""))
    text = "".join("\t".join(row) + "\n" for row in rows)
    (here / f"renames-{kind}.tsv").write_text(text)
    print(kind, len(rows), len(text))


def convert_again(part, make, arguments, stamped):
    if make is unet:
        return reference.convert_ldm_unet_checkpoint(stamped, dict(UNet2DConditionModel(**arguments[0]).config))
    if make is vae:
        return reference.convert_ldm_vae_checkpoint(stamped, dict(AutoencoderKL(**arguments[0]).config))
    if make is clip:
        return reference.convert_ldm_clip_checkpoint(stamped)
    return reference.convert_open_clip_checkpoint(CLIPTextModel(text_config()), stamped, arguments[0])


def shape(value):
    return ",".join(str(length) for length in value.shape)


def small_unet(**changes):
    return {**dict(in_channels=4, out_channels=4, sample_size=8, norm_num_groups=8, cross_attention_dim=64), **changes}


small_vae = dict(block_out_channels=(8, 16, 16), down_block_types=("DownEncoderBlock2D",) * 3,
                 up_block_types=("UpDecoderBlock2D",) * 3, layers_per_block=2, norm_num_groups=4, latent_channels=4)
table("sd1", {
    "unet": (unet, (small_unet(
        block_out_channels=(8, 16, 24), layers_per_block=2, attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")),)),
    "vae": (vae, (small_vae,)),
    "text_encoder": (clip, ("cond_stage_model.transformer.",)),
})
table("sd2", {
    "unet": (unet, (small_unet(
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=(1, 2), use_linear_projection=True,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")),)),
    "vae": (vae, ({**small_vae, "block_out_channels": (8, 16), "down_block_types": ("DownEncoderBlock2D",) * 2,
                   "up_block_types": ("UpDecoderBlock2D",) * 2, "layers_per_block": 1},)),
    "text_encoder": (open_clip, ("cond_stage_model.model.", 24)),
})
table("sdxl", {
    "unet": (unet, (small_unet(
        block_out_channels=(8, 16), layers_per_block=2, attention_head_dim=(1, 2), use_linear_projection=True,
        transformer_layers_per_block=(1, 2), addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=88,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D")),)),
    "text_encoder": (clip, ("conditioner.embedders.0.transformer.",)),
    "text_encoder_2": (open_clip, ("conditioner.embedders.1.model.", 11)),
})
