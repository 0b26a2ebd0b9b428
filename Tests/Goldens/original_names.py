"""Tensors of a diffusers pipeline under the key names of the original repositories: CompVis' and Stability's.

Written from the module trees of CompVis/stable-diffusion, Stability-AI/generative-models and open_clip. reference.py loads
the files with diffusers' own `from_single_file`, which checks these names.
"""

import re

import torch


def stable_diffusion(pipeline):
    tensors = prefixed("model.diffusion_model.", unet(pipeline.unet))
    tensors |= prefixed("first_stage_model.", vae(pipeline.vae))
    text = text_model(pipeline.text_encoder)
    return contiguous(tensors | prefixed("cond_stage_model.transformer.", text))


def stable_diffusion_2(pipeline):
    tensors = prefixed("model.diffusion_model.", unet(pipeline.unet))
    tensors |= prefixed("first_stage_model.", vae(pipeline.vae))
    return contiguous(tensors | prefixed("cond_stage_model.model.", open_clip(pipeline.text_encoder)))


def stable_diffusion_xl(pipeline):
    tensors = prefixed("model.diffusion_model.", unet(pipeline.unet))
    tensors |= prefixed("first_stage_model.", vae(pipeline.vae))
    tensors |= prefixed("conditioner.embedders.0.transformer.", text_model(pipeline.text_encoder))
    return contiguous(tensors | prefixed("conditioner.embedders.1.model.", open_clip(pipeline.text_encoder_2)))


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def contiguous(tensors):
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def moved(state, modules):
    """`state` with every name below one of `modules` (old prefix -> new prefix) moved."""
    result = {}
    for name, tensor in state.items():
        old = next(prefix for prefix in sorted(modules, key=len, reverse=True) if name.startswith(prefix + "."))
        result[modules[old] + name[len(old) :]] = tensor
    return result


def substituted(state, pairs):
    result = {}
    for name, tensor in state.items():
        for pattern, replacement in pairs:
            name = re.sub(pattern, replacement, name)
        result[name] = tensor
    return result


def unet(model):
    """Levels become one running list of blocks on the way down and another on the way up."""
    levels = len(model.down_blocks)
    modules = {
        "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0",
        "conv_out": "out.2", "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }
    index = 1
    for level, block in enumerate(model.down_blocks):
        for i in range(len(block.resnets)):
            modules[f"down_blocks.{level}.resnets.{i}"] = f"input_blocks.{index}.0"
            modules[f"down_blocks.{level}.attentions.{i}"] = f"input_blocks.{index}.1"
            index += 1
        if level < levels - 1:
            modules[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{index}.0.op"
            index += 1
    index = 0
    for level, block in enumerate(model.up_blocks):
        for i in range(len(block.resnets)):
            modules[f"up_blocks.{level}.resnets.{i}"] = f"output_blocks.{index}.0"
            modules[f"up_blocks.{level}.attentions.{i}"] = f"output_blocks.{index}.1"
            index += 1
        after = 2 if getattr(block, "attentions", None) else 1
        modules[f"up_blocks.{level}.upsamplers.0"] = f"output_blocks.{index - 1}.{after}"
    block = r"((?:input|output)_blocks\.\d+\.0|middle_block\.[02])\."
    return substituted(moved(model.state_dict(), modules), [
        (block + "norm1", r"\1.in_layers.0"), (block + "conv1", r"\1.in_layers.2"), (block + "time_emb_proj", r"\1.emb_layers.1"),
        (block + "norm2", r"\1.out_layers.0"), (block + "conv2", r"\1.out_layers.3"), (block + "conv_shortcut", r"\1.skip_connection"),
    ])


def vae(model):
    """The decoder's levels are numbered from the finest, attention is stored as 1x1 convolutions."""
    last = len(model.decoder.up_blocks) - 1
    renamed = substituted(model.state_dict(), [
        (r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block."), (r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample"),
        (r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{last - int(m[1])}.block."),
        (r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{last - int(m[1])}.upsample"), ("conv_shortcut", "nin_shortcut"),
        (r"mid_block\.resnets\.0", "mid.block_1"), (r"mid_block\.resnets\.1", "mid.block_2"),
        (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"), (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
        (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"), ("conv_norm_out", "norm_out"),
    ])
    attention = re.compile(r"mid\.attn_1\.(q|k|v|proj_out)\.weight$")
    return {name: tensor[:, :, None, None] if attention.search(name) else tensor for name, tensor in renamed.items()}


def text_model(model):
    """transformers' own names, always below `text_model`."""
    return {name if name.startswith("text_model.") else "text_model." + name: tensor for name, tensor in model.state_dict().items()}


def open_clip(model):
    """One matrix for queries, keys and values; the projection transposed."""
    state = {name.removeprefix("text_model."): tensor for name, tensor in model.state_dict().items()}
    tensors = {}
    for name in list(state):
        layer = re.match(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", name)
        if layer:
            parts = [state[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            tensors[f"transformer.resblocks.{layer[1]}.attn.in_proj_{layer[2]}"] = torch.cat(parts)
    rest = {name: tensor for name, tensor in state.items() if not re.search(r"self_attn\.[qkv]_proj", name)}
    if "text_projection.weight" in rest:
        rest["text_projection"] = rest.pop("text_projection.weight").T
    return tensors | substituted(rest, [
        (r"embeddings\.token_embedding", "token_embedding"), (r"embeddings\.position_embedding\.weight", "positional_embedding"),
        (r"encoder\.layers\.", "transformer.resblocks."), (r"self_attn\.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"),
        ("layer_norm2", "ln_2"), (r"mlp\.fc1", "mlp.c_fc"), (r"mlp\.fc2", "mlp.c_proj"), ("final_layer_norm", "ln_final"),
    ])
