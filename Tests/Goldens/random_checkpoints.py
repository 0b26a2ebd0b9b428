"""Writes tiny pipelines whose configurations are drawn at random from what diffusers' classes read: the checkpoints of
random_parity.py --wide.

    python random_checkpoints.py OUT [--count 12] [--seed 1]

OUT/KIND-NUMBER for the kinds sd, sdxl, lcm and dreamlite: depths, widths and kinds of levels, heads, norms, transformers of
several depths, the embedding of time, large and tiny autoencoders of several factors, text encoders, sharded, half-precision
and variant files, tokenizers in both forms, and every field of the schedulers. What Lazuli refuses by name is left out.
"""

import argparse
import json
import pathlib
import random
import shutil

import diffusers
import torch
import transformers

import make_checkpoints
from make_checkpoints import clip_tokenizer, filled

SCHEDULERS = [
    "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2Discrete", "LMSDiscrete", "DDIM", "DDPM", "PNDM",
    "DPMSolverMultistep", "UniPCMultistep",
]


class Source(random.Random):
    def some(self, **fields):
        """Each field with one of its values, or left out: field=(probability, values...)."""
        return {key: self.choice(values) for key, (chance, *values) in fields.items() if self.random() < chance}


def text_encoder(source, seed, projection=None):
    width = source.choice([64, 128])
    config = transformers.CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=source.choice([96, 2 * width]),
        num_hidden_layers=source.choice([1, 2, 4]), num_attention_heads=source.choice([1, 2, 4]), bos_token_id=0,
        hidden_act=source.choice(["quick_gelu", "gelu"]), eos_token_id=source.choice([2, 49407]),
        projection_dim=projection or width, layer_norm_eps=source.choice([1e-5, 1e-4]))
    return filled((transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel)(config), seed)


def unet(source, seed, text_width, **more):
    levels = source.choice([1, 2, 2, 3, 4])
    down = [source.choice([True, False]) for _ in range(levels)]
    up = source.choice([down[::-1], [source.choice([True, False]) for _ in range(levels)]])
    layers = [source.choice([1, 1, 2]) for _ in range(levels)]
    each = lambda *values: source.choice([source.choice(values), [source.choice(values) for _ in range(levels)]])
    config = dict(
        in_channels=4, out_channels=4, sample_size=16, cross_attention_dim=text_width, norm_num_groups=source.choice([4, 16, 32]),
        block_out_channels=[32 * source.choice([1, 2, 3]) for _ in range(levels)], layers_per_block=layers,
        down_block_types=["CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in down],
        up_block_types=["CrossAttnUpBlock2D" if attends else "UpBlock2D" for attends in up],
        attention_head_dim=each(1, 2, 4, 8), transformer_layers_per_block=each(1, 2),
        use_linear_projection=source.choice([True, False]), upcast_attention=source.choice([True, False]))
    if source.random() < 0.3:
        nested = lambda attends, count: [source.choice([1, 2]) for _ in range(count)] if attends else source.choice([0, 1])
        config |= dict(
            mid_block_type=None, transformer_layers_per_block=list(map(nested, down, layers)),
            reverse_transformer_layers_per_block=[nested(*pair) for pair in zip(up, (n + 1 for n in layers[::-1]))])
    config |= source.some(
        mid_block_type=(0.2, None, "UNetMidBlock2D"), only_cross_attention=(0.1, True), norm_eps=(0.2, 1e-6, 1e-3),
        resnet_time_scale_shift=(0.15, "scale_shift"), mid_block_scale_factor=(0.1, 1.5), time_embedding_dim=(0.1, 96),
        act_fn=(0.1, "gelu"), flip_sin_to_cos=(0.1, False), freq_shift=(0.1, 1), center_input_sample=(0.1, True),
        conv_in_kernel=(0.1, 1, 5), conv_out_kernel=(0.1, 1, 5))
    return filled(diffusers.UNet2DConditionModel(**config | more), seed)


def autoencoder(source, seed, tiny_share=0.25):
    levels = source.choice([2, 3, 4, 4, 5])
    if source.random() < tiny_share:
        config = dict(
            encoder_block_out_channels=[16] * levels, decoder_block_out_channels=[16] * levels,
            num_encoder_blocks=[1] * levels, num_decoder_blocks=[source.choice([1, 2]) for _ in range(levels)])
        config |= source.some(scaling_factor=(0.3, 0.5), shift_factor=(0.3, 0.3), act_fn=(0.2, "silu"))
        model = filled(diffusers.AutoencoderTiny(**config), seed)
        model.decoder.layers[-1].weight *= 0.2
        model.decoder.layers[-1].bias += 0.5
        return model
    config = dict(
        latent_channels=4, block_out_channels=[32 * source.choice([1, 2]) for _ in range(levels)],
        layers_per_block=source.choice([1, 2]), norm_num_groups=source.choice([4, 16, 32]),
        scaling_factor=source.choice([0.18215, 0.13025]), down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels)
    config |= source.some(
        mid_block_add_attention=(0.2, False), shift_factor=(0.2, 0.1609), use_post_quant_conv=(0.2, False), act_fn=(0.1, "gelu"))
    return filled(diffusers.AutoencoderKL(**config), seed)


def scheduler(source):
    kind = f"{source.choice(SCHEDULERS)}Scheduler"
    fields = make_checkpoints.NOISE | source.some(
        beta_schedule=(0.3, "linear", "squaredcos_cap_v2"), num_train_timesteps=(0.2, 500, 999),
        prediction_type=(0.4, "v_prediction", "epsilon"), timestep_spacing=(0.6, "linspace", "leading", "trailing"),
        steps_offset=(0.5, 0, 2), rescale_betas_zero_snr=(0.15, True), set_alpha_to_one=(0.4, True, False),
        final_sigmas_type=(0.2, "sigma_min"), skip_prk_steps=(0.8, True), variance_type=(0.2, "fixed_large"),
        interpolation_type=(0.1, "log_linear"), timestep_type=(0.1, "continuous"), solver_order=(0.5, 1, 2, 3),
        solver_type=(0.2, "heun"), lower_order_final=(0.2, False), euler_at_final=(0.2, True), predict_x0=(0.2, False),
        algorithm_type=(0.2, "sde-dpmsolver++"), disable_corrector=(0.1, [0, 1]))
    if fields.get("prediction_type") != "v_prediction":
        fields.pop("rescale_betas_zero_snr", None)  # noise says nothing of a picture without signal
    if source.random() < 0.3:
        fields[source.choice(["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"])] = True
    return getattr(diffusers, kind).from_config(fields)


def flow_scheduler(source):
    return diffusers.FlowMatchEulerDiscreteScheduler(**source.some(
        use_dynamic_shifting=(0.7, True), shift=(0.5, 2.0, 3.0), base_shift=(0.3, 0.3), max_shift=(0.5, 1.16, 2.0),
        base_image_seq_len=(0.3, 16), shift_terminal=(0.2, 0.1), time_shift_type=(0.3, "linear"),
        num_train_timesteps=(0.2, 500), use_karras_sigmas=(0.1, True)))


def sd(source, seed):
    text = text_encoder(source, seed)
    return make_checkpoints.stable_diffusion(
        text, unet(source, seed, text.config.hidden_size), autoencoder(source, seed), scheduler(source),
        clip_tokenizer(source.choice(["!", "<|endoftext|>"])))


def lcm(source, seed):
    text = text_encoder(source, seed)
    return diffusers.LatentConsistencyModelPipeline(
        vae=autoencoder(source, seed), text_encoder=text, tokenizer=clip_tokenizer(), safety_checker=None,
        unet=unet(source, seed, text.config.hidden_size, time_cond_proj_dim=source.choice([32, 256])), feature_extractor=None,
        scheduler=diffusers.LCMScheduler(**source.some(original_inference_steps=(0.3, 100), timestep_scaling=(0.3, 20.0))),
        requires_safety_checker=False)


def sdxl(source, seed):
    projection, each = source.choice([32, 64]), source.choice([16, 256])
    first, second = text_encoder(source, seed), text_encoder(source, seed + 1, projection)
    return diffusers.StableDiffusionXLPipeline(
        vae=autoencoder(source, seed), text_encoder=first, text_encoder_2=second, tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer("!"), scheduler=scheduler(source), add_watermarker=False,
        force_zeros_for_empty_prompt=source.choice([True, False]),
        unet=unet(
            source, seed, first.config.hidden_size + second.config.hidden_size, addition_embed_type="text_time",
            addition_time_embed_dim=each, projection_class_embeddings_input_dim=projection + 6 * each))


def dreamlite(source, seed):
    pipeline = make_checkpoints.dreamlite(seed, 1, source.choice([1, 2]))
    config = dict(pipeline.unet.config) | source.some(
        attention_head_dim=(0.5, 2, 4), transformer_layers_per_block=(0.5, 1, 2), use_sep_conv=(0.3, False), ff_mult=(0.3, 4),
        num_kv_heads=(0.3, 2, None), qk_norm=(0.3, None), num_mid_layers=(0.3, 2), mid_block_scale_factor=(0.1, 2.0),
        encoder_hid_dim_type=(0.3, "text_proj"), norm_eps=(0.2, 1e-4))
    pipeline.unet = filled(type(pipeline.unet).from_config(config), seed)
    pipeline.vae = autoencoder(source, seed, tiny_share=1)
    pipeline.scheduler = flow_scheduler(source)
    return pipeline


def save(source, pipeline, folder):
    half = source.choice([None, None, torch.float16, torch.bfloat16])
    if half:
        pipeline.to(half)
    pipeline.save_pretrained(
        folder, variant="fp16" if half == torch.float16 and source.random() < 0.5 else None,
        max_shard_size=source.choice(["10GB", "100KB"]))
    if "DreamLite" not in type(pipeline).__name__ and source.random() < 0.5:
        # As checkpoints from before tokenizer.json have it.
        for part in folder.glob("tokenizer*"):
            (part / "tokenizer.json").unlink()
            for file in ("vocab.json", "merges.txt"):
                shutil.copy(make_checkpoints.VOCABULARY / file, part)
    if source.random() < 0.2:
        # The index decides which class reads the file.
        path = folder / "scheduler/scheduler_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"_class_name": "DEISMultistepScheduler"}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for number in range(arguments.count):
        seed = 1000 * arguments.seed + number
        source = Source(seed)
        build = [sd, sdxl, lcm, sd, sdxl, dreamlite][number % 6]
        folder = arguments.out / f"{build.__name__}-{seed}"
        save(source, build(source, seed), folder)
        print(folder, flush=True)


if __name__ == "__main__":
    main()
